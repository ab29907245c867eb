"""Windows of a recording and their scaling: the only place that knows the midpoint and the
normalisation.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

from seq2point.appliances import Appliance, Definition
from seq2point.choices import Edges
from seq2point.errors import DataError
from seq2point.recording.on_off import find_runs
from seq2point.recording.recording import Recording, Watts
from seq2point.wording import format_watts

MAINS_MEAN_W, MAINS_STD_W = 522.0, 814.0


DEFAULT_WINDOWS = {
    6.0: 599,
    8.0: 599,
    30.0: 511,
    60.0: 255,
}  # by sampling period; an hour at 6 s, four at 30 s and 60 s


def choose_window(period_s: float) -> int:
    """The samples in a window at a sampling period where nothing else is asked for: those of the
    nearest period by ratio.
    """
    return DEFAULT_WINDOWS[min(DEFAULT_WINDOWS, key=lambda one_s: abs(math.log(one_s / period_s)))]


def find_midpoint(window: int) -> int:
    """The sample that a window predicts: 299 of 599 (Zhang et al. 2018)."""
    return window // 2


class Scale(BaseModel):
    """Watts to network units and back: (power - mean) / std, for the mains and for each appliance
    in order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    mains_mean_w: float = MAINS_MEAN_W
    mains_std_w: float = Field(MAINS_STD_W, gt=0)
    appliance_mean_w: tuple[float, ...]
    appliance_std_w: tuple[PositiveFloat, ...]

    @classmethod
    def lineage(cls, appliances: Sequence[Appliance]) -> Self:
        """The constants of the seq2point lineage, from the appliance table."""
        return cls(
            appliance_mean_w=tuple(a.mean_w for a in appliances),
            appliance_std_w=tuple(a.std_w for a in appliances),
        )

    @classmethod
    def fitted(cls, appliances: Sequence[Appliance], recordings: Sequence[Recording]) -> Self:
        """Mean and standard deviation over recordings, which must be the training houses alone.

        Raises DataError for an appliance that a house lacks, and where there is no reading to fit
        to.
        """
        mains = _collect_known(recordings, "mains", [r.mains_w for r in recordings])
        mains_mean_w, mains_std_w = _measure_moments(mains)
        each = [
            _measure_moments(
                _collect_known(recordings, a.name, [r.appliance_w(a.name) for r in recordings])
            )
            for a in appliances
        ]
        return cls(
            mains_mean_w=mains_mean_w,
            mains_std_w=mains_std_w,
            appliance_mean_w=tuple(mean for mean, _ in each),
            appliance_std_w=tuple(std for _, std in each),
        )


def find_mismatch(appliances: Sequence[Appliance], scale: Scale, outputs: int) -> str | None:
    """The field of a model that does not fit its number of outputs, and why; None where all fit."""
    names = [appliance.name for appliance in appliances]
    counts = {
        "appliances": len(names),
        "scale.appliance_mean_w": len(scale.appliance_mean_w),
        "scale.appliance_std_w": len(scale.appliance_std_w),
    }
    for field, count in counts.items():
        if count != outputs:
            return (
                f"{field}: has {count} entries for a network of {outputs}"
                f" output{'s' * (outputs > 1)}"
            )
    repeated = next((name for name in names if names.count(name) > 1), None)
    return f"appliances: '{repeated}' stands there twice" if repeated else None


def define_from_recordings(definition: Definition, recordings: Sequence[Recording]) -> Appliance:
    """The appliance of a user's definition, its scaling constants fitted on recordings: the
    training houses alone.

    They are the mean and the standard deviation of all its readings; its highest power, where not
    given, is the highest reading.
    Raises DataError for a house without the appliance, no reading, and readings that never reach
    the power of being on.
    """
    known = _collect_known(
        recordings, definition.name, [r.appliance_w(definition.name) for r in recordings]
    )
    highest_w = float(known.max())
    if highest_w <= definition.on_power_w:
        houses = ", ".join(r.house for r in recordings)
        raise DataError(
            f"{houses}: '{definition.name}' never exceeds {format_watts(definition.on_power_w)},"
            f" its highest reading is {format_watts(highest_w)}; give a lower --on-power"
        )
    mean_w, std_w = _measure_moments(known)
    values = definition.model_dump() | {"mean_w": mean_w, "std_w": std_w}
    return Appliance.model_validate(values | {"max_power_w": definition.max_power_w or highest_w})


