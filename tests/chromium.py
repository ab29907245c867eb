"""Debian's Chromium for the tests of pages: a browser, pages whose errors are noted, and axe."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

DESKTOP = {"width": 1280, "height": 900}


@contextmanager
def launch() -> Iterator[Any]:
    """Yield a browser, or skip with the reason where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed here")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no Chromium here: apt-get install it")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def new_page(browser: Any, note: Callable[[str], Any], patience_ms: float, **options: Any) -> Any:
    """Return an empty page in a context of its own; `note` gets its errors and what it prints."""
    context = browser.new_context(**{"viewport": DESKTOP, **options})
    context.set_default_timeout(patience_ms)
    page = context.new_page()
    page.on("console", lambda message: note(message.text))
    page.on("pageerror", lambda error: note(str(error)))
    page.on("dialog", lambda dialog: note(dialog.message))
    return page


def find_violations(page: Any) -> list[tuple[str, str]]:
    """Return what axe finds, by its rule and the first element."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    violations = axe.Axe().run(page).response["violations"]
    return [(each["id"], each["nodes"][0]["html"]) for each in violations]
