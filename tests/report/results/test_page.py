"""report.html as text: the figures are the results', and it needs nothing else."""

import json
import re
import shutil
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.report.results.run_folders import make_curve, make_run, vary_run

from seq2point.report.packed_series import unpack_series
from seq2point.report.results import read_curves, read_results, render_page
from seq2point.report.results.days import ShownDay, thin
from seq2point.report.results.result import Problem

RUNS, VALIDATIONS, MOST_BYTES = 500, 120, 10_000_000


class Tables(HTMLParser):
    """The rows of each table by its id, as the words of their cells."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, list[list[str]]] = {}
        self.at = ""
        self.inside = False

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.at = dict(attrs)["id"]
            self.rows[self.at] = []
        if tag == "tr":
            self.rows[self.at].append([])
        if tag in ("th", "td"):
            self.rows[self.at][-1].append("")
            self.inside = True

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in ("th", "td")

    def handle_data(self, data):
        if self.inside:
            self.rows[self.at][-1][-1] += data


def read_table(page: str, name: str = "table") -> dict[str, dict[str, str]]:
    """Return a table's cells by row and column."""
    tables = Tables()
    tables.feed(page)
    (_, *columns), *rows = tables.rows[name]
    return {head: dict(zip(columns, cells, strict=True)) for head, *cells in rows}


@pytest.fixture(scope="module")
def page(runs) -> str:
    return render_page(*read_results([*runs.values()]))


def test_a_row_has_the_figures_of_its_training(page, runs):
    row = read_table(page)["half"]
    told = json.loads((runs["half"] / "metrics.json").read_text())
    small = told["costs"]["models"]["compacted"]
    assert row["appliance"] == "kettle"
    assert (row["pruner"], row["seed"]) == ("structured", "1")
    assert row["MAE, W"] == f"{told['metrics']['mae_w']:.1f}"
    assert row["zero, W"] == f"{told['baselines']['zero']['mae_w']:.1f}"
    assert row["mean, W"] == f"{told['baselines']['mean']['mae_w']:.1f}"
    assert row["NDE"] == f"{told['metrics']['nde']:.3f}"
    assert row["coverage, %"] == f"{100 * told['coverage']['scored']:.3g}"
    assert row["weights"] == f"{small['nonzero_parameters']:,}"
    assert row["multiply-adds"] == f"{small['multiply_adds']:,}"
    assert row["file, KB"] == f"{small['file_bytes'] / 1024:.3g}"


def test_what_was_not_measured_is_no_number(test_json):
    (row,) = read_table(render_page(*read_results([test_json]))).values()
    assert row["latency, ms"] == "–"


def test_errors_by_hour_and_event_are_those_of_the_test(page, runs):
    report = json.loads((runs["dense"] / "metrics.json").read_text())
    told, by_hour = report["metrics"], report["by_hour"]["mae_w"]
    row = read_table(page, "hours-table")["dense"]
    assert row["SAE by the hour, W"] == f"{told['sae_delta_w']:.1f}"
    assert row["recall of events"] == f"{told['event_recall']:.3f}"
    worst_w = max(w for w in by_hour if w is not None)
    assert row["worst hour"] == f"{by_hour.index(worst_w)}:00"
    assert row["error in it, W"] == f"{worst_w:.1f}"
    assert row["activations"] == str(report["activations"]["count"])


def test_coverage_is_that_of_the_test(page, runs):
    coverage = json.loads((runs["dense"] / "metrics.json").read_text())["coverage"]
    row = read_table(page, "coverage-table")["dense"]
    assert row["days scored"] == f"{coverage['scored_days']:.1f}"
    assert row["scored, %"] == f"{100 * coverage['scored']:.3g}"


def find_attribute(page: str, name: str) -> list[str]:
    return [unescape(text) for text in re.findall(rf' {name}="([^"]*)"', page)]


def test_days_come_back_as_the_test_had_them(page, runs):
    told = json.loads(find_attribute(page, "data-days")[0])
    rows = pl.read_parquet(runs["dense"] / "days.parquet")
    assert [day["count"] for day in told] == [len(rows)]
    assert told[0]["label"] == "most use, usual use, greatest error: 2025-01-01"
    (predicted_w,) = unpack_series(find_attribute(page, "data-power")[0], 1)
    shared = re.search(rf'id="day-{told[0]["shared"]}">([^<]*)<', page)
    mains_w, truth_w = unpack_series(unescape(shared[1]), 2)
    for unpacked_w, name in (
        (predicted_w, "prediction_w"),
        (mains_w, "mains_w"),
        (truth_w, "truth_w"),
    ):
        known = rows[name].cast(pl.Float32).fill_null(np.nan).to_numpy()
        np.testing.assert_allclose(unpacked_w, known, atol=0.5, rtol=0.01)


def test_mains_of_one_day_are_packed_once(page):
    assert len(find_attribute(page, "data-days")) == 3
    assert page.count('id="day-') == 1


def test_days_of_many_samples_are_thinned():
    watts = np.arange(4000, dtype=np.float32)
    watts[:4] = np.nan
    day = ShownDay("usual use", "1", 0.0, 6.0, watts, watts, watts)
    thinned = thin(day, 1000)
    assert (len(thinned.mains_w), thinned.step_s) == (1000, 24.0)
    assert np.isnan(thinned.mains_w[0])
    assert thinned.truth_w[1] == 5.5


