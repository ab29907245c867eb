"""Predictor: what predicts appliances' power from a recording, with torch or without.

A trained model is one, and so is a model exported to a file.
"""

import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from seq2point.appliances import Appliance
from seq2point.choices import Edges, Engine
from seq2point.configuration.columns import FILL
from seq2point.data.grid import place_on_grid
from seq2point.errors import DataError
from seq2point.recording import Recording, RecordingLike, Watts, is_same_period
from seq2point.wording import format_seconds

if TYPE_CHECKING:
    from seq2point.data.series import Mains

Progress = Callable[[int], None]


class Predictor(Protocol):
    """Predicts the power of some appliances from mains at one sampling period."""

    @property
    def appliances(self) -> tuple[Appliance, ...]:
        """The appliances, in the order of the predictions' columns."""

    @property
    def period_s(self) -> float:
        """The sampling period of the mains, in seconds."""

    @property
    def window(self) -> int:
        """Samples of mains that one prediction needs."""

    @property
    def provenance(self) -> Mapping[str, Any]:
        """The provenance: how the model was made, as JSON."""

    def predict_w(
        self,
        recording: RecordingLike,
        engine: Engine = "sliding",
        edges: Edges = "empty",
        *,
        progress: Progress | None = None,
    ) -> Watts:
        """Return the power of each appliance: f32[T, A] in watts, NaN where there is no prediction.

        The mains of a data frame are placed on the regular grid of the sampling period.
        `progress` is called with the samples that were predicted since the last call.
        """

    def describe(self) -> dict[str, Any]:
        """Return the facts of the model for reports, as JSON."""


def to_mains_recording(predictor: Predictor, source: RecordingLike) -> Recording:
    """Return a recording unchanged, or the mains of a data frame at the predictor's period.

    Raises DataError as `data.frame.recording_from_frame` does, and for another period.
    """
    if isinstance(source, Recording):
        return source
    from seq2point.data.frame import to_one_recording

    return to_one_recording(source, (), predictor.period_s)


def warn_of_constants(constants_w: Mapping[str, float]) -> None:
    """Warn of each appliance whose predicted power is the same whatever the mains are."""
    for name, power_w in constants_w.items():
        warnings.warn(
            f"the model predicts {power_w:.4g} W for {name.replace('_', ' ')} whatever the mains"
            " are: it is pruned too far; choose a lower sparsity",
            stacklevel=3,
        )


def disaggregate_series(
    predictor: Predictor,
    series: Any,
    engine: Engine = "sliding",
    edges: Edges = "empty",
    fill: int = FILL,
) -> Any:
    """Return the power of each appliance for a series of mains in watts, in the kind of the series.

    `series` is a NumPy array, a pandas Series or a Polars Series of T readings, one sampling period
    apart. Numbers may be text or Decimal; masked ones are gaps. The times of a pandas index, of
    whatever type, are checked for the period. The result has T values: a series for one appliance,
    a table for several.
    Marks of missing readings (-1, 32767, ...) and readings below zero become gaps, with a warning.
    Up to `fill` missing readings in a row are filled with the reading before them, whether the
    value or the row is missing. Where no full window of readings reaches, the result is NaN (null
    in Polars), unless `edges` is 'repeat' or 'zeros'.
    Raises DataError for values that are not numbers, for kilowatts, for a counter of energy and for
    another period than the predictor's.
    """
    from seq2point.data.series import open_series

    mains = open_series(series)
    power_w = _predict_series(predictor, mains, engine, edges, fill)
    return mains.restore(power_w, [a.name for a in predictor.appliances])


def _predict_series(
    predictor: Predictor, mains: "Mains", engine: Engine, edges: Edges, fill: int
) -> Watts:
    period_s = predictor.period_s
    if mains.times_s is None or len(mains.watts) < 2:
        return predictor.predict_w(
            Recording("series", period_s, mains.watts, fill=fill), engine, edges
        )
    steps = np.diff(mains.times_s)
    step_s = float(np.median(steps))
    if steps.min() <= 0:
        raise DataError("the times of the series go back or repeat: sort it and drop repeats")
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
