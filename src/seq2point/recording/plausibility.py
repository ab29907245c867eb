"""Plausibility: which numbers of a meter are readings of power, and which mean something else.

Meters and loggers write marks for readings that are missing, counters of energy, and kilowatts.
The rules are the same for files, data frames, series and NILMTK's frames.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2point.errors import DataError
from seq2point.limits import ABSURD_W, KILOWATTS_BELOW, NOISE_W
from seq2point.recording.recording import Watts
from seq2point.wording import format_count, format_watts

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.floating[Any]]

MARKS = (
    32767.0, 65535.0, -32768.0, -999.0, -9999.0, 99999.0, -99999.0, 2147483647.0, 4294967295.0,
    -2147483648.0, float(np.float32(2147483647)), float(2**63), float(-(2**63)), float(2**64),
)  # fmt: skip
"""Numbers that meters write where a reading is missing: the ends of whole numbers of 16, 32 and 64
bits, and rows of nines."""

MINUS_ONE = -1.0
"""The mark of the ECO data set and of many loggers. A meter whose noise falls below zero reads
other numbers below zero too."""

FEWEST_TO_JUDGE = 100
"""So few readings may all be from a house that draws next to nothing."""

RESETS = 0.001  # a counter falls, when it is reset, in at most this share of its steps
RISES = 0.01  # and it rises in at least this share
FEWEST_RISES = 10


def find_missing_marks(values: Numbers, minus_one: bool | None = None) -> Flags:
    """Return which readings f[N] are marks of a missing one, bool[N].

    `minus_one` says whether -1 is one. None decides it by these readings: it is one where no other
    reading is below zero.
    """
    marks: Flags = np.isin(values, MARKS)
    if minus_one is None:
        minus_one = means_missing_by_minus_one(values)
    if minus_one:
        marks |= values == MINUS_ONE
    return marks


def find_scaled_marks(values: Numbers, factor: float, minus_one: bool = False) -> Flags:
    """Return which readings f[N] are marks of a missing one that were scaled to another unit:
    32.767 kW. `factor` makes watts of them, `minus_one` says whether -1 W is one.
    """
    if factor == 1:
        return np.zeros(len(values), dtype=bool)
    return find_missing_marks(np.round(values * factor, 1), minus_one)


def means_missing_by_minus_one(values: Numbers) -> bool:
    """Return whether -1 is the only number below zero in readings f[N], marks aside."""
    below_zero = values[values < 0]
    if not len(below_zero):
        return False
    return bool((below_zero[~np.isin(below_zero, MARKS)] == MINUS_ONE).all())


def looks_like_counter(values: Numbers) -> bool:
    """Return whether readings f[N] only ever rise, as a counter of energy does.

    A counter may be reset now and then. Too few readings, or too few rises, are no evidence.
    """
    known = values[np.isfinite(values)]
    if len(known) <= FEWEST_TO_JUDGE:
        return False
    steps = np.diff(known)
    rises, falls = int(np.count_nonzero(steps > 0)), int(np.count_nonzero(steps < 0))
    return falls <= RESETS * len(steps) and rises >= max(RISES * len(steps), FEWEST_RISES)


def looks_like_kilowatts(highest: float, count: int) -> bool:
    """Return whether mains of `count` readings that never exceed `highest` are in kilowatts."""
    return 0 < highest < KILOWATTS_BELOW and count > FEWEST_TO_JUDGE


def remove_unusable(values_w: Watts, name: str) -> tuple[Watts, list[str]]:
    """Return readings f32[N] in watts with gaps for those that are none, and a note of each kind.

    Marks of missing readings, readings below zero, infinite ones and those that no house can draw
    become NaN. A little noise below zero becomes zero. `name` names the series in the notes.
    """
    lowest_w, highest_w = (find.reduce(values_w, initial=0) for find in (np.fmin, np.fmax))
    if lowest_w >= 0 and highest_w < min(mark for mark in MARKS if mark > 0):
        return values_w, []
    marks = find_missing_marks(values_w)
    below_zero = (values_w < -NOISE_W) & ~marks
    absurd = (np.abs(values_w) > ABSURD_W) & ~marks & ~below_zero
    notes = [
        f"{format_count(int(np.count_nonzero(rows)), 'reading')} of '{name}' made gaps: {reason}"
        for rows, reason in (
            (marks, describe_marks(values_w[marks])),
            (below_zero, BELOW_ZERO),
            (absurd, "more than a house can draw"),
        )
        if rows.any()
    ]
    watts = np.where(marks | below_zero | absurd, np.float32(np.nan), values_w)
    return np.maximum(watts, 0), notes


BELOW_ZERO = (
    "below zero, as where a home exports solar power; add the production back to have the load"
)
"""What readings below zero mean, for a note."""


def describe_marks(marks: Numbers) -> str:
    """Return what marks of missing readings are, for a note: '-1 means no reading'."""
    return f"{', '.join(f'{mark:g}' for mark in np.unique(marks))} means no reading"


class UnitAdvice(NamedTuple):
    """What to do about mains in kilowatts, and about a counter of energy, for messages."""

    kilowatts: str
    counter: str


OPTIONS = UnitAdvice("set `unit` to kW", "set `measures` to counter and `unit` to kWh or Wh")
"""The advice where options say the unit."""


def require_watts(mains_w: Watts, name: str, advice: UnitAdvice = OPTIONS) -> None:
    """Raise DataError for mains f32[N] that are in kilowatts, or a counter of energy.

    `name` names them in the message.
    """
    known = mains_w[np.isfinite(mains_w)]
    if len(known) and looks_like_kilowatts(float(known.max()), len(mains_w)):
        raise DataError(
            f"{name}: the mains never exceed {format_watts(float(known.max()))}; if they are"
            f" kilowatts, {advice.kilowatts}"
        )
    if looks_like_counter(mains_w):
        raise DataError(
            f"{name}: the mains never fall: they look like a counter of energy, not power;"
            f" {advice.counter}"
        )
