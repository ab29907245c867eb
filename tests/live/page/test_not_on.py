"""Why an appliance that draws power does not count as on, as the page tells it."""

import numpy as np
import pytest

from seq2point.appliances import APPLIANCES
from seq2point.live.cycles import Notice
from seq2point.live.mains_parts import ALWAYS_ON, OTHER, Answers
from seq2point.live.page.board import Board, BoardOptions
from seq2point.live.updates import HomeDescription, Update

BEGIN_S = 1_700_006_400.0
DISHWASHER = APPLIANCES["dishwasher"]


def make_update(power_w: float, **others: object) -> Update:
    predicted_w = {"dishwasher": np.array([power_w], np.float32)}
    parts_w = {
        **predicted_w,
        ALWAYS_ON: np.array([80], np.float32),
        OTHER: np.array([20], np.float32),
    }
    mains_w = np.array([power_w + 100], np.float32)
    times_s = np.array([BEGIN_S])
    answers = Answers(60.0, times_s, mains_w, predicted_w, parts_w, np.zeros(1, bool))
    return Update(HomeDescription((DISHWASHER,), 60.0, 900.0), answers, **others)


FINISHED = Notice(
    "dishwasher", "finished", BEGIN_S + 900, BEGIN_S - 3600, BEGIN_S + 300, energy_wh=700.0
)


@pytest.mark.parametrize(
    ("update", "reason"),
    [
        (make_update(0.0), {}),
        (make_update(5.0), {"dishwasher": {"from_w": DISHWASHER.on_power_w}}),
        (make_update(208.0), {"dishwasher": {"after_s": DISHWASHER.min_on_s}}),
        (make_update(208.0, running={"dishwasher": True}), {}),
        (make_update(208.0, notices=[FINISHED]), {"dishwasher": {"until_s": BEGIN_S + 300}}),
    ],
    ids=["off", "low", "brief", "on", "over"],
)
def test_a_part_that_draws_power_is_on_or_has_a_reason(update: Update, reason: dict):
    board = Board(BoardOptions("home", "UTC"))
    board.take(update)
    assert board.describe_now()["not_on"] == reason
