"""household.html in Chromium: read, pointed at, walked through by keys, printed, without script."""

import math
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.chromium import DESKTOP, find_violations, new_page
from tests.report.household.homes import make_home

from seq2point.household import HomeEnergy
from seq2point.report.household import render_page

PHONE = {"width": 360, "height": 800}
NOON = 1440 + 720
"""The minute of a wash of 500 W, on the second day."""

PATIENCE_MS = 120_000
"""What a busy machine may take; a quiet one answers at once."""

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def home() -> HomeEnergy:
    """Three days in winter, the third of them unknown from 06:00 to 18:00."""
    return make_home(3, unknown=slice(2 * 1440 + 360, 2 * 1440 + 1080))


@pytest.fixture(scope="module")
def page_file(home: HomeEnergy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("home") / "household.html"
    path.write_text(render_page(home), encoding="utf-8")
    return path


@pytest.fixture
def open_page(browser: Any, page_file: Path) -> Iterator[Open]:
    """Return a function that opens the page in a context of its own, and fails on its errors."""
    contexts, problems = [], []

    def open_it(path: Path = page_file, before: str = "", **options: Any) -> Any:
        page = new_page(browser, problems.append, PATIENCE_MS, **options)
        contexts.append(page.context)
        page.on("request", lambda request: problems.append(request.url))
        if before:
            page.add_init_script(before)
        page.goto(path.as_uri())
        problems.remove(path.as_uri())
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert problems == []


def show_day(page: Any) -> Any:
    """Scroll to the day, and return its picture once it is drawn."""
    page.locator("#day").scroll_into_view_if_needed()
    picture = page.locator("#day .canvas svg")
    picture.wait_for()
    return picture


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_axe_finds_nothing_on_screen_or_paper(open_page, viewport, scheme):
    page = open_page(viewport=viewport, color_scheme=scheme)
    show_day(page)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    for media in ("screen", "print"):
        page.emulate_media(media=media, color_scheme=scheme)
        assert find_violations(page) == []


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_it_is_never_wider_than_the_screen(open_page, viewport):
    page = open_page(viewport=viewport)
    show_day(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_without_script_all_figures_are_there(open_page, home):
    page = open_page(java_script_enabled=False)
    assert page.locator("figure.bars:visible").count() == 4
    page.locator("#bars summary").first.click()
    assert page.get_by_role("row", name="Fri 31 Jan 2025").is_visible()
    page.locator("#day").scroll_into_view_if_needed()  # what is far below is not laid out before
    page.get_by_text("drawn by the page’s script").wait_for(state="visible")
    assert not page.locator("button:visible, select:visible").count()
    assert page.locator("#runs article").count() == 3


def test_a_bar_that_is_pointed_at_is_read(open_page):
    page = open_page()
    page.locator("g[data-row=row-day-2025-02-01]").hover()
    readout = page.locator("#bars .readout:visible")
    assert readout.inner_text().startswith("Sat 1 Feb 2025: kWh in all")
    assert readout.inner_text().endswith("hours known 12 of 24")
    assert readout.get_attribute("aria-live") == "polite"


def test_bars_are_read_by_arrow_keys_and_opened_by_enter(open_page):
    page = open_page()
    page.get_by_role("button", name="Earlier").click()
    page.locator("#bars .chart:visible").focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    assert page.locator("#bars .readout:visible").inner_text().startswith("Thu 30 Jan 2025")
    page.keyboard.press("Enter")
    page.get_by_label(re.compile("Thu 30 Jan 2025: power")).wait_for()


@pytest.mark.parametrize(("view", "bars"), [("Weeks", 1), ("Months", 2)])
def test_weeks_and_months_are_chosen(open_page, view, bars):
    page = open_page()
    page.get_by_role("radio", name=view).check()
    assert page.locator("#bars figure:visible").count() == 1
    assert page.locator("#bars figure:visible g[data-row]").count() == bars


def test_a_minute_is_read_as_the_home_has_it(open_page, home):
    page = open_page()
    page.locator("#day").scroll_into_view_if_needed()
    page.locator("#day select").select_option("2025-01-31")
    picture = page.get_by_label(re.compile("Fri 31 Jan 2025: power from 00:00 to 24:00"))
    picture.focus()
    page.keyboard.press("Home")
    for _ in range(12):
        page.keyboard.press("PageDown")
    text = page.locator("#day .readout").inner_text()
    assert text.startswith("12:00: mains")
    read_w = {
        name: float(watts.replace(",", ""))
        for name, watts in re.findall(r"([a-z][a-z ]+?) ([\d,]+) W", text)
    }
    labels = {each.name: each.label for each in home.appliances} | {"always_on": "always on"}
    expected_w = {labels.get(n, n): float(p[NOON]) for n, p in home.parts_w.items() if p[NOON]}
    expected_w["mains"] = float(home.mains_w[NOON])
    assert set(read_w) == set(expected_w)
    for name, power_w in expected_w.items():
        assert math.isclose(read_w[name], power_w, rel_tol=0.01, abs_tol=5.5)


def test_an_unknown_minute_is_read_as_unknown_and_hatched(open_page):
    page = open_page()
    page.locator("#day").scroll_into_view_if_needed()
    page.locator("#day select").select_option("2025-02-01")
    picture = page.get_by_label(re.compile("Sat 1 Feb 2025: power"))
    picture.focus()
    page.keyboard.press("Home")
    for _ in range(7):
        page.keyboard.press("PageDown")
    assert page.locator("#day .readout").inner_text() == "07:00: not known"
    assert page.locator("#day .canvas .unknown").count() == 1


def test_the_day_that_opens_first_is_known_in_full(open_page):
    page = open_page()
    show_day(page)
    assert page.locator("#day select").input_value() == "2025-01-31"


def test_what_ran_on_a_day_is_listed(open_page):
    page = open_page()
    show_day(page)
    rows = [row.split("\t") for row in page.locator(".ran tbody").inner_text().splitlines()]
    assert ["kettle", "07:11", "07:13", "2 min", "0.09"] in rows
    assert rows[2][:2] == ["fridge, 24 times", "00:00"]
    assert ["washing machine", "12:00", "13:00", "1 h 0 min", "0.50"] in rows


def test_zooming_shows_less_of_the_day(open_page):
    page = open_page()
    show_day(page)
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_label(re.compile("power from 06:00 to 18:00")).wait_for()
    page.get_by_role("button", name="Zoom out").click()
    page.get_by_label(re.compile("power from 00:00 to 24:00")).wait_for()
    assert page.get_by_role("button", name="Zoom out").is_disabled()


def test_a_day_of_25_hours_has_its_hour_twice(open_page, tmp_path):
    path = tmp_path / "autumn.html"
    path.write_text(render_page(make_home(3, datetime(2025, 10, 25, tzinfo=UTC))))
    page = open_page(path)
    page.locator("#day").scroll_into_view_if_needed()
    page.locator("#day select").select_option("2025-10-26")
    page.get_by_label(re.compile("Sun 26 Oct 2025: power from 00:00 to 24:00")).focus()
    page.keyboard.press("Home")
    clocks = []
    for _ in range(3):
        page.keyboard.press("PageDown")
        clocks.append(page.locator("#day .readout").inner_text()[:5])
    assert clocks == ["01:00", "01:00", "02:00"]


def test_a_browser_that_cannot_unpack_says_so(open_page):
    page = open_page(before="delete window.DecompressionStream;")
    page.locator("#day").scroll_into_view_if_needed()
    page.get_by_text("This browser cannot unpack the minutes").wait_for()
    assert page.locator("#bars figure:visible").count() == 1


def test_words_from_outside_do_nothing(open_page, home, tmp_path):
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    reports = tuple(each._replace(label=evil) for each in home.appliances)
    path = tmp_path / "evil.html"
    path.write_text(render_page(make_home(3, house=evil, appliances=reports)))
    page = open_page(path)
    show_day(page)
    assert evil in page.locator("#day .legend").inner_text()


def test_print_has_the_tables_and_no_buttons(open_page):
    page = open_page(color_scheme="dark")
    show_day(page)
    page.emulate_media(media="print")
    assert not page.locator("button:visible, select:visible, .readout:visible").count()
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == (
        "rgb(255, 255, 255)"
    )
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_print_has_the_day_only_where_it_is_drawn(open_page):
    page = open_page()
    page.emulate_media(media="print")
    assert not page.locator("#day").is_visible()
    page.emulate_media(media="screen")
    page.locator("#day").scroll_into_view_if_needed()
    page.locator("#day svg").first.wait_for()
    page.emulate_media(media="print")
    assert page.locator("#day svg").first.is_visible()
    assert not page.locator("#day .controls:visible").count()


def test_print_without_script_has_no_empty_day(open_page):
    page = open_page(java_script_enabled=False)
    page.emulate_media(media="print")
    assert not page.locator("#day").is_visible()


def test_print_has_all_views_of_what_is_known(open_page, tmp_path):
    """With script one picture shows at a time; paper has them all, but months of nothing."""
    path = tmp_path / "gap.html"
    path.write_text(render_page(make_home(100, unknown=slice(2 * 1440, 65 * 1440))))
    page = open_page(path)
    figures = page.locator("#bars figure")
    on_screen = [figures.nth(i).is_visible() for i in range(figures.count())]
    page.emulate_media(media="print")
    on_paper = [figures.nth(i).is_visible() for i in range(figures.count())]
    known = [figures.nth(i).get_attribute("data-known") is not None for i in range(figures.count())]
    assert sum(on_screen) == 1
    assert on_paper == known
    assert sum(known) > 3
    assert not all(known)
    assert all(page.locator("#bars h3").nth(i).is_visible() for i in range(3))


def test_the_axis_of_a_day_holds_the_mains(open_page, home):
    page = open_page()
    show_day(page)
    marks = page.locator("#day .canvas text.end").all_text_contents()
    top_w = float(marks[-1].split()[0]) * (1000 if "kW" in marks[-1] else 1)
    assert top_w >= float(np.nanmax(home.mains_w[1440:2880]))
    assert page.locator("#day .canvas path").count() == len(home.parts_w) + 1
