"""`seq2point study`: a grid that a file declares, killed and gone on with, its failures apart."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from seq2point.workers.folder_lock import lock_folder

Command = Callable[..., Any]

TINY = """
title = "My houses"
source = "me"
dataset = "mine"
period_s = 6
window = 31
network = { channels = [4, 4], kernels = [5, 3], hidden = 8 }
training = { steps = 40, engine = "windows", batch_size = 20 }

[houses]
train = [{ file = "train.parquet" }]
test = [{ file = "test.csv" }]

[appliances.kettle]
"""
GRID = """
[study]
pruners = ["magnitude", "structured"]
seeds = 2
"""
NETWORKS, PARTS = 2, 6


def write(folder: Path, grid: str = GRID, tables: str = TINY) -> Path:
    path = folder / "tiny.toml"
    path.write_text(tables + grid)
    return path


def read(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "study.json").read_text()))


def list_made(out: Path) -> dict[str, int]:
    """When each part was made: its record is written once, at its end."""
    return {
        record.parent.name: record.stat().st_mtime_ns
        for record in (out / "parts").glob("*/result.json")
    }


def settle(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows without what differs by run: seconds and folders."""
    others = ("seconds", "folder", "model")
    return [{k: v for k, v in row.items() if k not in others} for row in report["rows"]]


@pytest.fixture(scope="module")
def undisturbed(
    seq2point: Command, files: Any, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Any]:
    """The folder that a study filled, and what it said."""
    folder = tmp_path_factory.mktemp("study")
    words = ("study", write(folder), "--data", files.train.parent, "-o", folder / "out")
    answer = seq2point(*words, "--jobs", 2)
    assert answer.code == 0, answer.err
    return folder / "out", answer


def test_a_study_has_a_row_for_each_network(undisturbed: tuple[Path, Any]):
    out, answer = undisturbed
    rows = read(out)["rows"]
    choices = [(row["pruner"], row["sparsity"], row["seed"]) for row in rows]
    assert choices == [
        (pruner, sparsity, seed)
        for pruner, sparsity in (("none", None), ("magnitude", 0.5), ("structured", 0.5))
        for seed in (0, 1)
    ]
    for row in rows:
        assert row["mae_w"] > 0
        assert row["mae_zero_w"] > 0
        assert row["mae_mean_w"] > 0
        assert 0 < row["coverage"] <= 1
        assert row["seconds"] > 0
        assert Path(row["model"]).stat().st_size > 0
        assert json.loads((Path(row["folder"]) / "result.json").read_text())["result"]
    assert read(out)["command"].startswith("seq2point study ")
    assert len([*(out / "parts").glob("*/days.parquet")]) == PARTS
    assert rows[2]["nonzero_parameters"] < rows[0]["nonzero_parameters"]
    assert rows[4]["parameters"] < rows[0]["parameters"]
    assert rows[4]["file_bytes"] < rows[0]["file_bytes"]
    assert pl.read_parquet(out / "study.parquet").to_dicts() == rows
    assert f"of {PARTS} trainings" in answer.err
    assert "left]" in answer.err
    assert len(list_made(out)) == 2 * PARTS  # each network, and its test


def test_again_and_with_another_pruner_it_makes_what_is_new_alone(
    undisturbed: tuple[Path, Any], seq2point: Command, files: Any, tmp_path: Path
):
    out, made = undisturbed[0], list_made(undisturbed[0])
    more = write(tmp_path, GRID.replace('"structured"', '"structured", "random"'))
    words = ("study", more, "--data", files.train.parent, "-o", out)
    listed = json.loads(seq2point(*words, "--dry-run", "--json", "-").out)["parts"]
    assert [part["state"] for part in listed] == ["there"] * PARTS + ["to do"] * 2
    assert list_made(out) == made
    report = read(out)
    answer = seq2point("study", write(tmp_path), "--data", files.train.parent, "-o", out)
    assert answer.code == 0, answer.err
    assert f"{PARTS} of {PARTS} trainings need no work" in answer.err
    assert list_made(out) == made
    assert read(out) | {"command": report["command"]} == report


def test_a_study_takes_the_houses_of_a_protocol_beside_it(
    seq2point: Command, files: Any, tmp_path: Path
):
    (tmp_path / "houses.toml").write_text(TINY)
    study = write(tmp_path, GRID, 'protocol = "houses.toml"\n')
    words = ("study", study, "--data", files.train.parent, "-o", tmp_path / "out", "--dry-run")
    parts = json.loads(seq2point(*words, "--json", "-").out)["parts"]
    assert [part["state"] for part in parts] == ["to do"] * PARTS


