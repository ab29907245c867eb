"""Checks of a table's readings: times ascend; watts are numbers, not absurd and in the right unit.

A check raises DataError for the first row that fails it. With `repair` it mends the rows instead
and notes what it did. Readings below zero and marks of missing ones are gaps in either case, with
a note.
"""

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from seq2point.data.file_errors import LONGEST_CELL
from seq2point.data.grid import Times
from seq2point.data.interpretation.interpretation import TimeReading
from seq2point.data.interpretation.units import advise_kilo
from seq2point.data.readings import Readings
from seq2point.data.table_file import TableFile, describe_place
from seq2point.data.times.timestamps import Clock, find_autumn_hour
from seq2point.errors import DataError
from seq2point.limits import ABSURD_W, NOISE_W
from seq2point.recording import Watts
from seq2point.recording.plausibility import BELOW_ZERO, describe_marks, looks_like_kilowatts
from seq2point.wording import format_count, format_watts

Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]

MOST_DROPPED = 0.5  # the share of rows that a repair may drop; more, and the times are wrong
WORDS = "not numbers"
ABSURD = "more than a house can draw"
EXPORTED = f"{BELOW_ZERO} (`solar` names its column)"
REFUSED = (WORDS, ABSURD)
"""Why a reading is refused unless repairing; for other reasons it becomes a gap in any case."""


@dataclass
class Checks:
    """The checks of one file, over all of its pieces.

    `time` is how the times are read. `made_gaps` counts readings that became gaps, by series and
    reason, and `dropped` rows.
    """

    file: TableFile
    repair: bool
    time: TimeReading | None = None
    made_gaps: Counter[tuple[str, str]] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)

    @property
    def repairs(self) -> tuple[str, ...]:
        """What was mended that is refused without `repair`, in words."""
        rows = [f"{format_count(count, 'row')} {reason}" for reason, count in self.dropped.items()]
        return (*rows, *self._list_gaps(forgiven=False))

    @property
    def forgiven(self) -> tuple[str, ...]:
        """Which readings became gaps in any case, in words."""
        return tuple(self._list_gaps(forgiven=True))

    @property
    def notes(self) -> tuple[str, ...]:
        """All that was mended, in words."""
        return self.repairs + self.forgiven

    def _list_gaps(self, *, forgiven: bool) -> list[str]:
        return [
            f"{format_count(count, 'reading')} of '{name}' made gaps: {reason}"
            for (name, reason), count in self.made_gaps.items()
            if (reason not in REFUSED) == forgiven
        ]

    def check_times(self, readings: Readings) -> Readings:
        """Return the rows of a readable time; raises DataError for another, unless repairing."""
        if readings.bad_rows:
            self.dropped["with too many cells dropped"] += readings.bad_rows
        if readings.times_s is None:
            return readings
        unreadable = np.isnan(readings.times_s)
        if not unreadable.any():
            return readings
        if not self.repair:
            row = int(np.flatnonzero(unreadable)[0])
            assert readings.time is not None
            cell = readings.time[row]
            is_missing = cell is None or cell != cell
            problem = (
                "the time is missing"
                if is_missing
                else f"the time '{str(cell)[:LONGEST_CELL]}' is unreadable"
            )
            advice = "write times like 2024-03-31T07:15:00Z or as Unix seconds"
            if not is_missing and (zone := self._find_leaping_zone(readings.time[row : row + 1])):
                problem = (
                    f"the time '{cell}' does not exist in {zone}, whose clocks leap over this hour"
                )
                advice = "the times are likely UTC: leave out `zone`, set it to another"
            raise DataError(
                f"{describe_place(self.file, int(readings.lines[row]))}: {problem}; {advice}, or"
                " set `repair` to drop such rows"
            )
        self.dropped["without a readable time dropped"] += int(unreadable.sum())
        return take_rows(readings, ~unreadable)

    def _find_leaping_zone(self, time: pl.Series) -> str | None:
        """Return the zone in which a time does not exist that is readable without one."""
        if self.time is None or self.time.zone is None:
            return None
        times_s = Clock(format=self.time.format).to_seconds(time)
        return self.time.zone if np.isfinite(times_s).all() else None

    def check_order(self, readings: Readings, last_s: float = -np.inf) -> Readings:
        """Return the rows in order of time, each time once. `last_s` is the time before them.

        Raises DataError where time goes back or repeats, unless repairing.
        """
        if readings.times_s is None or not len(readings):
            return readings
        steps = np.diff(readings.times_s, prepend=last_s)
        behind = np.flatnonzero(steps <= 0)
        if not len(behind):
            return readings
        if not (self.time and self.time.zone) and find_autumn_hour(readings.times_s) is not None:
            raise self._refuse_autumn(readings, int(behind[0]))
        if not self.repair:
            raise self._refuse_order(readings, int(behind[0]), float(steps[behind[0]]))
        times_s = readings.times_s
        order = np.argsort(times_s, kind="stable")
        kept = order[np.concatenate(([True], np.diff(times_s[order]) > 0))]
        lost = len(times_s) - len(kept)
        if lost > MOST_DROPPED * len(times_s):
            raise DataError(
                f"{self.file.path}: {lost:,} of {len(times_s):,} rows repeat a time; its clock was"
                " not set, or several sensors are mixed: export it again"
            )
        self.dropped["out of order or repeated"] += len(behind)
        if lost:
            self.dropped["with a repeated time dropped"] += lost
        return take_rows(readings, kept)

    def _refuse_autumn(self, readings: Readings, row: int) -> DataError:
        return DataError(
            f"{describe_place(self.file, int(readings.lines[row]))}: the time goes back by an hour,"
            " as local clocks do in autumn; set `zone` to the home's, as America/Chicago, so that"
            " both of its hours stay"
        )

    def _refuse_order(self, readings: Readings, row: int, step_s: float) -> DataError:
        place = describe_place(self.file, int(readings.lines[row]))
        times_s = readings.times_s
        assert times_s is not None
        repeated = int(np.count_nonzero(np.diff(np.sort(times_s)) == 0))
        if repeated > MOST_DROPPED * len(times_s):
            return DataError(
                f"{place}: the time repeats the row before, and so do {repeated:,} of"
                f" {len(times_s):,} rows; its clock was not set: export it again"
            )
        problem = "the time repeats the row before" if step_s == 0 else "the time goes back"
        return DataError(f"{place}: {problem}; sort the file, or set `repair`")

    def check_watts(self, readings: Readings, name: str, column: str) -> Watts:
        """Return the readings of a series f32[N] in watts, with gaps for those that are none.

        A little noise below zero becomes zero; more below zero is a gap.
        Raises DataError for a cell that is no number and for a reading above `limits.ABSURD_W`;
        when repairing they become gaps.
        """
        for (series, mark), count in readings.marks.items():
            if series == name:
                self.made_gaps[column, describe_marks(np.array([mark]))] += count
        words = readings.words[name]
        if words.any():
            cell = readings.first_words.get(name, "")[:LONGEST_CELL]
            self._require_repair(readings, words, f"'{column}' is '{cell}', not a number")
            self.made_gaps[column, WORDS] += int(words.sum())
        watts = readings.watts[name]
        lowest_w, highest_w = (find.reduce(watts, initial=0) for find in (np.fmin, np.fmax))
        if lowest_w >= 0 and highest_w <= ABSURD_W:
            return watts
        below_zero, absurd = watts < -NOISE_W, watts > ABSURD_W
        if below_zero.any():
            self.made_gaps[column, EXPORTED] += int(below_zero.sum())
        if absurd.any():
            highest = watts[absurd][0]
            self._require_repair(
                readings,
                absurd,
                f"'{column}' is {format_watts(float(highest))}, {ABSURD}",
                "check the unit, or set `repair`",
            )
            self.made_gaps[column, ABSURD] += int(absurd.sum())
        gaps = below_zero | absurd
        return np.maximum(np.where(gaps, np.float32(np.nan), watts), 0)

    def _require_repair(
        self, readings: Readings, rows: Flags, problem: str, advice: str | None = None
    ) -> None:
        if self.repair:
            return
        line = int(readings.lines[int(np.flatnonzero(rows)[0])])
        advice = advice or "mend it, or set `repair`"
        raise DataError(f"{describe_place(self.file, line)}: {problem}; {advice}")

    def require_mains(self, highest_w: float, count: int, column: str) -> None:
        """Raise DataError for mains that are all gaps, or so small that they must be in kilowatts.

        `highest_w` is NaN where there is no reading. `column` holds them.
        """
        if np.isnan(highest_w):
            if self.made_gaps[column, EXPORTED] == count:
                raise DataError(
                    f"{self.file.path}: all readings of the mains are below zero; turn the meter's"
                    " clamp round, or the signs in the file"
                )
            raise DataError(f"{self.file.path}: the mains hold no reading at all, only gaps")
        if looks_like_kilowatts(highest_w, count):
            raise DataError(
                f"{self.file.path}: the mains, '{column}', never exceed {format_watts(highest_w)};"
                f" {advise_kilo(column)}"
            )


