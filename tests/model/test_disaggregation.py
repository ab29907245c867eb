"""A table of mains readings gives a row for each row, with the table's own times."""

import subprocess
import sys
from functools import partialmethod
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from seq2point import DataError, Model, UsageError
from seq2point.choices import Edges
from seq2point.configuration import ColumnsConfig
from seq2point.data import long_table, parquet_table
from seq2point.data.table import read_table
from seq2point.data.text.text_file import TextFile
from seq2point.model.disaggregation import (
    PredictionWriter,
    disaggregate_long_table,
    disaggregate_table,
    write_predictions,
)

UNIX = 1_711_869_300


def written(folder: Path, times, watts, name: str = "mains.csv") -> Path:
    path = folder / name
    path.write_text(
        "time,mains\n" + "".join(f"{t},{w}\n" for t, w in zip(times, watts, strict=True))
    )
    return path


@pytest.fixture(scope="module")
def watts() -> np.ndarray:
    return np.random.default_rng(4).uniform(0, 3000, 200).round(1).astype(np.float32)


def test_regular_rows_get_the_predictions_of_their_series(
    tiny_model: Model, tmp_path: Path, watts: np.ndarray
):
    table = read_table(written(tmp_path, range(UNIX, UNIX + 1200, 6), watts))
    predictions = disaggregate_table(tiny_model, table).power_w
    np.testing.assert_allclose(predictions[:, 0], tiny_model.disaggregate(watts), atol=0.05)


def test_irregular_rows_get_the_predictions_of_the_nearest_sample(
    tiny_model: Model, tmp_path: Path, watts: np.ndarray
):
    steps = np.random.default_rng(0).choice([5, 6, 7], 199, p=[0.25, 0.5, 0.25])
    times = np.concatenate(([0], np.cumsum(steps)))
    predictions = disaggregate_table(
        tiny_model, read_table(written(tmp_path, UNIX + times, watts))
    ).power_w[:, 0]

    sample = np.round(times / 6).astype(int)
    grid = np.full(sample[-1] + 1, np.nan, dtype=np.float32)
    for i in range(len(grid)):
        grid[i] = watts[sample == i].mean() if (sample == i).any() else grid[i - 1]
    assert len(predictions) == 200
    np.testing.assert_allclose(predictions, tiny_model.disaggregate(grid)[sample], atol=0.05)


@pytest.mark.parametrize("jitter", [0, 1])
def test_rows_without_a_reading_are_predicted_where_the_gap_is_short(
    tiny_model: Model, tmp_path: Path, watts: np.ndarray, jitter: int
):
    cells = [f"{w}" for w in watts]
    cells[60] = ""
    cells[100:105] = [""] * 5
    times = [UNIX + 6 * i + jitter * (i % 2) for i in range(200)]
    table = read_table(written(tmp_path, times, cells), columns=ColumnsConfig(fill=3))
    predictions = disaggregate_table(tiny_model, table, edges="repeat").power_w
    assert np.flatnonzero(np.isnan(predictions[:, 0])).tolist() == [103, 104]


def test_no_window_spans_a_long_hole(tiny_model: Model, tmp_path: Path, watts: np.ndarray):
    times = [UNIX + 6 * i + (100_000 if i >= 100 else 0) for i in range(200)]
    predictions = disaggregate_table(
        tiny_model, read_table(written(tmp_path, times, watts))
    ).power_w[:, 0]
    halves = [tiny_model.disaggregate(half) for half in (watts[:100], watts[100:])]
    np.testing.assert_allclose(predictions, np.concatenate(halves), atol=0.05)


def test_finer_rows_are_averaged_only_when_asked(tiny_model: Model, tmp_path: Path):
    table = read_table(written(tmp_path, range(UNIX, UNIX + 1200), [500.0] * 1200))
    with pytest.raises(
        DataError, match="a reading every 1 s, the model needs one every 6 s; set `resample`"
    ):
        disaggregate_table(tiny_model, table)
    predictions = disaggregate_table(tiny_model, table, resample=True, edges="repeat").power_w
    assert predictions.shape == (1200, 1)
    assert np.ptp(predictions) < 0.05


def test_a_table_without_times_is_taken_at_the_models_period(
    tiny_model: Model, tmp_path: Path, watts: np.ndarray
):
    path = tmp_path / "mains.csv"
    path.write_text("mains\n" + "".join(f"{w}\n" for w in watts))
    predictions = disaggregate_table(tiny_model, read_table(path)).power_w
    np.testing.assert_allclose(predictions[:, 0], tiny_model.disaggregate(watts), atol=0.05)


