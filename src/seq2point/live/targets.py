"""What a model needs of the readings: which sample of its window it predicts, and their pace."""

import numpy as np

from seq2point.errors import DataError
from seq2point.live.pace import Pace
from seq2point.predictor import Predictor
from seq2point.recording import Recording
from seq2point.wording import format_seconds


def count_after(predictor: Predictor, target: int) -> int:
    """Return how many samples after the one that it predicts a model's window holds."""
    return predictor.window - 1 - target


def find_target_index(predictor: Predictor) -> int:
    """Return which sample of its window a model predicts, by what it does with one window."""
    nothing_w = np.zeros(predictor.window, np.float32)
    power_w = predictor.predict_w(Recording("probe", predictor.period_s, nothing_w, fill=0))
    return int(np.flatnonzero(~np.isnan(power_w[:, 0]))[0])


def require_pace(predictor: Predictor, pace: Pace) -> None:
    """Raise DataError where readings at a pace are too far apart for a model."""
    if not pace.can_give(predictor.period_s):
        names = ", ".join(appliance.label for appliance in predictor.appliances)
        raise DataError(
            f"a reading every {format_seconds(pace.step_s)} is too seldom for the model of {names},"
            f" which needs one every {format_seconds(predictor.period_s)}: take a model for a"
            " longer period; or, if the meter reports changes alone, set `hold_s` to how long a"
            " reading holds"
        )