def take_rows(readings: Readings, rows: Flags | Rows) -> Readings:
    """Return some rows of readings."""
    time, times_s = readings.time, readings.times_s
    index = np.flatnonzero(rows) if rows.dtype == bool else rows
    return replace(
        readings,
        time=None if time is None else time[index],
        times_s=None if times_s is None else times_s[rows],
        watts={name: power_w[rows] for name, power_w in readings.watts.items()},
        lines=readings.lines[rows],
        words={name: flags[rows] for name, flags in readings.words.items()},
    )


def join_readings(pieces: list[Readings]) -> Readings:
    """Return consecutive pieces as one. There is at least one piece."""
    if len(pieces) == 1:
        return pieces[0]
    first = pieces[0]
    times: list[Times] = [piece.times_s for piece in pieces if piece.times_s is not None]
    columns = [piece.time for piece in pieces if piece.time is not None]
    return Readings(
        pl.concat(columns, how="vertical") if columns else None,
        np.concatenate(times) if times else None,
        {n: np.concatenate([piece.watts[n] for piece in pieces]) for n in first.watts},
        np.concatenate([piece.lines for piece in pieces]),
        {n: np.concatenate([piece.words[n] for piece in pieces]) for n in first.words},
        {n: cell for piece in reversed(pieces) for n, cell in piece.first_words.items()},
        sum((piece.marks for piece in pieces), Counter[tuple[str, float]]()),
        sum(piece.size for piece in pieces),
        sum(piece.bad_rows for piece in pieces),
    )