def test_days_that_cannot_be_read_are_told(runs, tmp_path):
    (tmp_path / "days.parquet").write_text("no Parquet")
    results, _ = read_results([runs["dense"]])
    page = render_page([replace(results[0], days_file=tmp_path / "days.parquet")], [])
    assert "Its days are not shown" in page
    assert 'class="days"' not in page


def test_a_transfer_curve_has_its_points_and_its_table(tmp_path):
    folder = make_curve(tmp_path / "curve")
    assert read_results([folder]) == ([], [])
    curves, problems = read_curves([folder, folder])
    page = render_page([], problems, curves)
    assert "<title>Report of 1 transfer curve</title>" in page
    assert "There is no result to show" not in page
    assert "<td>7.0 ± 1.0</td><td>12.5 ± 1.0</td>" in page
    assert "<td>9.0</td><td>–</td>" in page
    assert [len(line.points) for line in curves[0].lines] == [3, 2]
    heights = [y for _, y in curves[0].lines[0].points]
    assert heights == sorted(heights)
    assert "seq2point transfer-curve kettle-60s --train house2.parquet" in page


def test_a_damaged_curve_is_told(tmp_path):
    folder = make_curve(tmp_path / "curve")
    (folder / "curve.json").write_text('{"points": []}')
    curves, (problem,) = read_curves([folder])
    assert curves == []
    assert "damaged (KeyError" in problem.reason


def test_results_without_such_errors_say_so(runs):
    results, _ = read_results([runs["dense"]])
    metrics = {"mae_w": 3.0, "nde": 0.5, "sae": None, "f1": 0.6}
    bare = replace(results[0], metrics=metrics, by_hour=None, activations=None)
    page = render_page([bare], [])
    assert "No result holds these errors." in page
    assert read_table(page)["dense"]["SAE"] == "–"


def test_decisions_by_event_have_a_row_of_their_own(runs):
    results, _ = read_results([runs["dense"]])
    decided = replace(results[0], by_event=results[0].metrics | {"event_recall": 0.25})
    rows = read_table(render_page([decided], []), "hours-table")
    assert rows["dense, decided by event"]["recall of events"] == "0.250"


def test_each_training_has_its_hashes_and_what_it_learned_from(page, runs):
    told = json.loads((runs["dense"] / "run.json").read_text())["asked"]
    for role in ("training_data", "validation_data"):
        assert all(each["sha256"] in page for each in told[role])
    assert "Trained on house 5." in page
    assert "Tested on house 8." in page


def test_all_in_one_page(runs, protocol_folder, study_folder, test_json):
    results, problems = read_results([*runs.values(), protocol_folder, study_folder, test_json])
    page = render_page(results, problems)
    rows = read_table(page)
    assert len(rows) == len(results) == 3 + 4 + 2 + 1
    assert {row["tested on"] for row in rows.values()} == {"house 8", "house 5", "house 2"}
    assert page.count('class="card"') == len(results)
    assert "seq2point protocol run small --data DIR" in page


def test_problems_are_told_even_without_a_result():
    page = render_page([], [Problem(Path("runs/x"), "unfinished; go on with --resume")])
    assert "<b>runs/x</b>: unfinished; go on with --resume" in page
    assert "There is no result to show." in page


def test_words_from_outside_are_only_words(runs):
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    results, _ = read_results([runs["half"]])
    bad = replace(
        results[0], name=evil, pruner=evil, tested_on=evil, command=evil, card=[evil], network=evil
    )
    page = render_page([bad, bad], [Problem(Path("x"), evil)])
    assert "<img" not in page
    assert page.count("<script>") == 1


def test_it_names_no_place_outside_itself_and_handles_nothing_inline(page):
    assert set(re.findall(r"https?://[^\"'\s]+", page)) == {"http://www.w3.org/2000/svg"}
    assert all(
        re.fullmatch(r"#result-\d+|data:,", link) for link in re.findall(r'href="([^"]*)"', page)
    )
    body = page.partition("<body>")[2].partition("<script>")[0]
    assert not re.search(r"<[^>]*\s(on\w+|style)=", body)


def test_the_report_of_500_trainings_stays_small(tmp_path, runs):
    shutil.copytree(runs["dense"], tmp_path / "first")
    folders = [
        vary_run(tmp_path / "first", tmp_path / f"run_{i:03}", i, VALIDATIONS) for i in range(RUNS)
    ]
    results, problems = read_results(folders)
    page = render_page(results, problems)
    assert problems == []
    assert len(read_table(page)) == RUNS
    assert len(page.encode()) < MOST_BYTES


def test_the_command_of_a_named_network_is_shown(tmp_path):
    run = make_run(tmp_path / "run", network="reduced", window=33, steps=2)
    page = render_page(*read_results([run]))
    assert "seq2point train kettle --train FILE_1" in page
    assert "A name in capitals stands for a file" in page


def test_a_command_as_it_was_typed_needs_no_explanation(runs):
    results, _ = read_results([runs["dense"]])
    page = render_page([replace(results[0], command="seq2point train kettle --train a.csv")], [])
    assert "seq2point train kettle --train a.csv" in page
    assert "A name in capitals" not in page
