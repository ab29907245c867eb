"""Cleaning of one meter's readings: rows in order of time, each time once, and no absurd power.

Readings are cleaned piece after piece. Only a meter whose clock goes back, or whose rows are out of
order, is read twice: the first time for its times alone, to decide which rows are kept.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from seq2point.data.grid import Times
from seq2point.data.times.timestamps import find_autumn_hour
from seq2point.datasets.contract import MAINS, Meter
from seq2point.datasets.conversion.conversion_report import (
    FLAGGED,
    REPEATED,
    STEPPED_BACK,
    UNREADABLE,
    Tally,
)
from seq2point.errors import DataError
from seq2point.limits import HOUSE_LIMIT_W, NOISE_W
from seq2point.recording import Watts

SHUFFLED = 0.01
"""Rows out of order in a greater share of places are sorted: no clock goes back so often."""

ROWS_AT_A_TIME = 1 << 18

KEPT, TWICE, BACK = range(3)
Verdicts = npt.NDArray[np.uint8]
Advance = Callable[[int], None]


class OutOfOrder(Exception):  # noqa: N818 (no error: the meter is read again, in another way)
    """A meter's time goes back: all its times decide which rows are kept."""


class Rows(NamedTuple):
    """Readings of one meter: times f64[N] and watts f32[N] by column.

    NaN is a gap in the file, infinity a glitch.
    """

    times_s: Times
    watts: list[Watts]

    def take(self, rows: slice | npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> "Rows":
        """Return some of the rows."""
        return Rows(self.times_s[rows], [values[rows] for values in self.watts])


def clean_readings(
    meter: Meter, plug_limit_w: float | None, tally: Tally, order: Verdicts | None, advance: Advance
) -> Iterator[Rows]:
    """Yield the usable readings of a meter in order of time, piece after piece.

    A meter whose time goes back needs `order`, from `find_order`. `advance` is called with the
    bytes of each piece.
    Raises OutOfOrder for such a meter without `order`.
    """
    rows_in_order = (
        _read_ascending(meter, tally, advance)
        if order is None
        else _read_ordered(meter, tally, order, advance)
    )
    limits_w = [
        HOUSE_LIMIT_W if name == MAINS or plug_limit_w is None else plug_limit_w
        for name in meter.columns
    ]
    for rows in rows_in_order:
        if len(rows.times_s):
            tally.count_steps(rows.times_s)
            columns = zip(rows.watts, meter.columns, limits_w, strict=True)
            watts = [
                _remove_glitches(values, name, limit_w, tally) for values, name, limit_w in columns
            ]
            yield Rows(rows.times_s, watts)


def find_order(meter: Meter) -> Verdicts:
    """Return for each usable row of a meter whether it is kept; empty for rows to be sorted.

    Raises DataError for the autumn hour of a local clock whose zone is unknown.
    """
    times_s = np.concatenate(
        [rows.times_s for rows in _read_usable(meter, Tally(), lambda _: None)]
    )
    if meter.unzoned and (row := find_autumn_hour(times_s)) is not None:
        time = datetime.fromtimestamp(times_s[row], UTC).replace(tzinfo=None)
        raise DataError(
            f"{meter.path}: at {time} the time goes back by an hour, as local clocks do in autumn;"
            " set `zone` to the home's, as America/Chicago, so that both of its hours stay"
        )
    shuffled = np.count_nonzero(np.diff(times_s) < 0) > max(SHUFFLED * len(times_s), 1)
    return np.empty(0, np.uint8) if shuffled else judge_rows(times_s)


def judge_rows(times_s: Times) -> Verdicts:
    """Return which rows of times f64[N] are KEPT, so that time ascends; others are TWICE or BACK.

    Where time goes back, either the earlier rows beyond the new time are dropped, or the later rows
    up to the old time, whichever are fewer. Of two rows with one time the first is kept.
    """
    verdicts = np.full(len(times_s), KEPT, np.uint8)
    breaks = np.append(np.flatnonzero(np.diff(times_s) <= 0) + 1, len(times_s))
    kept: list[tuple[int, int]] = []
    at = 0
    while at < len(times_s):
        latest_s = times_s[kept[-1][1] - 1] if kept else -np.inf
        if times_s[at] > latest_s:
            end = int(breaks[np.searchsorted(breaks, at, side="right")])
            kept.append((at, end))
            at = end
        elif times_s[at] == latest_s:
            verdicts[at] = TWICE
            at += 1
        else:
            ahead = sum(
                _count_from(times_s, run, times_s[at])
                for run in _find_runs_after(times_s, kept, times_s[at])
            )
            beyond = np.flatnonzero(times_s[at : at + ahead + 1] > latest_s)
            behind = int(beyond[0]) if len(beyond) else min(ahead + 1, len(times_s) - at)
            if behind <= ahead:
                verdicts[at : at + behind] = BACK
                at += behind
            else:
                _drop_last(kept, ahead, verdicts)
    return verdicts


def _find_runs_after(
    times_s: Times, runs: list[tuple[int, int]], time_s: float
) -> Iterator[tuple[int, int]]:
    """Yield the runs of rows [first, end), from the last on, that do not end before a time."""
    for first, end in reversed(runs):
        if times_s[end - 1] < time_s:
            return
        yield first, end


def _count_from(times_s: Times, run: tuple[int, int], time_s: float) -> int:
    """Return how many rows of a run are not before a time."""
    first, end = run
    return end - first - int(np.searchsorted(times_s[first:end], time_s, side="left"))


def _drop_last(runs: list[tuple[int, int]], count: int, verdicts: Verdicts) -> None:
    while count:
        first, end = runs.pop()
        cut = max(end - count, first)
        verdicts[cut:end] = BACK
        count -= end - cut
        if cut > first:
            runs.append((first, cut))


def _read_usable(meter: Meter, tally: Tally, advance: Advance) -> Iterator[Rows]:
    """Yield the rows that have a time and that the data set does not call unusable."""
    for piece in meter.read():
        advance(piece.size)
        tally.rows += len(piece.times_s)
        for name, count in zip(meter.columns, piece.no_number, strict=False):
            tally.no_number[name] += count
        for name, marks in zip(meter.columns, piece.marks, strict=False):
            tally.marks.update({(name, mark): count for mark, count in marks.items()})
        rows = Rows(piece.times_s, list(piece.watts))
        usable = ~np.isnan(piece.times_s)
        tally.dropped[UNREADABLE] += len(usable) - int(np.count_nonzero(usable))
        if piece.flagged is not None:
            tally.dropped[FLAGGED] += int(np.count_nonzero(usable & piece.flagged))
            usable &= ~piece.flagged
        yield rows if usable.all() else rows.take(usable)


def _read_ascending(meter: Meter, tally: Tally, advance: Advance) -> Iterator[Rows]:
    latest_s = -np.inf
    for rows in _read_usable(meter, tally, advance):
        steps = np.diff(rows.times_s, prepend=latest_s)
        if len(steps) and steps.min() <= 0:
            if steps.min() < 0 or meter.unzoned:
                raise OutOfOrder
            later = steps > 0
            tally.dropped[REPEATED] += len(later) - int(np.count_nonzero(later))
            rows = rows.take(later)
        if len(rows.times_s):
            latest_s = rows.times_s[-1]
        yield rows


def _read_ordered(meter: Meter, tally: Tally, order: Verdicts, advance: Advance) -> Iterator[Rows]:
    if len(order) == 0:
        yield from _read_sorted(meter, tally, advance)
        return
    done = 0
    for rows in _read_usable(meter, tally, advance):
        here = order[done : done + len(rows.times_s)]
        done += len(here)
        for verdict, reason in ((TWICE, REPEATED), (BACK, STEPPED_BACK)):
            tally.dropped[reason] += int(np.count_nonzero(here == verdict))
        yield rows.take(here == KEPT)


def _read_sorted(meter: Meter, tally: Tally, advance: Advance) -> Iterator[Rows]:
    """Yield all rows of a meter in order of time. Here alone a whole meter is in memory."""
    pieces = list(_read_usable(meter, tally, advance))
    times_s = np.concatenate([rows.times_s for rows in pieces])
    watts = [np.concatenate([rows.watts[i] for rows in pieces]) for i in range(len(meter.columns))]
    pieces.clear()
    order = np.argsort(times_s, kind="stable")
    first = np.diff(times_s[order], prepend=-np.inf) > 0
    tally.sorted_rows += int(np.count_nonzero(np.diff(times_s) < 0))
    tally.dropped[REPEATED] += len(first) - int(np.count_nonzero(first))
    order = order[first]
    for begin in range(0, len(order), ROWS_AT_A_TIME):
        yield Rows(times_s, watts).take(order[begin : begin + ROWS_AT_A_TIME])


def _remove_glitches(values: Watts, name: str, limit_w: float, tally: Tally) -> Watts:
    """Return readings with infinity for what cannot be power, and zero for noise below zero."""
    if values.max() <= limit_w and values.min() >= 0:
        return values
    too_high, too_low = values > limit_w, values < -NOISE_W
    for glitches, counter in ((too_high, tally.glitches), (too_low, tally.below_zero)):
        if glitches.any():
            counter[name] += int(np.count_nonzero(glitches))
            values = np.where(glitches, np.float32(np.inf), values)
    return np.maximum(values, 0)
