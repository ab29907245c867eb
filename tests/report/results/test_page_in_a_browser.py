"""report.html in Chromium: sorted, filtered, drawn when seen, saved, printed, without script."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import polars as pl
import pytest
from tests.chromium import DESKTOP, find_violations, new_page
from tests.report.results.run_folders import make_curve

from seq2point.report.results import read_curves, read_results, render_page
from seq2point.report.results.result import Problem

PHONE = {"width": 390, "height": 844}
PATIENCE_MS = 120_000
"""What a busy machine may take; a quiet one answers at once."""

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def page_file(
    runs: dict[str, Path],
    protocol_folder: Path,
    study_folder: Path,
    test_json: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Ten results, of all kinds, a transfer's curve, and one that cannot be shown."""
    results, _ = read_results([*runs.values(), protocol_folder, study_folder, test_json])
    curves, _ = read_curves([make_curve(tmp_path_factory.mktemp("transfer") / "curve")])
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render_page(results, [Problem(Path("runs/x"), "unfinished")], curves))
    return path


@pytest.fixture
def open_page(browser: Any, page_file: Path) -> Iterator[Open]:
    """Return a function that opens the page in a context of its own, and fails on its errors."""
    contexts, problems = [], []

    def open_it(path: Path = page_file, **options: Any) -> Any:
        page = new_page(browser, problems.append, PATIENCE_MS, **options)
        contexts.append(page.context)
        page.on("request", lambda request: problems.append(request.url))
        page.goto(path.as_uri())
        problems.remove(path.as_uri())
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert [each for each in problems if not each.startswith("blob:")] == []


def read_column(page: Any, number: int) -> list[str]:
    """Return the cells of a column of the first table, as they stand, without hidden rows."""
    cells = page.locator(f"#table tbody tr:not([hidden]) > :nth-child({number + 1})")
    return cells.all_text_contents()


def find_column(page: Any, heading: str) -> int:
    return page.locator("#table thead th").all_text_contents().index(heading)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_axe_finds_nothing_on_screen_or_paper(open_page, viewport, scheme):
    page = open_page(viewport=viewport, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    page.locator("figure.curve").first.scroll_into_view_if_needed()
    page.locator("figure.curve svg").first.wait_for()
    for media in ("screen", "print"):
        page.emulate_media(media=media, color_scheme=scheme)
        assert find_violations(page) == []


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_it_is_never_wider_than_the_screen(open_page, viewport):
    page = open_page(viewport=viewport)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_a_heading_sorts_its_column_both_ways(open_page):
    page = open_page()
    column = find_column(page, "MAE, W")
    before = [float(text) for text in read_column(page, column)]
    assert before != sorted(before)
    heading = page.get_by_role("columnheader", name="MAE, W")
    heading.get_by_role("button").click()
    assert [float(text) for text in read_column(page, column)] == sorted(before)
    assert heading.get_attribute("aria-sort") == "ascending"
    heading.get_by_role("button").click()
    assert [float(text) for text in read_column(page, column)] == sorted(before, reverse=True)
    assert heading.get_attribute("aria-sort") == "descending"


def test_what_is_unknown_is_sorted_last_either_way(open_page):
    page = open_page()
    column = find_column(page, "latency, ms")
    button = page.locator("#table thead th").nth(column).get_by_role("button")
    unknown = read_column(page, column).count("–")
    assert unknown
    for _ in range(2):
        button.click()
        cells = read_column(page, column)
        assert cells[-unknown:] == ["–"] * unknown
        assert "–" not in cells[:-unknown]


def test_words_and_choices_filter_rows_points_and_cards(open_page):
    page = open_page()
    page.get_by_role("combobox", name="pruner").select_option("magnitude")
    assert set(read_column(page, find_column(page, "pruner"))) == {"magnitude"}
    assert page.locator("#filters output").inner_text() == "3 of 10 shown"
    assert page.locator(".card:visible").count() == 3
    kept = page.locator("#table tbody tr:not([hidden])").evaluate_all(
        "(rows) => rows.map((row) => row.dataset.i)"
    )
    lit = page.locator(".point:not(.off)").evaluate_all("(all) => all.map((a) => a.dataset.i)")
    assert set(lit) == set(kept)
    page.get_by_label("Find").fill("HOUSE 5 seed1")
    assert read_column(page, 0) == ["kettle-seed1-magnitude-0.8"]
    page.get_by_label("Find").fill("no such thing")
    assert page.locator("#filters output").inner_text() == "0 of 10 shown"


def test_curves_are_drawn_when_they_are_seen(open_page):
    page = open_page()
    assert page.locator("figure.curve svg").count() == 0
    page.locator("figure.curve").last.scroll_into_view_if_needed()
    page.locator("figure.curve svg").last.wait_for()
    assert page.locator("figure.curve svg").count() < page.locator("figure.curve").count()


def test_a_curve_has_the_losses_of_its_training(open_page, runs):
    page = open_page()
    figure = page.locator("figure.curve").first
    figure.scroll_into_view_if_needed()
    line = figure.locator("path.val").get_attribute("d")
    heights = [float(y) for _, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", line)]
    (result,), _ = read_results([runs["dense"]])
    losses = [row["val_loss"] for row in result.history]
    assert len(heights) == len(losses)
    lowest = losses.index(min(losses))
    assert max(heights) == heights[lowest]
    assert heights[0] < heights[-1] if losses[0] > losses[-1] else heights[0] >= heights[-1]
    assert "Validation loss" in figure.locator("svg").get_attribute("aria-label")


@pytest.mark.parametrize(
    "figure",
    [
        "#fronts figure",
        "#transfers figure",
        "figure.curve",
        "figure.hours",
        "figure.activations",
        "figure.days",
        "figure[data-file$=layers]",
    ],
)
def test_each_figure_is_saved_as_svg_with_its_colours(open_page, tmp_path, figure):
    page = open_page()
    place = page.locator(figure).first
    place.scroll_into_view_if_needed()
    button = place.get_by_role("button", name="Save as SVG")
    with page.expect_download() as download:
        button.click()
    assert download.value.suggested_filename.endswith(".svg")
    path = tmp_path / "figure.svg"
    download.value.save_as(path)
    root = ElementTree.parse(path).getroot()
    shapes = [
        each for each in root.iter() if each.tag.rpartition("}")[2] in ("path", "rect", "circle")
    ]
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(shapes) > 1
    assert all(each.get("fill") for each in shapes)
    assert "var(" not in path.read_text()


def open_days(page: Any) -> Any:
    figure = page.locator("figure.days").first
    figure.scroll_into_view_if_needed()
    figure.locator("svg path.val").wait_for()
    return figure


def test_a_day_is_zoomed_by_buttons_keys_and_the_pointer(open_page):
    figure = open_days(open_page())
    said = figure.locator("output")
    assert said.inner_text() == "00:00:00 to the end of the day, UTC"
    figure.get_by_role("button", name="Closer").click()
    half = said.inner_text()
    assert half != "00:00:00 to the end of the day, UTC"
    figure.locator("svg").press("ArrowRight")
    assert said.inner_text() != half
    figure.get_by_role("button", name="Whole day").click()
    assert said.inner_text() == "00:00:00 to the end of the day, UTC"
    box = figure.locator("svg").bounding_box()
    page = figure.page
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 100)
    assert "mains " in said.inner_text()
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 100)
    page.mouse.up()
    page.mouse.move(0, 0)
    figure.get_by_role("button", name="Further").click()
    assert said.inner_text() != "00:00:00 to the end of the day, UTC"