def test_only_the_named_parts_of_a_grid_are_made(seq2point: Command, files: Any, tmp_path: Path):
    only = '\nonly = [{ pruner = "magnitude" }, { network = "usual", pruner = "none" }]'
    study = write(tmp_path, GRID + only)
    words = ("study", study, "--data", files.train.parent, "-o", tmp_path / "out", "--dry-run")
    parts = json.loads(seq2point(*words, "--json", "-").out)["parts"]
    found = [(part["pruner"], part["seed"]) for part in parts]
    assert found == [("none", 0), ("none", 1), ("magnitude", 0), ("magnitude", 1)]


def start(*words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "seq2point", "study", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_killed_it_goes_on_repeats_nothing_and_gives_the_same(
    undisturbed: tuple[Path, Any], files: Any, tmp_path: Path
):
    out = tmp_path / "out"
    words = (write(tmp_path), "--data", files.train.parent, "-o", out, "--jobs", 2)
    first = start(*words)
    while first.poll() is None and len(list_made(out)) < 2 * NETWORKS + 1:
        time.sleep(0.01)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    time.sleep(1)  # the workers end with it
    made = list_made(out)
    assert 2 * NETWORKS < len(made) < 2 * PARTS
    second = start(*words)
    _, err = second.communicate(timeout=1200)
    assert second.returncode == 0, err
    assert made.items() <= list_made(out).items()
    assert len(list_made(out)) == 2 * PARTS
    assert settle(read(out)) == settle(read(undisturbed[0]))
    assert not [*out.rglob("unfinished")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_in_one_line_and_the_next_run_goes_on(
    undisturbed: tuple[Path, Any], files: Any, tmp_path: Path, number: signal.Signals
):
    out = tmp_path / "out"
    words = (write(tmp_path), "--data", files.train.parent, "-o", out, "--jobs", 2)
    first = start(*words)
    while first.poll() is None and not list_made(out):
        time.sleep(0.01)
    first.send_signal(number)
    _, err = first.communicate(timeout=600)
    assert first.returncode == 128 + number, err
    assert err.splitlines()[-1] == (
        "seq2point: stopped; the parts that are done stay, and the same command goes on from the"
        " last checkpoints"
    )
    assert "Traceback" not in err
    made = list_made(out)
    assert 0 < len(made) < 2 * PARTS
    second = start(*words)
    _, err = second.communicate(timeout=1200)
    assert second.returncode == 0, err
    assert made.items() <= list_made(out).items()
    assert settle(read(out)) == settle(read(undisturbed[0]))


def test_what_fails_is_listed_and_the_others_finish(seq2point: Command, files: Any, tmp_path: Path):
    grid = """
    [appliances.fridge]
    train = [{ file = "gone.parquet" }]
    [study]
    pruners = [{ method = "magnitude", settings = { schedule = "polynomial", initial = 0.4 } }]
    sparsities = [0.3, 0.8]
    """
    words = ("study", write(tmp_path, grid), "--data", files.train.parent, "-o", tmp_path / "out")
    answer = seq2point(*words, "--jobs", 1)
    assert answer.code == 3, answer.err
    report = read(tmp_path / "out")
    assert [(row["appliance"], row["sparsity"]) for row in report["rows"]] == [
        ("kettle", None),
        ("kettle", 0.8),
    ]
    reasons = {(each["appliance"], each["sparsity"]): each["reason"] for each in report["failed"]}
    assert set(reasons) == {
        ("kettle", 0.3), ("fridge", None), ("fridge", 0.3), ("fridge", 0.8)
    }  # fmt: skip
    assert "initial" in reasons["kettle", 0.3]
    assert "gone.parquet" in reasons["fridge", None]
    assert "gone.parquet" in answer.err
    assert answer.err.splitlines()[-1].startswith("seq2point: 4 of 6 parts failed; the reasons")


@pytest.mark.parametrize(
    ("grid", "text"),
    [
        ("", "tiny.toml: has no table [study]"),
        ("[study]\nprunners = []", "study.prunners: there is no such key; choose from appliances"),
        ('[study]\npruners = ["lamb"]', "unknown pruning algorithm 'lamb': choose one of none"),
        (
            '[study]\npruners = [{ method = "lamp", settings = { frequenzy = 2 } }]',
            "lamp: setting 'frequenzy' = 2: there is no such setting; lamp has",
        ),
        ("[study]\nseeds = 0", "study.seeds: give a count of at least 1"),
        ('[study]\nnetworks = ["tiny"]', "networks: unknown network 'tiny': choose one of"),
        (
            "[study.recipes]\nlong = { stepz = 4 }",
            "recipes.long.stepz: there is no such key; did you mean 'steps'?",
        ),
        ("[study.recipes]\nlong = { steps = -4 }", "recipes.long.steps: input should be greater"),
        ("[study]\nsparsities = [0.5]", "study.sparsities: are of pruners"),
        ("[study]\nsparsities = [1.5]\npruners = ['lamp']", "study.sparsities[0]: input should"),
        (
            '[study]\npruners = ["lamp"]\nonly = [{ pruner = "lamp" }, { pruner = "spp" }]',
            "study.only: no part has pruner = spp (entry 2)",
        ),
        ('[study]\nappliances = ["fridge"]', "study.appliances: has no 'fridge', only kettle"),
        ('[study]\nseeds = "three"', "study.seeds: give a count of at least 1, or a list of seeds"),
        ("[study]\nseeds = 1.5", "study.seeds: give a count of at least 1, or a list of seeds"),
        ("[study]\nseeds = true", "study.seeds: give a count of at least 1, or a list of seeds"),
        ("[study]\nseeds = [true]", "study.seeds[0]: expected a whole number"),
        ("[study]\nseeds = [0, 0]", "seeds: 0 comes twice; give it once"),
        ("[study]\nseeds = []", "study.seeds: is empty; give at least one, or leave it out"),
        ("[study]\nseeds = 100000000000", "study.seeds: give at most 1,000 seeds"),
        ("[study]\nseeds = [99999999999]", "study.seeds[0]: input should be less than or equal"),
        ("[study]\npruners = ['lamp']\nsparsities = 0.5", "sparsities: expected a list, as [0.5]"),
        ("[study]\npruners = ['lamp']\nsparsities = []", "study.sparsities: is empty"),
        ("[study]\npruners = ['lamp']\nsparsities = ['0.5']", "sparsities[0]: expected a number"),
        ("[study]\npruners = 'magnitude'", 'study.pruners: expected a list, as ["magnitude"]'),
        ("[study]\nnetworks = 'reduced'", 'study.networks: expected a list, as ["reduced"]'),
        ("[study]\nappliances = []", "study.appliances: is empty"),
        ("[study.recipes]\na = { steps = '5' }", "recipes.a.steps: expected a whole number"),
        ("[study.recipes]\na = { freeze = 'all' }", "recipes.a.freeze: input should be 'none'"),
    ],
)
@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_what_the_file_may_not_say_is_refused_before_any_training(
    seq2point: Command, files: Any, tmp_path: Path, grid: str, text: str, dry: tuple[str, ...]
):
    words = ("study", write(tmp_path, grid), "--data", files.train.parent, "-o", tmp_path / "out")
    answer = seq2point(*words, *dry)
    assert (answer.code, text in answer.err) == (2, True), answer.err
    assert len(answer.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("window = 31", 'window = "99"', "window: expected a whole number"),
        ("steps = ", "stepz = ", "training.stepz: there is no such key; did you mean 'steps'?"),
        ("steps = ", 'freeze = "all", steps = ', "training.freeze: input should be 'none', 'conv"),
        ("[appliances.kettle]", "[appliances]", "appliances: is empty; give at least one"),
    ],
)
def test_what_its_protocol_may_not_say_is_refused_by_a_dry_run_too(
    seq2point: Command, files: Any, tmp_path: Path, old: str, new: str, text: str
):
    path = write(tmp_path)
    path.write_text(path.read_text().replace(old, new, 1))
    assert new in path.read_text()
    answer = seq2point("study", path, "--data", files.train.parent, "--dry-run")
    assert (answer.code, text in answer.err) == (2, True), answer.err
    assert len(answer.err.splitlines()) == 1


def test_a_file_that_is_no_text_is_refused_in_plain_words(seq2point: Command, tmp_path: Path):
    (tmp_path / "model.toml").write_bytes(b"\x80\xff\x00" * 9)
    answer = seq2point("study", tmp_path / "model.toml", "--data", tmp_path)
    assert answer.code == 2
    assert answer.err.endswith("model.toml: is no text in UTF-8, so it is no TOML\n")


def test_two_studies_in_one_folder_are_refused(seq2point: Command, files: Any, tmp_path: Path):
    out = tmp_path / "out"
    words = ("study", write(tmp_path), "--data", files.train.parent, "-o", out)
    with lock_folder(out, "seq2point study"):
        answer = seq2point(*words)
    assert answer.code == 1
    assert f"{out}: another seq2point study writes there" in answer.err
    (out / "study.json").write_text('{"study": "other"}')
    answer = seq2point(*words)
    assert answer.code == 2
    assert "has the results of 'other' and would be replaced" in answer.err


def test_a_cluster_takes_full_paths_alone(seq2point: Command, files: Any, tmp_path: Path):
    words = ("study", write(tmp_path), "--data", files.train.parent, "--cluster", "auto")
    answer = seq2point(*words, "-o", "here")
    assert answer.code == 2
    assert "here: a cluster needs an absolute path that all nodes have" in answer.err
    answer = seq2point(*words, "-o", tmp_path / "out", "--jobs", 2)
    assert answer.code == 2
    assert "--jobs" in answer.err
