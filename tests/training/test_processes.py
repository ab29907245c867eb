"""One training in two processes on the CPU: the same decisions in both, and the same network as in
one.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.training.two_processes import Outcome, assert_the_same_in_both

from seq2point.compression.pruning import PRUNERS
from seq2point.compression.pruning.magnitude import Magnitude
from seq2point.errors import TrainingError, UsageError
from seq2point.training import TrainingResult
from seq2point.training.batches import take_share

Train = Callable[..., TrainingResult]

SLIDING = {"engine": "sliding", "chunk": 40, "batch_size": 80}
SETTINGS: dict[str, dict[str, Any]] = {
    "structured": {"schedule": "polynomial", "frequency": 5, "criterion": "taylor"},
    "entropic": {},
}
"""What decides by gradients, and by the loss; spp, which draws, is in test_signals.py."""


@pytest.mark.parametrize("method", SETTINGS)
def test_both_processes_have_the_same_masks_after_every_step(
    train: Train, tmp_path: Path, method: str
):
    trained = train(
        devices=2,
        pruning=PRUNERS[method](**SETTINGS[method]),
        callbacks=[Outcome(tmp_path)],
        **SLIDING,
    )
    masks = assert_the_same_in_both(tmp_path)
    assert len(masks) == 40
    assert trained.model.masks
    assert all(torch.equal(mask, masks[-1][name]) for name, mask in trained.model.masks.items())
    assert all(
        not trained.model.network.get_parameter(name)[~mask].any()
        for name, mask in trained.model.masks.items()
    )


def test_two_processes_learn_what_one_learns_and_their_warnings_reach_the_caller(train: Train):
    options = {"steps": 10, "pruning": Magnitude(begin_step=20)}
    says = "the training ends at step 10, before the pruning schedule does"
    with pytest.warns(UserWarning, match=says):
        one = train(**options)
    with pytest.warns(UserWarning, match=says):
        two = train(devices=2, **options)
    weights = two.model.network.state_dict()
    for name, weight in one.model.network.state_dict().items():
        torch.testing.assert_close(weights[name], weight, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(
        [row["val_loss"] for row in two.history],
        [row["val_loss"] for row in one.history],
        rtol=1e-3,
    )
    np.testing.assert_allclose(
        [row["interval_loss"] for row in two.history],
        [row["interval_loss"] for row in one.history],
        rtol=1e-3,
    )
    assert [row["step"] for row in two.history] == [row["step"] for row in one.history]


def test_a_budget_gives_both_processes_one_plan_and_both_stop_early_together(
    train: Train, tmp_path: Path
):
    restless = {"learning_rate": 0.3, "schedule": "constant", "patience": 2}
    often = {"batch_size": 200, "validation_frequency": 1}  # on a slow machine, too
    stopped = train(devices=2, budget_s=60.0, callbacks=[Outcome(tmp_path)], **restless, **often)
    assert_the_same_in_both(tmp_path)
    losses = [row["val_loss"] for row in stopped.history]
    assert len(losses) == int(np.argmin(losses)) + 1 + 2 < 20


def test_an_error_of_the_processes_reaches_the_caller(train: Train):
    with pytest.raises(
        TrainingError, match=r"the loss is not a number at step \d+; try a lower `learning_rate`"
    ):
        train(devices=2, learning_rate=1e30, schedule="constant")


def test_a_step_is_shared_by_no_more_processes_than_it_has_rows(train: Train):
    match = "devices 41: a step of 40 windows is shared by 1 to 40 processes"
    with pytest.raises(UsageError, match=match):
        train(devices=41)


def test_the_shares_of_a_draw_are_the_draw():
    drawn = torch.arange(7)
    assert sorted(torch.cat([take_share(drawn, rank, 3) for rank in range(3)]).tolist()) == list(
        range(7)
    )
    assert all(torch.equal(take_share(drawn[:2], rank, 3), drawn[:2]) for rank in range(3))
