"""`make reproduce`: studies, report and tables in one command, small here, resumable."""

import re
from pathlib import Path

import pytest
from experiments import reproduce, reproduce_tables
from experiments.reproduce import FULL, QUICK, Edition
from experiments.tables import replace_between
from tests.report.results.run_folders import make_house

from seq2point.data.parquet_file import write_recording
from seq2point.errors import Seq2PointError
from seq2point.studies.study_file import read_study

HOUSES = """
title = "Houses that never were"
source = "the tests"
dataset = "ukdale"
period_s = 6
window = 33
network = { channels = [4, 4], kernels = [5, 3], hidden = 8 }
training = { steps = 20, engine = "windows", batch_size = 100 }

[houses]
train = [1]
test = [5]

[appliances.kettle]

[pruning]
method = "structured"
training = { steps = 4 }
"""
UNSEEN = """
protocol = "houses.toml"
[study]
pruners = ["structured"]
[study.networks]
large = { channels = [4, 4], kernels = [5, 3], hidden = 8 }
small = { channels = [2, 2], kernels = [5, 3], hidden = 4 }
"""
PRUNING = """
protocol = "houses.toml"
[study]
pruners = ["magnitude"]
sparsities = [0.5, 0.8]
"""


@pytest.mark.parametrize("edition", [FULL, QUICK], ids=lambda edition: edition.name)
@pytest.mark.parametrize("name", reproduce.NAMES)
def test_the_studies_are_there_and_say_what_is_compared(edition: Edition, name: str):
    study = read_study(edition.studies / f"{name}.toml")
    assert study.name == name
    assert study.grid.pruners
    if name == "unseen":
        assert set(study.grid.networks) == {"large", "small"}
        assert all(study.base.protocol.roles(appliance).test for appliance in study.appliances)


def test_what_pruning_leaves_of_the_large_network_is_the_small_one():
    networks = read_study(FULL.studies / "unseen.toml").grid.networks
    large, small = networks["large"], networks["small"]
    assert [2 * channels for channels in small["channels"]] == list(large["channels"])
    assert 2 * small["hidden"] == large["hidden"]


def test_from_nothing_to_tables_and_a_second_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data, studies = tmp_path / "data", tmp_path / "studies"
    for house in ("1", "5"):
        write_recording(make_house(1500, int(house)), data / f"ukdale_house{house}_6s.parquet")
    studies.mkdir()
    for name, text in (("houses", HOUSES), ("unseen", UNSEEN), ("pruning", PRUNING)):
        (studies / f"{name}.toml").write_text(text)
    page = tmp_path / "page.md"
    page.write_text(
        "# Page\n\n<!-- begin: unseen, tiny -->\n<!-- end: unseen, tiny -->\n\nBetween.\n\n"
        "<!-- begin: pruning, tiny -->\nold\n<!-- end: pruning, tiny -->\n\nAfter.\n"
    )
    edition = Edition("tiny", studies, tmp_path / "out")
    monkeypatch.setattr(reproduce, "find_edition", lambda: edition)
    monkeypatch.setattr(reproduce_tables, "PAGE", page)
    monkeypatch.setenv("SEQ2POINT_DATA", str(data))
    reproduce.main()
    made = page.read_text()
    assert "| kettle | UK-DALE house 5 | small, pruned from it |" in made
    assert "| kettle | UK-DALE house 5 | small, from fresh weights |" in made
    assert re.search(r"\| kettle \| `magnitude` \| [\d.]+ \([\d.]+\) \| [\d.]+ \([\d.]+\) \|", made)
    assert "4 networks, 1 seed; 20 steps, 4 of pruning." in made
    assert "old" not in made
    assert made.endswith("After.\n")
    assert "7 results" in (edition.out / "report.html").read_text()
    records = {path: path.stat().st_mtime_ns for path in edition.out.rglob("result.json")}
    assert len(records) == 2 * 7
    reproduce.main()
    assert page.read_text() == made
    assert {path: path.stat().st_mtime_ns for path in edition.out.rglob("result.json")} == records


def test_a_verb_that_fails_ends_it(tmp_path: Path):
    edition = Edition("none", tmp_path / "gone", tmp_path / "out")
    with pytest.raises(Seq2PointError, match="`seq2point study` ended with exit code 2"):
        reproduce.run_studies(edition, tmp_path)


def test_a_page_without_markers_stays(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("text\n")
    assert not replace_between(page, "unseen, full", ["a"])
    assert page.read_text() == "text\n"


@pytest.mark.soak
def test_the_quick_edition_on_the_real_houses(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    page = tmp_path / "page.md"
    page.write_text("<!-- begin: unseen, quick -->\n<!-- end: unseen, quick -->\n")
    quick = QUICK._replace(out=tmp_path / "out")
    monkeypatch.setattr(reproduce, "find_edition", lambda: quick)
    monkeypatch.setattr(reproduce_tables, "PAGE", page)
    reproduce.main()
    assert page.read_text().count("UK-DALE house 5") == 6
