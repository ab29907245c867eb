"""A model on a table of mains readings: one row out for each row in, the table's own times kept."""

from pathlib import Path
from typing import NamedTuple

import polars as pl

from seq2point.choices import Edges, Engine
from seq2point.coverage import Coverage
from seq2point.data.table import Table, on_grid
from seq2point.errors import DataError, UsageError
from seq2point.files import written_whole
from seq2point.predictor import Predictor, Progress
from seq2point.recording import Watts


class Disaggregation(NamedTuple):
    """The appliances' power at every row of a table, f32[N, A] in watts, and how much of its time that is."""

    power_w: Watts
    coverage: Coverage


def disaggregate_table(
    model: Predictor,
    table: Table,
    engine: Engine = "sliding",
    edges: Edges = "empty",
    resample: bool = False,
    progress: Progress | None = None,
) -> Disaggregation:
    """Predict the appliances' power at every row of a table, NaN where there is no full window of readings.

    Irregular times are resampled to the model's period, and each row gets the prediction of the nearest sample.
    Raises DataError where the table's sampling period does not fit the model, and where no row can be predicted.
    """
    table.require_period(model.period_s, resample)
    grid = table.grid(model.period_s)
    recording = on_grid(table, grid, model.period_s)
    power_w = model.predict_w(recording, engine, edges, progress=progress)
    coverage = Coverage.of(recording, power_w[:, 0])
    if not coverage.predicted_days:
        raise DataError(
            f"{table.path}: nothing to predict from: no stretch of {model.window} readings "
            f"({model.window * model.period_s / 60:.0f} min) is without a gap of more than {table.fill}; "
            "fill longer gaps, or predict at the edges too (edges 'repeat')"
        )
    return Disaggregation(grid.at_readings(power_w) if grid else power_w, coverage)


def check_ending(path: Path) -> None:
    """Refuse an answer that is neither CSV nor Parquet, before anything is computed."""
    if path.suffix.lower() not in (".csv", ".parquet", ".pq"):
        raise UsageError(f"{path}: the answer is written as .csv or .parquet")


def write_answer(path: str | Path, table: Table, model: Predictor, power_w: Watts) -> None:
    """Write the table's times and one column of watts for each appliance, as CSV or Parquet by the path's ending.

    Raises UsageError for another ending.
    """
    path = Path(path)
    check_ending(path)
    columns = [] if table.time is None else [table.time]
    columns += [pl.Series(a.name, power_w[:, i]).fill_nan(None) for i, a in enumerate(model.appliances)]
    frame = pl.DataFrame(columns)
    with written_whole(path) as beside:
        if path.suffix.lower() == ".csv":
            frame.write_csv(beside, float_precision=2)
        else:
            try:
                frame.write_parquet(beside)
            except pl.exceptions.PolarsError as error:
                raise OSError(str(error)) from error
