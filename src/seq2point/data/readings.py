"""Readings of a table in watts, piece after piece, as its interpretation says.

Marks of missing readings are gaps. Energy becomes the mean power until the next reading. Nothing
else is judged here: times may be unreadable or out of order, and watts may be absurd.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from seq2point.data.grid import USUAL_STEPS, Times
from seq2point.data.interpretation.counters import find_counted_power
from seq2point.data.interpretation.interpretation import Interpretation, SeriesReading
from seq2point.data.interpretation.sample import may_hold_numbers, parse_numbers
from seq2point.data.interpretation.sensor_key import join_key
from seq2point.data.interpretation.time_columns import join_columns
from seq2point.data.table_file import TableFile, describe_place
from seq2point.data.table_piece import TablePiece
from seq2point.data.times.timestamps import Clock
from seq2point.errors import DataError
from seq2point.metrics import HOUR_S
from seq2point.recording import Watts
from seq2point.recording.plausibility import find_missing_marks, find_scaled_marks

Lines = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

LONGEST_FLAT_ROWS = 1 << 16  # a counter that stands still for longer is read on without waiting


@dataclass(frozen=True)
class Readings:
    """Consecutive rows of a table: their times and their watts f32[N] by series.

    `time` is the file's own column, `times_s` f64[N] the same in seconds since 1970, UTC, NaN for
    an unreadable one. Both are None without times. `lines` i64[N] are the rows' numbers in the
    file. `words` flags for each series the cells that are neither empty nor a number, of which
    `first_words` has the first. `marks` counts the marks of missing readings, by series and mark.
    `bad_rows` is the number of rows that `repair` left out before.
    """

    time: pl.Series | None
    times_s: Times | None
    watts: Mapping[str, Watts]
    lines: Lines
    words: Mapping[str, Flags]
    first_words: Mapping[str, str]
    marks: Counter[tuple[str, float]]
    size: int = 0
    bad_rows: int = 0

    def __len__(self) -> int:
        return len(self.lines)


class ReadingSource:
    """The series of a table that one sensor gives, or all of a table without sensors.

    `names` are the series, of which all are read in the same rows. `repair` leaves out rows with
    too many cells.
    """

    def __init__(
        self,
        file: TableFile,
        interpretation: Interpretation,
        names: Sequence[str] | None = None,
        *,
        repair: bool = False,
    ):
        self.file, self.interpretation, self.repair = file, interpretation, repair
        self.series = {name: interpretation.series[name] for name in names or interpretation.series}
        sensors = {reading.sensor for reading in self.series.values()}
        (self.sensor,) = sensors
        self._first_row, self._lines = 0, np.empty(0, dtype=np.int64)
        time = interpretation.time
        self._clock = time and Clock(time.zone, self._describe_row, time.format)
        self._columns = self._list_columns()

    def _describe_row(self, row: int) -> str:
        """Return where a row of the piece at hand is, counted from the first piece's first row."""
        return describe_place(self.file, int(self._lines[row - self._first_row]))

    def _list_columns(self) -> list[str]:
        time = self.interpretation.time
        names = [*(time.columns if time else ()), *self.interpretation.key]
        for reading in self._list_readings():
            names += reading.columns
        return list(dict.fromkeys(names))

    def _list_readings(self) -> list[SeriesReading]:
        return [*self.series.values(), *([self._solar] if self._solar else [])]

    @property
    def _solar(self) -> SeriesReading | None:
        return self.interpretation.solar if "mains" in self.series else None

    def read(self) -> Iterator[Readings]:
        """Yield the rows in the order of the file.

        Raises DataError for a file that is damaged, and for a second sensor where the file's first
        rows have one alone.
        """
        time = self.interpretation.time
        doubles = [*(time.columns if time else ())]
        for reading in self._list_readings():
            doubles += reading.columns if reading.measures != "power" else ()
        waiting: TablePiece | None = None
        for piece in self.file.read_pieces(self._columns, doubles, self.repair):
            piece = self._keep_sensor(piece)
            if waiting is not None:
                piece = _join_pieces(waiting, piece)
            waiting = None
            ready = len(piece) - self._count_waiting(piece.frame)
            if ready < len(piece):
                waiting = TablePiece(piece.frame[ready:], piece.lines[ready:])
            if ready:
                yield self._read_piece(piece, ready)
        if waiting is not None:
            yield self._read_piece(waiting, len(waiting))

    def _count_waiting(self, frame: pl.DataFrame) -> int:
        """Return how many of the last rows wait for the next piece: the power of a row of energy
        follows from the next row, that of a counter from its next rise.
        """
        if not len(frame):
            return 0
        count = 0
        for reading in self._list_readings():
            if reading.measures == "energy":
                count = max(count, 1)
            elif reading.measures == "counter":
                values, _, _ = self._read_values(frame, reading)
                rises = np.flatnonzero(np.diff(values) != 0)
                since = len(values) - (int(rises[-1]) + 1 if len(rises) else 0)
                count = max(count, since if since <= LONGEST_FLAT_ROWS else 1)
        return count

    def _keep_sensor(self, piece: TablePiece) -> TablePiece:
        """Return the rows of the sensor alone."""
        key = self.interpretation.key
        if not key:
            return piece
        labels = join_key(piece.frame, key)
        here = (labels == self.sensor).to_numpy()
        if here.all():
            return piece
        if len(self.interpretation.sensors) == 1:
            row = int(np.flatnonzero(~here)[0])
            raise DataError(
                f"{describe_place(self.file, int(piece.lines[row]))}: a second sensor, '"
                f"{labels[row]}', after '{self.sensor}'; say which is the mains with `sensor`"
            )
        frame = piece.frame.filter(pl.Series(here))
        return TablePiece(frame, piece.lines[here], piece.size, piece.bad_rows)

    def _read_piece(self, piece: TablePiece, count: int) -> Readings:
        """Return the first `count` rows of a piece. The others are read again with the next one."""
        time, frame = self.interpretation.time, piece.frame
        column = times_s = None
        if time and self._clock:
            self._lines = piece.lines
            column = join_columns(frame, time.columns)
            ahead = copy(self._clock)
            times_s = self._clock.to_seconds(column[:count])
            if count < len(column):
                times_s = np.concatenate((times_s, ahead.to_seconds(column)[count:]))
            self._first_row += count
            column = _to_text(column, self.file)
        watts, words, first_words, marks = {}, {}, {}, Counter[tuple[str, float]]()
        for name, reading in self.series.items():
            values, words[name], missing = self._read_values(frame[:count], reading)
            marks.update({(name, mark): times for mark, times in missing.items()})
            if count < len(frame):
                values, _, _ = self._read_values(frame, reading)
            if words[name].any():
                first_words[name] = _find_word(frame, reading, int(np.argmax(words[name])))
            power_w = self._to_watts(values, reading, times_s)
            if name == "mains" and self._solar:
                produced, _, _ = self._read_values(frame, self._solar)
                power_w = power_w + self._to_watts(produced, self._solar, times_s)
            watts[name] = _to_float32(power_w)
        rows = slice(count)
        return Readings(
            None if column is None else column[rows],
            None if times_s is None else times_s[rows],
            {name: power_w[rows] for name, power_w in watts.items()},
            piece.lines[rows],
            words,
            first_words,
            marks,
            piece.size,
            piece.bad_rows,
        )

    def _read_values(
        self, frame: pl.DataFrame, reading: SeriesReading
    ) -> tuple[npt.NDArray[np.float64], Flags, Counter[float]]:
        """Return a series in its own unit, which cells are words, and the counts of marks."""
        total, words = np.zeros(len(frame)), np.zeros(len(frame), dtype=bool)
        marks = Counter[float]()
        for column, sign in zip(reading.columns, reading.signs, strict=True):
            cells = frame[column]
            if not may_hold_numbers(cells):
                raise DataError(
                    f"{self.file.path}: column '{column}' holds {cells.dtype}, not numbers"
                )
            values, is_word = parse_numbers(cells)
            words |= is_word
            if reading.measures == "power":
                missing = find_missing_marks(values, reading.minus_one)
                missing |= find_scaled_marks(values, reading.unit.factor, reading.minus_one)
                if missing.any():
                    marks.update(values[missing].tolist())
                    values = np.where(missing, np.nan, values)
            total = total + sign * values
        return total, words, marks

    def _to_watts(
        self, values: npt.NDArray[np.float64], reading: SeriesReading, times_s: Times | None
    ) -> npt.NDArray[np.float64]:
        """Return readings in their own unit as watts."""
        if reading.measures == "power":
            return values * reading.unit.factor
        assert times_s is not None
        usual_s = self.interpretation.step_s or np.nan
        energy_wh = values * reading.unit.factor
        if reading.measures == "counter":
            counting = reading.counting and reading.counting.scale(reading.unit.factor)
            return find_counted_power(energy_wh, times_s, USUAL_STEPS * usual_s, counting)
        steps_s = np.append(np.diff(times_s), np.nan)
        short = (steps_s > 0) & (steps_s <= USUAL_STEPS * usual_s)
        interval_w: npt.NDArray[np.float64] = energy_wh * HOUR_S / np.where(short, steps_s, usual_s)
        return interval_w


def _find_word(frame: pl.DataFrame, reading: SeriesReading, row: int) -> str:
    """Return the cell of a row that is no number."""
    return next(
        str(frame[column][row])
        for column in reading.columns
        if parse_numbers(frame[column])[1][row]
    )


def _to_text(times: pl.Series, file: TableFile) -> pl.Series:
    """Return the times of a text file as text, whatever its pieces were read as; null for NaN."""
    if not file.dialect_json or not times.dtype.is_float():
        return times
    times = times.fill_nan(None)
    whole = bool(((times % 1) == 0).all())
    return times.cast(pl.Int64).cast(pl.String) if whole else times.cast(pl.String)


def _to_float32(values: npt.NDArray[np.float64]) -> Watts:
    """Return numbers in single precision, infinite where they are too large for it."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def _join_pieces(first: TablePiece, second: TablePiece) -> TablePiece:
    return TablePiece(
        pl.concat([first.frame, second.frame], how="vertical_relaxed"),
        np.concatenate((first.lines, second.lines)),
        first.size + second.size,
        first.bad_rows + second.bad_rows,
    )
