"""A budget of seconds that other work cuts short, and a training that goes on from there."""

import json
import time
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
from tests.training.conftest import Train

from seq2point.training import pace
from seq2point.training.pace import Deadline, Pace, Plan, count_lost_steps


class OtherWork(pl.Callback):
    """Takes as long as five steps or more, at every step."""

    def on_train_batch_end(self, *_: Any) -> None:
        time.sleep(0.1)


def test_a_budget_cut_by_other_work_says_so_and_the_rest_can_be_made(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.setattr(pace, "GRACE_S", 0.0)
    options = {"out": tmp_path, "budget_s": 1.0, "validation_frequency": 1, "batch_size": 400}
    cut = train(progress=True, callbacks=[OtherWork()], **options)
    training = cut.model.provenance["training"]
    planned, lost = training["planned_steps"], training["lost_steps"]
    assert 0 < lost < planned
    assert f"the budget ended {lost:,} steps before the plan's {planned}" in capsys.readouterr().err
    assert not json.loads((tmp_path / "run.json").read_text())["finished"]
    monkeypatch.setattr(pace, "GRACE_S", 60.0)
    whole = train(resume=True, **options)
    assert whole.history[-1]["step"] == planned
    assert "lost_steps" not in whole.model.provenance["training"]
    assert json.loads((tmp_path / "run.json").read_text())["finished"]


def test_a_training_ends_when_its_budget_is_used_up_unless_it_is_nearly_done(
    monkeypatch: pytest.MonkeyPatch,
):
    now = [0.0]
    monkeypatch.setattr(pace.time, "perf_counter", lambda: now[0])
    deadline = Deadline(100.0, Plan(1000, 50), 0.0)
    for seconds, step, passed in (
        (1.0, 10, False),
        (90.0, 500, False),
        (106.0, 500, True),
        (106.0, 900, False),
        (130.0, 900, False),
        (200.0, 901, True),
    ):
        now[0] = seconds
        assert deadline.has_passed(step) == passed, seconds
    assert not Deadline(None, Plan(1000, 50), 0.0).has_passed(999)


@pytest.mark.parametrize(("share", "lost"), [(None, 0), (0.95, 0), (0.5, 300), (0.25, 900)])
def test_the_steps_that_other_work_takes_follow_from_the_share_of_the_processor(
    share: float | None, lost: int
):
    assert count_lost_steps(Plan(300, 15), Pace(0.1, 0.1, share)) == lost
