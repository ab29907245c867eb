"""Disaggregate a table of mains readings: a row of predictions for each row, with its own time."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import polars as pl

from seq2point.choices import Edges, Engine
from seq2point.data.grid import Times, find_jumps, place_on_grid
from seq2point.data.long_table import LongTable, TableRows
from seq2point.data.table import Table, grid_recording
from seq2point.data.table_writer import ENDINGS, TableWriter
from seq2point.errors import DataError
from seq2point.events import Activation, find_activations
from seq2point.model.event_decisions import NO_EVENTS, Settings, decide_recording
from seq2point.predictor import Predictor, Progress
from seq2point.recording import Recording, Watts
from seq2point.recording.coverage import DAY_S, Coverage
from seq2point.system.atomic_files import check_ending

PREDICTIONS = "predictions are"
BESIDE = 100
"""Samples on either side beyond what windows and filled gaps reach, for irregular times."""


class ApplianceUse(NamedTuple):
    """What an appliance did over a recording: its activations, in order, and its energy.

    `owned` says whether the home has the appliance, by its own events; None where the network's
    predictions stand.
    """

    activations: Sequence[Activation]
    energy_kwh: float
    owned: bool | None = None


class Disaggregation(NamedTuple):
    """The power of the appliances at every row of a table, f32[N, A] in watts, and its coverage.

    `time` has the rows' times, None where the table has none. `use` is what each appliance did.
    `recording` has the mains on the model's grid, and `sampled_w` f32[T, A] is the power there.
    """

    power_w: Watts
    coverage: Coverage
    time: pl.Series | None
    use: Mapping[str, ApplianceUse]
    recording: Recording
    sampled_w: Watts


def disaggregate_table(
    model: Predictor,
    table: Table,
    engine: Engine = "sliding",
    edges: Edges = "empty",
    resample: bool = False,
    progress: Progress | None = None,
    events: Settings = NO_EVENTS,
) -> Disaggregation:
    """Return the appliances' power at every row of a table, NaN where no full window reaches.

    Irregular times are resampled to the model's period. Each row gets the prediction of the nearest
    sample. Where the meter reports changes alone, there is a row for each sample instead. With
    settings of `events`, by appliance, the predictions are decided by event.
    Raises DataError where the table's sampling period does not fit the model, and where no row can
    be predicted.
    """
    table.require_period(model.period_s, resample)
    grid = table.grid(model.period_s)
    recording = grid_recording(table, grid, model.period_s)
    power_w = model.predict_w(recording, engine, edges, progress=progress)
    coverage = Coverage.measure(recording, power_w[:, 0])
    _require_predictions(coverage, model, table.path, table.fill)
    power_w, use = _decide(model, recording, power_w, events)
    if grid is None:
        return Disaggregation(power_w, coverage, None, use, recording, power_w)
    if table.hold_s is None or table.time is None:
        at_rows_w = grid.at_readings(power_w)
        return Disaggregation(at_rows_w, coverage, table.time, use, recording, power_w)
    seconds = pl.Series(table.time.name, np.round(grid.times_s()).astype(np.int64))
    time = (seconds * 1_000_000).cast(pl.Datetime("us")).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return Disaggregation(power_w, coverage, time, use, recording, power_w)


def _decide(
    model: Predictor, recording: Recording, power_w: Watts, events: Settings
) -> tuple[Watts, dict[str, ApplianceUse]]:
    """Return the power f32[T, A] that is decided, and what each appliance did."""
    owned: Mapping[str, bool] = {}
    if events:
        decisions = decide_recording(recording, power_w, model.appliances, events)
        power_w = np.column_stack([decisions.power_w[a.name] for a in model.appliances])
        owned = {name: decisions.owned[name] for name in events}
    times_s, hours = recording.times_s(), model.period_s / 3600
    return power_w, {
        appliance.name: ApplianceUse(
            find_activations(power_w[:, i], appliance, model.period_s, times_s),
            float(np.nansum(power_w[:, i], dtype=np.float64)) * hours / 1000,
            owned.get(appliance.name),
        )
        for i, appliance in enumerate(model.appliances)
    }


def _require_predictions(coverage: Coverage, model: Predictor, path: Path, fill: int) -> None:
    if not coverage.predicted_days:
        raise DataError(
            f"{path}: nothing to predict from: no stretch of {model.window} readings "
            f"({model.window * model.period_s / 60:.0f} min) is without a gap of more than {fill}; "
            "set `fill` to more to fill longer gaps, or `edges` to repeat to predict at edges too"
        )


def disaggregate_long_table(
    model: Predictor,
    table: LongTable,
    out: str | Path,
    engine: Engine = "sliding",
    edges: Edges = "empty",
    progress: Progress | None = None,
) -> Coverage:
    """Write the appliances' power at every row of a table that is read in pieces.

    The predictions are those of `disaggregate_table` for the whole table. Each piece is predicted
    together with the rows before and after it that its windows reach, on the grid of the whole.
    Returns the days that are predicted. Raises UsageError for a path of another ending, and
    DataError as `read_table` does.
    """
    predicted, day = 0, DAY_S / model.period_s
    with PredictionWriter(out, model) as writer:
        for rows, power_w in _predict_pieces(model, table, engine, edges):
            writer.write(rows.time, power_w)
            predicted += int(np.count_nonzero(~np.isnan(power_w[:, 0])))
            if progress:
                progress(len(rows))
        coverage = Coverage(len(table) / day, predicted / day)
        _require_predictions(coverage, model, table.path, table.columns.fill)
    return coverage


def decide_long_table(
    model: Predictor,
    table: LongTable,
    out: str | Path,
    engine: Engine = "sliding",
    edges: Edges = "empty",
    progress: Progress | None = None,
    events: Settings = NO_EVENTS,
) -> Disaggregation:
    """Write the appliances' power at every row of a table that is read in pieces, decided at once.

    What a home's events tell is known at its last row alone. So mains, times and predictions are
    held as numbers, about 110 bytes a row at the peak for one appliance, but not the table's text.
    Its times are read again when the rows are written; `time` of the result is None.
    The power is that of `disaggregate_table` for the whole table, and the errors are its errors.
    """
    mains_w = np.empty(len(table), np.float32)
    times_s = np.empty(len(table)) if table.has_times else None
    first = 0
    for rows in table.pieces():
        end = first + len(rows)
        mains_w[first:end] = rows.mains_w
        if times_s is not None and rows.times_s is not None:
            times_s[first:end] = rows.times_s
        first = end
    whole = _make_table(table, times_s, mains_w)
    with PredictionWriter(out, model) as writer:
        result = disaggregate_table(model, whole, engine, edges, False, progress, events)
        first = 0
        for rows in table.pieces():
            writer.write(rows.time, result.power_w[first : first + len(rows)])
            first += len(rows)
    return result


def _predict_pieces(
    model: Predictor, table: LongTable, engine: Engine, edges: Edges
) -> Iterator[tuple[TableRows, Watts]]:
    period_s = model.period_s
    reach = 2 * model.window + table.columns.fill + BESIDE
    anchor_s: float | None = None
    held, done = TableRows(None, None, np.empty(0, np.float32)), 0
    # After the last piece, None: the rows that are held are all that is left.
    for rows in chain(table.pieces(), (None,)):
        if rows is not None:
            held = held.join(rows) if len(held) else rows
        ready = len(held) if rows is None else _count_rows_before_end(held, reach, period_s)
        if ready <= done:
            continue
        grid = (
            None
            if held.times_s is None
            else place_on_grid(held.times_s, period_s, anchor_s, table.period_s)
        )
        whole = _make_table(table, held.times_s, held.mains_w)
        power_w = model.predict_w(grid_recording(whole, grid, period_s), engine, edges)
        at_rows_w = power_w if grid is None else grid.at_readings(power_w)
        yield held.slice(done, ready), at_rows_w[done:ready]
        first = _find_first_within(held, ready, reach, period_s)
        if held.times_s is not None:
            starts = [0, *find_jumps(held.times_s, period_s)]
            start = starts[np.searchsorted(starts, first, side="right") - 1]
            anchor_s = float(held.times_s[start]) if start or anchor_s is None else anchor_s
        held, done = held.slice(first, len(held)), ready - first


def _make_table(table: LongTable, times_s: Times | None, mains_w: Watts) -> Table:
    """Return rows of a table that is read in pieces, as a table."""
    return Table(
        table.path,
        None,
        times_s,
        {"mains": mains_w},
        table.house,
        table.interpretation,
        table.period_s,
        fill=table.columns.fill,
    )


def _count_rows_before_end(rows: TableRows, reach: int, period_s: float) -> int:
    """Return how many rows are at least `reach` samples before the last row."""
    if rows.times_s is None:
        return len(rows) - reach
    return int(np.searchsorted(rows.times_s, rows.times_s[-1] - reach * period_s))


def _find_first_within(rows: TableRows, row: int, reach: int, period_s: float) -> int:
    """Return the number of the first row within `reach` samples before `row`."""
    if rows.times_s is None:
        return max(row - reach, 0)
    return int(
        np.searchsorted(rows.times_s, rows.times_s[min(row, len(rows) - 1)] - reach * period_s)
    )


def write_predictions(path: str | Path, table: Table, model: Predictor, power_w: Watts) -> None:
    """Write a table's times and a column of watts for each appliance, as CSV or Parquet.

    The path's ending decides. Raises UsageError for another ending.
    """
    with PredictionWriter(path, model) as writer:
        writer.write(table.time, power_w)


class PredictionWriter:
    """Writes times and a column of watts for each appliance, piece by piece.

    The file is whole once the `with` block has ended. Raises UsageError for a path that ends in
    neither .csv nor .parquet.
    """

    def __init__(self, path: str | Path, model: Predictor):
        self.names = [appliance.name for appliance in model.appliances]
        check_ending(Path(path), PREDICTIONS, ENDINGS)
        self._writer = TableWriter(Path(path), float_precision=2)

    def __enter__(self) -> Self:
        self._writer.__enter__()
        return self

    def __exit__(self, *failure: Any) -> None:
        self._writer.__exit__(*failure)

    def write(self, time: pl.Series | None, power_w: Watts) -> None:
        """Write the next rows: their times, if they have any, and their predictions f32[N, A]."""
        columns = [] if time is None else [time]
        columns += [
            pl.Series(name, power_w[:, i]).fill_nan(None) for i, name in enumerate(self.names)
        ]
        self._writer.write(pl.DataFrame(columns))