def test_a_day_has_the_watts_of_the_test(open_page, runs):
    figure = open_days(open_page())
    watts = figure.evaluate("(figure) => Array.from(figure.loaded[0].truth)")
    rows = pl.read_parquet(runs["dense"] / "days.parquet")
    assert watts == pytest.approx(rows["truth_w"].to_list(), abs=0.5, rel=0.01)


def test_a_link_opens_the_card_of_its_result(open_page):
    page = open_page()
    page.get_by_role("button", name="Close all").click()
    assert page.locator(".card[open]").count() == 0
    page.locator("#table").get_by_role("link", name="half").click()
    page.locator(".card[open]").wait_for()
    assert page.locator(".card[open] summary b").first.inner_text().endswith("half")
    page.get_by_role("button", name="Open all").click()
    assert page.locator(".card[open]").count() == 10


def test_a_point_leads_to_its_result(open_page):
    page = open_page()
    page.get_by_role("button", name="Close all").click()
    point = page.locator("#fronts .point.on-front").first
    point.focus()
    page.keyboard.press("Enter")
    page.locator(".card[open]").wait_for()
    assert page.locator(".card[open]").get_attribute("data-i") == point.get_attribute("data-i")


def test_without_script_all_figures_and_cards_can_be_read(open_page):
    page = open_page(java_script_enabled=False)
    assert page.locator("#table tbody tr:visible").count() == 10
    assert page.locator("#fronts svg:visible").count() >= 3
    assert page.locator("figure[data-file$=layers] svg:visible").count()
    assert page.get_by_text("The curve is drawn by the page’s script.").count()
    assert not page.locator("button:visible, select:visible, input:visible").count()
    page.locator(".card summary").first.click()
    assert page.get_by_text("validation loss", exact=False).count()
    assert page.get_by_text("Wh used", exact=False).count() == 9
    assert page.locator("#transfers svg:visible").count() == 1 + 2


def test_print_has_tables_and_pictures_and_no_buttons(open_page):
    page = open_page(color_scheme="dark")
    page.emulate_media(media="print")
    assert not page.locator("figcaption button:visible, .controls:visible").count()
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == (
        "rgb(255, 255, 255)"
    )
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("figure.curve svg").count() == page.locator("figure.curve").count()
    assert page.evaluate("document.querySelector('#table').scrollWidth") <= DESKTOP["width"]
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


def test_a_page_without_results_has_no_errors(open_page, tmp_path):
    path = tmp_path / "empty.html"
    path.write_text(render_page([], [Problem(Path("runs/x"), "unfinished")]), encoding="utf-8")
    assert open_page(path).get_by_text("There is no result to show.").is_visible()