@pytest.mark.parametrize("ending", ["csv", "parquet", "pq", "CSV"])
def test_the_predictions_have_the_tables_times_and_a_column_of_watts(
    tiny_model: Model, tmp_path: Path, watts: np.ndarray, ending: str
):
    stamps = [f"2024-03-31 07:{15 + i // 10:02}:{6 * (i % 10):02}" for i in range(200)]
    table = read_table(written(tmp_path, stamps, watts))
    power_w = disaggregate_table(tiny_model, table).power_w
    out = tmp_path / f"predictions.{ending}"
    write_predictions(out, table, tiny_model, power_w)
    back = pl.read_csv(out) if ending.lower() == "csv" else pl.read_parquet(out)
    assert back.columns == ["time", "kettle"]
    assert back["time"].to_list() == stamps
    assert back["kettle"].is_null().to_list() == np.isnan(power_w[:, 0]).tolist()
    np.testing.assert_allclose(back["kettle"].to_numpy(), power_w[:, 0], atol=0.006)


def test_the_predictions_keep_the_order_that_repair_made(
    tiny_model: Model, tmp_path: Path, watts: np.ndarray
):
    times = np.arange(UNIX, UNIX + 1200, 6)
    shuffled = np.random.default_rng(0).permutation(200)
    path = written(tmp_path, times[shuffled], watts[shuffled])
    table = read_table(path, columns=ColumnsConfig(repair=True))
    write_predictions(
        tmp_path / "predictions.csv",
        table,
        tiny_model,
        disaggregate_table(tiny_model, table).power_w,
    )
    back = pl.read_csv(tmp_path / "predictions.csv")
    assert back["time"].to_list() == times.tolist()
    np.testing.assert_allclose(back["kettle"].to_numpy(), tiny_model.disaggregate(watts), atol=0.06)