def _collect_known(recordings: Sequence[Recording], name: str, series: Sequence[Watts]) -> Watts:
    """All readings of several recordings' series; raises DataError where there is none."""
    known = np.concatenate([power_w[~np.isnan(power_w)] for power_w in series])
    if len(known) == 0:
        raise DataError(
            f"{', '.join(r.house for r in recordings)}: no reading of '{name}' to fit a scale to"
        )
    return known


def _measure_moments(known: Watts) -> tuple[float, float]:
    return float(known.mean(dtype=np.float64)), max(float(known.std(dtype=np.float64)), 1.0)


@dataclass(frozen=True)
class WindowRuns:
    """The usable windows of a recording, as runs of neighbouring start positions.

    `first` i64[R] and `count` i64[R]: run r holds the windows that start at first[r] .. first[r] +
    count[r] - 1. A year of windows takes a few bytes, and window k is found without a list of all
    starts.
    """

    first: npt.NDArray[np.int64]
    count: npt.NDArray[np.int64]

    @property
    def total(self) -> int:
        """Number of windows."""
        return int(self.count.sum())

    def starts(self, numbers: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
        """The start positions of windows by number, 0 .. total - 1, in order of time."""
        end = np.cumsum(self.count)
        run = np.searchsorted(end, numbers, side="right")
        return self.first[run] + (numbers - (end - self.count)[run])

    def flags(self, first: int, length: int) -> npt.NDArray[np.bool_]:
        """Whether each of the windows that start at first ..

        first + length - 1 is usable, bool[length].
        """
        edges = np.zeros(length + 1, dtype=np.int8)
        begin = np.clip(self.first - first, 0, length)
        end = np.clip(self.first + self.count - first, 0, length)
        np.add.at(edges, begin, 1)
        np.add.at(edges, end, -1)
        return np.cumsum(edges[:-1], dtype=np.int8) > 0

    def count_within(self, first: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.int64]:
        """How many windows are usable among those that start at each first ..

        first + length - 1, i64 like `first`.
        """
        before = np.concatenate(([0], np.cumsum(self.count)))

        def usable_before(start: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
            run = np.searchsorted(self.first, start, side="right")
            inside = np.zeros_like(start)
            known = run > 0
            inside[known] = np.minimum(
                start[known] - self.first[run[known] - 1], self.count[run[known] - 1]
            )
            return before[np.maximum(run - 1, 0)] + inside

        return usable_before(first + length) - usable_before(first)


def find_gapless_spans(recording: Recording) -> list[tuple[int, int]]:
    """Spans [first, end) of filled mains without a gap or a time jump, in order."""
    spans = []
    for first, end in recording.pieces():
        begins, lengths = find_runs(~np.isnan(recording.filled_mains_w[first:end]))
        spans += [
            (first + int(b), first + int(b + n)) for b, n in zip(begins, lengths, strict=True)
        ]
    return spans


def find_window_runs(
    recording: Recording,
    window: int,
    target_index: int | None = None,
    appliances: Sequence[str] = (),
) -> WindowRuns:
    """The windows that hold no gap of the mains and no time jump, and whose target is known for
    each of `appliances`.

    Raises DataError for an appliance that the house lacks.
    """
    target = find_midpoint(window) if target_index is None else target_index
    usable = np.zeros(max(len(recording) - window + 1, 0), dtype=bool)
    for first, end in find_gapless_spans(recording):
        usable[first : max(end - window + 1, first)] = True
    for name in appliances:
        usable &= ~np.isnan(recording.appliance_w(name)[target : target + len(usable)])
    return WindowRuns(*find_runs(usable))


def predict_spans(
    recording: Recording,
    window: int,
    target_index: int,
    outputs: int,
    answer: Callable[[Watts], Watts],
    edges: Edges = "empty",
) -> Watts:
    """The answers of all windows of a recording at the samples that they predict: f32[T, outputs],
    NaN where there is none.

    `answer` is asked for each gapless span of mains that holds a window: f32[L] to f32[L - window +
    1, outputs]. With `edges` 'repeat' the reading at the edge of a span is repeated to fill the
    windows there, with 'zeros' no power is.
    """
    power_w = np.full((len(recording), outputs), np.nan, dtype=np.float32)
    for first, end in find_gapless_spans(recording):
        readings_w, at = recording.filled_mains_w[first:end], first
        if edges == "empty":
            at += target_index
        else:
            padding: Literal["edge", "constant"] = "edge" if edges == "repeat" else "constant"
            readings_w = np.pad(readings_w, (target_index, window - 1 - target_index), mode=padding)
        if len(readings_w) >= window:
            power_w[at : at + len(readings_w) - window + 1] = answer(readings_w)
    return power_w
