"""Predictor: what answers for a recording, a trained model or one exported to a file that runs
without torch.
"""

import warnings
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from seq2point.appliances import Appliance
from seq2point.choices import FILL, Edges, Engine
from seq2point.data.grid import place_on_grid
from seq2point.errors import DataError
from seq2point.recording import Recording, RecordingLike, Watts, is_same_period
from seq2point.recording.arrays import Mains, open_series
from seq2point.wording import format_seconds

Progress = Callable[[int], None]


class Predictor(Protocol):
    """Appliances, the sampling period and the window of mains that the answers need, and the
    answers for a recording.
    """

    @property
    def appliances(self) -> tuple[Appliance, ...]:
        """What it answers for, in the order of its answers."""

    @property
    def period_s(self) -> float:
        """The sampling period of its mains."""

    @property
    def window(self) -> int:
        """Samples of mains that one answer needs."""

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Where it comes from, as JSON."""

    def predict_w(
        self,
        recording: RecordingLike,
        engine: Engine = "sliding",
        edges: Edges = "empty",
        *,
        progress: Progress | None = None,
    ) -> Watts:
        """The appliances' power for every sample of a recording: f32[T, A] in watts, NaN where
        there is no answer.

        Of a data frame the mains are read, onto the regular grid of the sampling period.
        """

    def describe(self) -> dict[str, Any]:
        """What reports say of it, as JSON."""


def to_mains_recording(predictor: Predictor, given: RecordingLike) -> Recording:
    """A recording as it stands, or the mains of a data frame at a predictor's sampling period.

    Raises DataError as `data.frame.recording_from_frame` does, and for another period.
    """
    if isinstance(given, Recording):
        return given
    from seq2point.data.frame import to_recording_like

    return to_recording_like(given, (), predictor.period_s)


def warn_of_constants(constants_w: Mapping[str, float]) -> None:
    """Warn of each appliance that a model predicts the same power of whatever the mains are."""
    for name, power_w in constants_w.items():
        warnings.warn(
            f"the model predicts {power_w:.4g} W for {name.replace('_', ' ')} whatever the mains"
            " are: too much of it is pruned; choose a lower sparsity",
            stacklevel=3,
        )


def disaggregate_series(
    predictor: Predictor,
    series: Any,
    engine: Engine = "sliding",
    edges: Edges = "empty",
    fill: int = FILL,
) -> Any:
    """The appliances' power for a series of mains readings in watts, in the kind that came in and
    of its length.

    NumPy arrays, pandas and Polars series; a series for one appliance, a table for several.
    Readings are one sampling period apart; a pandas index of times is checked for that. Up to
    `fill` missing readings in a row, without a value or without a row, are filled with the one
    before them. Where no full window of readings reaches there is NaN (null in Polars), unless
    `edges` is 'repeat' or 'zeros'.
    Raises DataError for values that are not numbers and for another period than the predictor's.
    """
    mains = open_series(series)
    power_w = _predict_series(predictor, mains, engine, edges, fill)
    return mains.restore(power_w, [a.name for a in predictor.appliances])


def _predict_series(
    predictor: Predictor, mains: Mains, engine: Engine, edges: Edges, fill: int
) -> Watts:
    period_s = predictor.period_s
    if mains.times_s is None or len(mains.watts) < 2:
        return predictor.predict_w(
            Recording("series", period_s, mains.watts, fill=fill), engine, edges
        )
    steps = np.diff(mains.times_s)
    step_s = float(np.median(steps))
    if steps.min() <= 0:
        raise DataError("the times of the series go back or repeat; sort it and drop repeats")
    if not is_same_period(step_s, period_s):
        raise DataError(
            f"the series has a reading every {format_seconds(step_s)}, the model needs one every"
            f" {format_seconds(period_s)}"
        )
    grid = place_on_grid(mains.times_s, period_s)
    recording = Recording(
        "series", period_s, grid.mean(mains.watts), start=grid.start, jumps=grid.jumps, fill=fill
    )
    return grid.at_readings(predictor.predict_w(recording, engine, edges))
