"""`seq2point report`: the page is written whole, or one line says why it is not."""

import json
from pathlib import Path

import pytest
from tests.report.results.run_folders import make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "kettle"
    return make_run(folder, network="reduced", window=33, steps=2, learning_rate=0.01)


def test_a_page_is_written(seq2point, run, tmp_path):
    page = tmp_path / "pages" / "report.html"
    answer = seq2point("report", run, "-o", page)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == f"{page}: 1 result\n"
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert list(page.parent.iterdir()) == [page]


def test_commands_on_the_page_name_flags(seq2point, run, tmp_path):
    page = tmp_path / "report.html"
    seq2point("report", run, "-o", page)
    text = page.read_text()
    assert "--network reduced --window 33 --steps 2 --engine windows --batch-size 200" in text
    assert "--learning-rate 0.01 --seed 0" in text
    assert "`" not in text.partition("<main>")[2].partition("</main>")[0]


def test_what_cannot_be_shown_is_told(seq2point, run, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "run.json").write_text("{}")
    page = tmp_path / "report.html"
    answer = seq2point("report", run, broken, "-o", page)
    assert answer.code == 0
    assert answer.out.startswith(f"not shown: {broken}: ")
    assert "train anew with --overwrite" in page.read_text()


def test_another_folder_is_one_line_and_nothing_is_written(seq2point, run, tmp_path):
    page, other = tmp_path / "report.html", tmp_path / "other"
    other.mkdir()
    answer = seq2point("report", run, other, "-o", page)
    assert answer.code == 2
    assert answer.err.count("\n") == 1
    assert f"{other}: holds no training, study or protocol run" in answer.err
    assert not page.exists()


def test_a_report_never_replaces_what_it_reads(seq2point, tmp_path):
    path = tmp_path / "kettle.json"
    path.write_text("{}")
    answer = seq2point("report", path, "-o", path)
    assert answer.code == 2
    assert path.read_text() == "{}"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("model.safetensors", "would replace a file that is read"),
        ("metrics.json", "would replace a file that is read"),
        ("logs/page.json", "the page is written as .html or .htm; change the ending"),
        ("logs/page.html", "which is read; write the page to another folder"),
    ],
)
def test_a_report_writes_nothing_into_what_it_reads(seq2point, run, name, says):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    answer = seq2point("report", run, "-o", run / name)
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert says in answer.err
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_a_report_that_was_cut_off_and_a_study_without_results_are_listed(seq2point, run, tmp_path):
    cut, study, page = tmp_path / "cut.json", tmp_path / "study", tmp_path / "report.html"
    cut.write_bytes((run / "metrics.json").read_bytes()[:99])
    study.mkdir()
    part = {"appliance": "kettle", "network": "usual", "recipe": "usual", "pruner": "none"}
    failed = [part | {"sparsity": None, "seed": seed, "reason": "no data"} for seed in (0, 1)]
    (study / "study.json").write_text(json.dumps({"study": "q1", "rows": [], "failed": failed}))
    answer = seq2point("report", run, cut, study, "-o", page)
    assert (answer.code, answer.err) == (0, "")
    assert f"not shown: {cut}: damaged, as a file that was cut off; make it again\n" in answer.out
    assert f"not shown: {study}: kettle, usual, seed 0 and 1 more: no data\n" in answer.out
    assert answer.out.endswith(f"{page}: 1 result\n")
    assert "Not shown" in page.read_text()