@pytest.mark.parametrize("name", ["predictions.xlsx", "predictions", "predictions.csv.gz"])
def test_another_ending_is_refused_before_anything_is_computed(tiny_model: Model, name: str):
    with pytest.raises(UsageError, match=r"written as \.csv or \.parquet"):
        PredictionWriter(name, tiny_model)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_full_disk_leaves_the_old_predictions(tmp_path: Path, ending: str):
    out = tmp_path / f"predictions.{ending}"
    out.write_text("old")
    mains = written(
        tmp_path, range(UNIX, UNIX + 60_000, 6), np.random.default_rng(0).uniform(0, 3000, 10_000)
    )
    code = (
        "import resource, sys, numpy as np; from pathlib import Path; from seq2point import"
        " Architecture, Model, Seq2PointError\nfrom seq2point.data.table import read_table; from"
        " seq2point.model.disaggregation import write_predictions\n"
        "model = Model.untrained('kettle',"
        " 6.0, Architecture(window=9, channels=(2,), kernels=(3,), hidden=2))\ntable ="
        " read_table(sys.argv[1])\nresource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\ntry:"
        " write_predictions(sys.argv[2], table, model, np.random.default_rng(0).random((10_000, 1),"
        " dtype=np.float32))\nexcept Seq2PointError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, mains, out], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"{out}: cannot be written (")
    assert out.read_text() == "old"
    assert {p.name for p in tmp_path.iterdir()} == {mains.name, out.name}


def read_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read text in pieces of 4 KB."""
    read = partialmethod(TextFile.read_pieces, piece_bytes=4096)
    monkeypatch.setattr(TextFile, "read_pieces", read)


STEPS = {
    "regular": lambda random: np.full(3000, 6.0),
    "irregular": lambda random: random.choice([5, 6, 7], 3000).astype(float),
    "gaps and jumps": (
        lambda random: random.choice([6, 6, 6, 6, 7, 60, 700, 9000], 3000).astype(float)
    ),
    "several readings a sample": lambda random: random.choice([6, 6, 6, 1], 3000).astype(float),
}


@pytest.mark.parametrize("edges", ["empty", "repeat"])
@pytest.mark.parametrize("steps", [*STEPS, "no times"])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_in_pieces_is_predicted_as_the_whole(
    tiny_model: Model,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ending: str,
    steps: str,
    edges: Edges,
):
    random = np.random.default_rng(6)
    watts = random.uniform(0, 3000, 3001).round(1)
    watts[random.choice(3001, 20)] = np.nan
    cells: dict[str, object] = {"mains": pl.Series(watts).fill_nan(None)}
    if steps != "no times":
        cells = {
            "time": UNIX + np.concatenate(([0], np.cumsum(STEPS[steps](random)))).astype(int)
        } | cells
    source = tmp_path / f"mains.{ending}"
    frame = pl.DataFrame(cells)
    frame.write_csv(source) if ending == "csv" else frame.write_parquet(source)
    monkeypatch.setattr(parquet_table, "ROWS_AT_A_TIME", 256)
    read_small_pieces(monkeypatch)
    # random watts at random times look like changes alone
    columns = ColumnsConfig(hold_s=0)
    table = read_table(source, (), columns)
    large = long_table.open_long_table(source, columns, large_bytes=0)
    assert large is not None
    pieces = list(large.pieces())
    assert len(pieces) >= 5
    assert sum(map(len, pieces)) == len(table)
    assert (len(large), large.period_s) == (len(table), table.period_s)
    power_w = disaggregate_table(tiny_model, table, edges=edges).power_w
    for name in ("whole.csv", "whole.parquet"):
        write_predictions(tmp_path / name, table, tiny_model, power_w)
        coverage = disaggregate_long_table(
            tiny_model, large, tmp_path / f"pieces_{name}", edges=edges
        )
        read = pl.read_csv if name.endswith("csv") else pl.read_parquet
        whole, together = read(tmp_path / name), read(tmp_path / f"pieces_{name}")
        assert coverage.predicted_days * 14400 == pytest.approx(np.isfinite(power_w).sum())
        assert whole.schema == together.schema
        assert together.drop("kettle").equals(whole.drop("kettle"))
        np.testing.assert_allclose(
            *(found["kettle"].cast(pl.Float32).to_numpy() for found in (together, whole)), atol=0.05
        )


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("17118693xx,5", "line 702: the time '17118693xx' is unreadable"),
        (",5", "line 702: the time is missing"),
        ("1711869300,5", "line 702: the time goes back"),
        ("1711873500,1e9", "line 702: 'mains' is 1,000,000,000 W, more than a house can draw"),
        ("1711873500000,5", "line 702: the time 1711873500000 is in another unit"),
        ("1711873500,x", "line 702: 'mains' is 'x', not a number"),
        ("1711873500,5,6", "line 702: 3 cells under 2 columns"),
    ],
)
def test_a_table_in_pieces_is_refused_with_the_same_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: str, message: str
):
    lines = [f"{UNIX + 6 * i},{i % 100}" for i in range(1000)]
    lines[700] = row
    path = tmp_path / "mains.csv"
    path.write_text("\n".join(["time,mains", *lines]))
    read_small_pieces(monkeypatch)
    refusals = []
    for read in (read_table, lambda path: long_table.open_long_table(path, large_bytes=0)):
        with pytest.raises(DataError, match=message) as caught:
            read(path)
        refusals.append(str(caught.value))
    assert refusals[0] == refusals[1]


def test_a_table_in_pieces_has_the_same_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    watts = [str(i % 100) for i in range(1000)]
    watts[3], watts[500], watts[700], watts[900] = "-50", "-1", "-1", "32767"
    path = written(tmp_path, range(UNIX, UNIX + 6000, 6), watts)
    read_small_pieces(monkeypatch)
    table, large = read_table(path), long_table.open_long_table(path, large_bytes=0)
    assert large is not None
    assert sorted(large.notes) == sorted(table.notes)
    mains_w = np.concatenate([piece.mains_w for piece in large.pieces()])
    np.testing.assert_array_equal(mains_w, table.watts["mains"])
    assert np.flatnonzero(np.isnan(mains_w)).tolist() == [3, 900]


@pytest.mark.parametrize("text", ['"1711869300"', "31/03/2024 07:15"])
def test_quotes_and_dates_are_read_in_pieces_too(tmp_path: Path, text: str):
    path = written(tmp_path, [text], [5])
    large = long_table.open_long_table(path, large_bytes=0)
    assert large is not None
    (rows,) = large.pieces()
    np.testing.assert_array_equal(rows.times_s, read_table(path).times_s)


def test_what_only_a_whole_table_tells_is_not_read_in_pieces(tmp_path: Path):
    random = np.random.default_rng(5)
    times = UNIX + np.cumsum(random.integers(2, 90, 500))
    path = written(tmp_path, times, random.uniform(0, 3000, 500))
    assert read_table(path).hold_s is not None
    assert long_table.open_long_table(path, large_bytes=0) is None
    repair = ColumnsConfig(repair=True, hold_s=0)
    assert long_table.open_long_table(path, repair, large_bytes=0) is None


def test_only_a_large_table_is_read_in_pieces(tmp_path: Path):
    for rows, large in ((10, False), (500_000, True)):
        frame = pl.DataFrame({"time": np.arange(rows) * 6 + UNIX, "mains": np.full(rows, 100.0)})
        frame.write_parquet(tmp_path / "mains.parquet")
        frame.write_csv(tmp_path / "mains.csv")
        tables = [
            long_table.open_long_table(tmp_path / name, large_bytes=100_000)
            for name in ("mains.csv", "mains.parquet")
        ]
        assert [table is not None for table in tables] == [large, large]
