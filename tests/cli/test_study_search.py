"""`seq2point study` with a search, and the trackers that get its trainings."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.test_study import Command, list_made, read, settle, write

SEARCH = """
[study.search]
trials = 3
at_a_time = 2
[study.search.settings]
learning_rate = { low = 1e-3, high = 1e-1, log = true }
"""


@pytest.mark.filterwarnings("ignore")  # those of Optuna's own modules
def test_a_search_is_resumed_by_its_own_results_and_makes_nothing_twice(
    seq2point: Command, files: Any, tmp_path: Path
):
    pytest.importorskip("optuna")
    out, again = tmp_path / "out", tmp_path / "again"
    shorter = write(tmp_path, SEARCH.replace("trials = 3", "trials = 2"))
    data = ("--data", files.train.parent, "--jobs", 1)
    answer = seq2point("study", shorter, *data, "-o", out)
    assert answer.code == 0, answer.err
    made = list_made(out)
    assert len(made) == 4
    longer = write(tmp_path, SEARCH)
    answer = seq2point("study", longer, *data, "-o", out)
    assert answer.code == 0, answer.err
    assert made.items() <= list_made(out).items()
    assert len(list_made(out)) == 6
    assert "best of 3 trials: trial " in answer.err
    report = read(out)
    assert [row["recipe"] for row in report["rows"]] == ["trial 0", "trial 1", "trial 2"]
    assert len({t["settings"]["learning_rate"] for t in report["search"]["trials"]}) == 3
    assert report["search"]["best"] == min(
        report["search"]["trials"], key=lambda trial: trial["val_mae_w"]
    )
    answer = seq2point("study", longer, *data, "-o", again)
    assert answer.code == 0, answer.err
    assert settle(read(again)) == settle(report)
    assert read(again)["search"] == report["search"]


@pytest.mark.filterwarnings("ignore")
def test_a_dry_run_says_which_trials_are_there_which_come_next_and_how_many_are_open(
    seq2point: Command, files: Any, tmp_path: Path
):
    pytest.importorskip("optuna")
    out, look = tmp_path / "out", ("--dry-run", "--json", "-")
    words = ("--data", files.train.parent, "--jobs", 1, "-o", out)
    five = write(tmp_path, SEARCH.replace("trials = 3", "trials = 5"))
    before = json.loads(seq2point("study", five, *words, *look).out)
    assert [trial["state"] for trial in before["search"]["trials"]] == ["to do", "to do"]
    assert (before["search"]["open_trials"], before["search"]["best"]) == (3, None)
    assert [part["state"] for part in before["parts"]] == ["to do"] * 2
    assert not out.exists()
    answer = seq2point("study", write(tmp_path, SEARCH), *words)
    assert answer.code == 0, answer.err
    five = write(tmp_path, SEARCH.replace("trials = 3", "trials = 5"))
    after = json.loads(seq2point("study", five, *words, *look).out)
    states = [trial["state"] for trial in after["search"]["trials"]]
    assert states == ["there", "there", "there", "to do"]
    assert after["search"]["open_trials"] == 1
    made = read(out)["search"]
    assert [t["settings"] for t in after["search"]["trials"]][:3] == [
        trial["settings"] for trial in made["trials"]
    ]
    assert before["search"]["trials"][0]["settings"] == made["trials"][0]["settings"]
    answer = seq2point("study", five, *words, "--dry-run")
    assert "4 parts: 3 there, 1 to do, 0 fails" in answer.out
    assert "5 trials: 3 there, 1 to do, then 1 whose settings follow" in answer.out
    assert f"trial 3: {after['search']['trials'][3]['settings']}" in answer.out
    answer = seq2point("study", five, *words)
    assert "3 of 5 trainings need no work" in answer.err
    assert "[5 of 5 trainings, " in answer.err


def test_a_search_beside_recipes_is_refused(seq2point: Command, files: Any, tmp_path: Path):
    words = ("--data", files.train.parent, "-o", tmp_path / "out")
    both = write(tmp_path, SEARCH + "[study.recipes]\nlong = { steps = 80 }\n")
    answer = seq2point("study", both, *words)
    assert (answer.code, "its trials are the recipes" in answer.err) == (2, True), answer.err
    assert not (tmp_path / "out").exists()


@pytest.mark.filterwarnings("ignore")  # those of MLflow's own modules
def test_trackers_get_each_training_once(seq2point: Command, files: Any, tmp_path: Path):
    pytest.importorskip("mlflow")
    from mlflow.tracking import MlflowClient
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board, flow = tmp_path / "board", tmp_path / "flow"
    words = ("study", write(tmp_path, "[study]\nseeds = 2\n"), "--data", files.train.parent)
    words = (*words, "-o", tmp_path / "out", "--jobs", 1)
    for _ in range(2):
        answer = seq2point(*words, "--tensorboard", board, "--mlflow", flow)
        assert answer.code == 0, answer.err
    rows = {row["seed"]: row for row in read(tmp_path / "out")["rows"]}
    client = MlflowClient(f"sqlite:///{flow}/mlflow.db")
    experiment = client.get_experiment_by_name("tiny")
    runs = client.search_runs([experiment.experiment_id])
    assert {run.data.params["seed"] for run in runs} == {"0", "1"}
    assert len(runs) == 2
    for run in runs:
        row = rows[int(run.data.params["seed"])]
        assert run.data.metrics["test_mae_w"] == pytest.approx(row["mae_w"])
        assert run.data.tags["seq2point.key"] == row["key"]
        assert len(client.get_metric_history(run.info.run_id, "val_loss")) > 1
    folders = sorted((board / "tiny").iterdir())
    assert len(folders) == 2
    events = EventAccumulator(str(folders[0])).Reload()
    assert len(events.Scalars("val_loss")) > 1
    assert events.Scalars("end/test_mae_w")[0].value == pytest.approx(rows[0]["mae_w"], rel=1e-5)


@pytest.mark.skipif(importlib.util.find_spec("mlflow") is not None, reason="MLflow is there")
def test_a_tracker_that_is_not_installed_is_one_line_before_any_training(
    seq2point: Command, files: Any, tmp_path: Path
):
    words = ("study", write(tmp_path, "[study]\n"), "--data", files.train.parent)
    answer = seq2point(*words, "-o", tmp_path / "out", "--mlflow", tmp_path / "flow")
    assert answer.code == 1
    assert "pip install 'seq2point[mlflow]'" in answer.err
    assert not (tmp_path / "out").exists()
    assert json.dumps(answer.err).count("\\n") <= 1
