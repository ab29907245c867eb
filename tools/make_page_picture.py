"""The picture of the live page in the guide: a simulated home, live for three days, in Chromium.

`python tools/make_page_picture.py` writes docs/images/live_page.png. It needs Playwright and
Debian's chromium.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import ViewportSize, sync_playwright

from seq2point.simulator import simulate_house

PICTURE = Path("docs/images/live_page.png")
BEGIN = datetime(2025, 11, 17, 18, 20, tzinfo=UTC)
DAYS, STEP_S, SEED = 3.2, 30, 4
A_DAY = 86_400 // STEP_S
SIZE: ViewportSize = {"width": 900, "height": 1245}


def make_picture(path: Path) -> None:
    """Start a live service on a simulated home, and take its page's picture."""
    recording = simulate_house(SEED, days=DAYS, period_s=STEP_S, start=BEGIN)
    with tempfile.TemporaryDirectory() as folder:
        words = ["--source", "stdin", "--cadence", f"{STEP_S}s"]
        words += ["--store", f"{folder}/s", "--commit-every", "0"]
        words += ["--sink", "page", "--page-port", "0", "--zone", "Europe/London"]
        words += ["--home", "Elm Street 4", "--tariff", "0.30 GBP, 0.12 23:00-07:00"]
        process = subprocess.Popen(
            [sys.executable, "-m", "seq2point", "live", *words],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stderr is not None
        url = process.stderr.readline().split()[-1]
        last_s = 0.0
        for i, watts in enumerate(recording.mains_w.tolist(), 1):
            last_s = BEGIN.timestamp() + STEP_S * (i - 1)
            process.stdin.write(json.dumps({"time": last_s, "mains_w": watts}) + "\n")
            if i % A_DAY == 0 or i == len(recording.mains_w):
                process.stdin.flush()
                wait_for_answers(url, last_s)
        take_picture(url, path)
        process.terminate()
        process.communicate(timeout=60)


def wait_for_answers(url: str, last_s: float) -> None:
    """Wait until a reading has come, and what is due then is answered."""
    while True:
        with urllib.request.urlopen(f"{url}api/now") as answer:
            now = json.load(answer)
        if now["reading_s"] == last_s and last_s - (now["answered_s"] or 0) <= now["delay_s"] + 60:
            return
        time.sleep(0.5)


def take_picture(url: str, path: Path) -> None:
    """Write what the page shows once the readings are answered."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport=SIZE)
        page.goto(url)
        page.get_by_text("behind the meter").wait_for()
        page.locator("html[data-ready]").wait_for()
        page.wait_for_timeout(1000)
        page.screenshot(path=path)
        browser.close()


if __name__ == "__main__":
    make_picture(PICTURE)
