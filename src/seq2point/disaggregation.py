"""A model on a table of mains readings: one row out for each row in, the table's own times kept."""

from pathlib import Path

import polars as pl

from seq2point.choices import Edges, Engine
from seq2point.data import store
from seq2point.data.table import Table, on_grid
from seq2point.errors import UsageError
from seq2point.files import written_whole
from seq2point.predictor import Predictor, Progress
from seq2point.recording import Watts


def disaggregate_table(
    model: Predictor,
    table: Table,
    engine: Engine = "sliding",
    edges: Edges = "empty",
    resample: bool = False,
    progress: Progress | None = None,
) -> Watts:
    """The appliances' power at every row of a table, f32[N, A] in watts, NaN where there is no answer.

    Irregular times are resampled to the model's period, and each row gets the answer of the nearest sample.
    Raises DataError where the table's sampling period does not fit the model.
    """
    table.require_period(model.period_s, resample)
    grid = table.grid(model.period_s)
    power_w = model.predict_w(on_grid(table, grid, model.period_s), engine, edges, progress=progress)
    return grid.at_readings(power_w, table.watts["mains"]) if grid else power_w


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
            store.write_frame(frame, beside)
