"""A series of mains in any kind gives the appliance's power in the same kind and of the same
length.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seq2point import Architecture, DataError, Model
from seq2point.appliances import find_appliance
from seq2point.configuration.columns import FILL
from seq2point.recording.scaling import Scale

NAN = np.nan
TIMES = pd.date_range("2024-03-31", periods=200, freq="6s", tz="Europe/London")


@pytest.fixture(scope="module")
def mains() -> np.ndarray:
    watts = np.random.default_rng(1).uniform(0, 3000, 200).astype(np.float32)
    watts[[90, 91]] = NAN
    watts[120 : 120 + FILL + 3] = NAN
    return watts


@pytest.fixture
def two(tiny: Architecture) -> Model:
    appliances = (find_appliance("kettle"), find_appliance("fridge"))
    return Model(
        tiny.model_copy(update={"outputs": 2}).build(), Scale.published(appliances), appliances, 6.0
    )


def predict_window_by_window(model: Model, watts: np.ndarray, fill: int = FILL) -> np.ndarray:
    """One window at a time, by hand: f32[T, A]."""
    missing, watts = np.isnan(watts), watts.copy()
    for i in np.flatnonzero(missing):
        before = int(i) - next((n for n in range(1, fill + 1) if n <= i and not missing[i - n]), 0)
        watts[i] = watts[before]
    window, target = model.architecture.window, model.architecture.target_index
    predictions = np.full((len(watts), len(model.appliances)), NAN, dtype=np.float32)
    for first in range(len(watts) - window + 1):
        cut = watts[first : first + window]
        if not np.isnan(cut).any():
            scaled = torch.tensor((cut - 522) / 814, dtype=torch.float32)
            with torch.no_grad():
                out = model.network(scaled[None])[0].numpy()
            predictions[first + target] = np.maximum(
                out * np.array([a.std_w for a in model.appliances])
                + [a.mean_w for a in model.appliances],
                0,
            )
    return predictions


def frozen(watts: np.ndarray) -> np.ndarray:
    copy = watts.copy()
    copy.flags.writeable = False
    return copy


def to_decimals(watts: np.ndarray) -> list[Decimal | None]:
    return [None if np.isnan(x) else Decimal(f"{x:.9f}") for x in watts]


KINDS: dict[str, tuple[Callable[[np.ndarray], Any], type]] = {
    "numpy": (lambda w: w, np.ndarray),
    "read-only": (frozen, np.ndarray),
    "strided": (lambda w: np.repeat(w, 2)[::2], np.ndarray),
    "float64": (lambda w: w.astype(np.float64), np.ndarray),
    "big-endian": (lambda w: w.astype(">f4"), np.ndarray),
    "text": (lambda w: w.astype(str), np.ndarray),
    "bytes": (lambda w: w.astype(str).astype(bytes), np.ndarray),
    "masked": (lambda w: np.ma.masked_invalid(w), np.ma.MaskedArray),
    "masked text": (lambda w: np.ma.array(w.astype(str), mask=np.isnan(w)), np.ma.MaskedArray),
    "list": (lambda w: w.tolist(), np.ndarray),
    "list with None": (lambda w: [None if np.isnan(x) else float(x) for x in w], np.ndarray),
    "tuple": (lambda w: tuple(w.tolist()), np.ndarray),
    "pandas": (pd.Series, pd.Series),
    "pandas with times": (lambda w: pd.Series(w, index=TIMES), pd.Series),
    "pandas nullable": (lambda w: pd.Series(w).astype("Float64"), pd.Series),
    "pandas of Arrow": (lambda w: pd.Series(w).astype("double[pyarrow]"), pd.Series),
    "pandas of text": (lambda w: pd.Series([f" {x} " for x in w]), pd.Series),
    "pandas of text and gaps": (lambda w: pd.Series(to_decimals(w)).astype("str"), pd.Series),
    "pandas of categories": (lambda w: pd.Series(w.astype(str)).astype("category"), pd.Series),
    "pandas of Decimal": (lambda w: pd.Series(to_decimals(w)), pd.Series),
    "pandas of Arrow's Decimal": (
        lambda w: pd.Series(to_decimals(w)).astype(pd.ArrowDtype(pa.decimal128(20, 9))),
        pd.Series,
    ),
    "polars": (pl.Series, pl.Series),
    "polars of text": (lambda w: pl.Series(w.astype(str)), pl.Series),
    "polars of Decimal": (lambda w: pl.Series(to_decimals(w)), pl.Series),
    "polars with null": (lambda w: pl.Series(w).fill_nan(None), pl.Series),
    "polars in chunks": (
        lambda w: pl.concat([pl.Series(w[:70]), pl.Series(w[70:])], rechunk=False),
        pl.Series,
    ),
}


@pytest.mark.parametrize("engine", ["sliding", "windows"])
@pytest.mark.parametrize("kind", KINDS)
def test_any_kind_in_gives_the_same_kind_and_length_out(
    tiny_model: Model, mains: np.ndarray, kind: str, engine: str
):
    make, out = KINDS[kind]
    series = make(mains)
    predictions = tiny_model.disaggregate(series, engine=engine)
    assert type(predictions) is out
    assert len(predictions) == len(series)
    np.testing.assert_allclose(
        np.asarray(predictions, dtype=np.float32),
        predict_window_by_window(tiny_model, mains)[:, 0],
        atol=0.05,
    )


def test_integers_are_watts(tiny_model: Model, mains: np.ndarray):
    whole = np.nan_to_num(mains).astype(np.int64)
    expected = predict_window_by_window(tiny_model, whole.astype(np.float32))[:, 0]
    for series in (
        whole,
        whole.tolist(),
        pd.Series(whole),
        pl.Series(whole),
        whole.astype(np.uint16),
    ):
        np.testing.assert_allclose(np.asarray(tiny_model.disaggregate(series)), expected, atol=0.05)


def test_the_series_itself_is_left_alone(tiny_model: Model, mains: np.ndarray):
    before = mains.copy()
    tiny_model.disaggregate(mains)
    np.testing.assert_array_equal(mains, before)


def test_pandas_keeps_its_index_and_takes_the_appliances_name(tiny_model: Model, mains: np.ndarray):
    for index in (pd.RangeIndex(200), pd.Index(range(1000, 1200)), TIMES):
        predictions = tiny_model.disaggregate(pd.Series(mains, index=index, name="mains"))
        pd.testing.assert_index_equal(predictions.index, index)
        assert predictions.name == "kettle"


def test_polars_has_null_where_there_is_no_prediction(tiny_model: Model, mains: np.ndarray):
    predictions = tiny_model.disaggregate(pl.Series("mains", mains))
    expected = predict_window_by_window(tiny_model, mains)[:, 0]
    assert predictions.name == "kettle"
    assert predictions.is_null().to_list() == np.isnan(expected).tolist()
    assert not predictions.is_nan().any()


def test_several_appliances_give_a_table(two: Model, mains: np.ndarray):
    expected = predict_window_by_window(two, mains)
    array, frame, polars = (
        two.disaggregate(s) for s in (mains, pd.Series(mains, index=TIMES), pl.Series(mains))
    )
    assert list(frame.columns) == polars.columns == ["kettle", "fridge"]
    pd.testing.assert_index_equal(frame.index, TIMES)
    for table in (array, frame.to_numpy(), polars.to_numpy()):
        np.testing.assert_allclose(table, expected, atol=0.05)


@given(
    st.integers(0, 120),
    st.sets(st.integers(0, 119), max_size=3),
    st.integers(0, 32),
    st.sampled_from(["sliding", "windows"]),
)
def test_a_prediction_is_missing_exactly_where_no_full_window_of_readings_reaches(
    tiny: Architecture, size: int, gaps: set[int], target: int, engine: str
):
    model = Model.untrained("kettle", 6.0, tiny.model_copy(update={"target_index": target}))
    watts = np.full(size, 500, dtype=np.float32)
    watts[[gap for gap in gaps if gap < size]] = NAN
    reaches = [
        target <= i < size - 32 + target and not np.isnan(watts[i - target : i - target + 33]).any()
        for i in range(size)
    ]
    assert (~np.isnan(model.disaggregate(watts, engine=engine, fill=0))).tolist() == reaches


@pytest.mark.parametrize("engine", ["sliding", "windows"])
def test_repeated_edges_predict_every_reading_and_change_no_inner_prediction(
    tiny_model: Model, mains: np.ndarray, engine: str
):
    empty = tiny_model.disaggregate(mains, engine=engine, fill=0)
    full = tiny_model.disaggregate(mains, engine=engine, edges="repeat", fill=0)
    assert (np.isnan(full) == np.isnan(mains)).all()
    inside = ~np.isnan(empty)
    np.testing.assert_allclose(full[inside], empty[inside], atol=0.05)
    padded = np.concatenate([np.repeat(mains[0], 16), mains[:90], np.repeat(mains[89], 16)])
    np.testing.assert_allclose(
        full[:90], predict_window_by_window(tiny_model, padded)[16:-16, 0], atol=0.05
    )


def test_the_sliding_engine_equals_the_windows_over_many_blocks(tiny_model: Model):
    watts = np.random.default_rng(2).uniform(0, 3000, 30_000).astype(np.float32)
    watts[17_000:17_010] = NAN
    sliding, windows = (
        tiny_model.disaggregate(watts, engine=engine) for engine in ("sliding", "windows")
    )
    np.testing.assert_array_equal(np.isnan(sliding), np.isnan(windows))
    assert np.nanmax(np.abs(sliding - windows)) <= 1e-5 * np.nanmax(windows)


def test_no_power_is_below_zero(tiny_model: Model, mains: np.ndarray):
    predictions = tiny_model.disaggregate(mains)
    assert np.nanmin(predictions) == 0 < np.nanmax(predictions)


@pytest.mark.parametrize("series", [[], [500.0], [NAN] * 100, [500.0] * 32])
def test_a_series_too_short_or_empty_has_no_predictions(tiny_model: Model, series: list[float]):
    predictions = tiny_model.disaggregate(series)
    assert len(predictions) == len(series)
    assert np.isnan(predictions).all()


@pytest.mark.parametrize("freq", ["5s", "8s", "60s", "6100ms"])
def test_an_index_at_another_period_is_refused(tiny_model: Model, mains: np.ndarray, freq: str):
    with pytest.raises(DataError, match=r"a reading every .* s, the model needs one every 6 s"):
        tiny_model.disaggregate(
            pd.Series(mains, index=pd.date_range("2024-01-01", periods=200, freq=freq))
        )


UTC_TIMES = TIMES.tz_convert("UTC")
TEXTS = UTC_TIMES.strftime("%Y-%m-%d %H:%M:%S")
SECONDS = UTC_TIMES.as_unit("s").asi8
INDEXES: dict[str, pd.Index] = {
    "a zone of hours": TIMES.tz_convert("+05:30"),
    "periods": pd.period_range("2024-03-31", periods=200, freq="6s"),
    "objects of periods": pd.Index(list(pd.period_range("2024", periods=200, freq="6s")), object),
    "times since the start": pd.timedelta_range(0, periods=200, freq="6s"),
    "text": pd.Index(TEXTS),
    "objects of text": TEXTS.astype(object),
    "Arrow's text": TEXTS.astype(pd.ArrowDtype(pa.string())),
    "categories of text": pd.CategoricalIndex(TEXTS),
    "objects": TIMES.astype(object),
    "objects of Python": pd.Index([time.to_pydatetime() for time in UTC_TIMES], dtype=object),
    "objects of NumPy": pd.Index(list(UTC_TIMES.tz_localize(None).to_numpy()), dtype=object),
    "text and objects": pd.Index([TEXTS[0], *UTC_TIMES[1:]], dtype=object),
    "Arrow's times": pd.Index(UTC_TIMES.astype("timestamp[us, tz=UTC][pyarrow]")),
    "Unix seconds": pd.Index(SECONDS),
    "Unix milliseconds": pd.Index(1000 * SECONDS),
    "Unix seconds in text": pd.Index(SECONDS.astype(str)),
    "Unix seconds in Decimal": pd.Index([Decimal(int(s)) for s in SECONDS], dtype=object),
    "times in digits": pd.Index(UTC_TIMES.strftime("%Y%m%d%H%M%S").astype("int64")),
    "day first": pd.Index(UTC_TIMES.strftime("%d/%m/%Y %H:%M:%S")),
    "houses and times": pd.MultiIndex.from_arrays([["house 1"] * 200, TIMES]),
}


@pytest.mark.parametrize("kind", INDEXES)
def test_the_period_is_found_from_times_of_any_type_and_the_index_comes_back(
    tiny: Architecture, tiny_model: Model, mains: np.ndarray, kind: str
):
    series = pd.Series(mains, index=INDEXES[kind])
    predictions = tiny_model.disaggregate(series)
    pd.testing.assert_index_equal(predictions.index, series.index)
    np.testing.assert_array_equal(predictions, tiny_model.disaggregate(mains))
    minutes = Model.untrained("kettle", 60.0, tiny)
    with pytest.raises(DataError, match="a reading every 6 s, the model needs one every 60 s"):
        minutes.disaggregate(series)


@pytest.mark.parametrize(
    "index",
    [
        pd.Index([f"row {i}" for i in range(200)]),
        pd.Index([None, *TEXTS[1:]]),
        pd.Index(["", *TEXTS[1:]]),
        pd.Index([time.time() for time in TIMES], dtype=object),
        pd.interval_range(0, 200),
        pd.MultiIndex.from_arrays([TIMES, TIMES]),
        pd.Index((TIMES + pd.Timedelta("12D")).strftime("%d/%m/%Y %H:%M:%S")),
        pd.DatetimeIndex(np.arange(200) * np.timedelta64(10**10, "s") + np.datetime64("2024")),
    ],
    ids=lambda index: f"{type(index).__name__} {index[0]}",
)
def test_an_index_that_is_neither_times_nor_a_count_of_rows_is_refused(
    tiny_model: Model, mains: np.ndarray, index: pd.Index
):
    with pytest.raises(DataError, match=r"^the index of the series[^\n]*$"):
        tiny_model.disaggregate(pd.Series(mains, index=index))


@pytest.mark.parametrize("kind", [np.array, pl.Series, lambda w: pd.Series(w, index=TIMES)])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda w: w / 1000,
            r"never exceed 2\.9\d+ W; if they are kilowatts, multiply them by 1000",
        ),
        (lambda w: np.where(w > 2900, 32767, w / 1000), "never exceed 2.* if they are kilowatts"),
        (lambda w: np.nancumsum(w) / 600, "never fall: they look like a counter of energy"),
        (lambda w: 5e6 + np.nancumsum(w), "never fall: they look like a counter of energy"),
    ],
    ids=["kilowatts", "kilowatts with marks", "counter", "counter above any power"],
)
def test_kilowatts_and_counters_are_refused(
    tiny_model: Model,
    mains: np.ndarray,
    kind: Callable[[Any], Any],
    change: Callable[[np.ndarray], np.ndarray],
    message: str,
):
    with pytest.raises(DataError, match=message):
        tiny_model.disaggregate(kind(change(mains)))


@pytest.mark.parametrize("kind", [np.array, pl.Series, lambda w: pd.Series(w, index=TIMES)])
@pytest.mark.parametrize("mark", [-1, 32767, -999, -500])
def test_marks_of_missing_readings_and_readings_below_zero_are_gaps_with_a_warning(
    tiny_model: Model, mains: np.ndarray, kind: Callable[[Any], Any], mark: int
):
    marked, gappy = mains.copy(), mains.copy()
    marked[20:60], gappy[20:60] = mark, NAN
    reason = "below zero, as where a home exports solar" if mark == -500 else "means no reading"
    with pytest.warns(UserWarning, match=f"the series: 40 readings of 'mains' .*{reason}"):
        predictions = tiny_model.disaggregate(kind(marked))
    np.testing.assert_array_equal(
        np.asarray(predictions, dtype=np.float32),
        np.asarray(tiny_model.disaggregate(kind(gappy)), dtype=np.float32),
    )


def test_no_window_spans_rows_that_the_index_lacks(tiny_model: Model, mains: np.ndarray):
    gone = np.arange(120, 150)
    series = pd.Series(np.nan_to_num(mains, nan=500), index=TIMES)
    predictions = tiny_model.disaggregate(series.drop(TIMES[gone]))
    whole = tiny_model.disaggregate(series)
    assert predictions.loc[TIMES[150:166]].isna().all()
    assert predictions.loc[TIMES[114:120]].isna().all()
    np.testing.assert_allclose(
        predictions.loc[TIMES[166:184]], whole.loc[TIMES[166:184]], atol=0.05
    )
    np.testing.assert_allclose(predictions.loc[TIMES[16:100]], whole.loc[TIMES[16:100]], atol=0.05)


def test_a_few_missing_rows_are_filled_as_in_a_file(tiny_model: Model, mains: np.ndarray):
    series = pd.Series(np.nan_to_num(mains, nan=500), index=TIMES)
    filled = series.copy()
    filled.iloc[120:123] = filled.iloc[119]
    predictions = tiny_model.disaggregate(series.drop(TIMES[120:123]))
    np.testing.assert_allclose(
        predictions, tiny_model.disaggregate(filled).drop(TIMES[120:123]), atol=0.05
    )


@pytest.mark.parametrize("order", [slice(None, None, -1), np.repeat(np.arange(100), 2)])
def test_an_index_that_goes_back_or_repeats_is_refused(
    tiny_model: Model, mains: np.ndarray, order: Any
):
    with pytest.raises(DataError, match="go back or repeat"):
        tiny_model.disaggregate(pd.Series(mains, index=TIMES[order]))


def test_an_index_without_a_time_is_refused(tiny_model: Model, mains: np.ndarray):
    with pytest.raises(DataError, match="NaT"):
        tiny_model.disaggregate(pd.Series(mains, index=TIMES.where(np.arange(200) != 0)))


@pytest.mark.parametrize(
    "series",
    [
        np.zeros((100, 2)),
        np.float32(5),
        np.array(5.0),
        [[1, 2], [3]],
        ["1", "two"],
        [1.0, "0,5"],
        np.array([b"x"]),
        pd.Series(["1", "two"]),
        pd.Series([1.0, "two"]),
        pd.Series([pd.Timestamp(0)]),
        pd.Series([object()]),
        pl.Series(["1", "two"]),
        pl.Series([[1, 2], [3, 4]]),
        pl.Series([True, False]),
        np.array([0, 6], dtype="datetime64[s]"),
        np.ones(40, dtype=complex),
        [object()],
        "mains.csv",
        None,
        5.0,
        {"mains": [1.0]},
        pd.DataFrame({"mains": [1.0]}),
        pl.DataFrame({"mains": [1.0]}),
        torch.zeros(100),
        (w for w in [1.0, 2.0]),
    ],
    ids=lambda series: f"{type(series).__name__}",
)
def test_what_is_no_series_of_numbers_is_refused_in_one_line(tiny_model: Model, series: Any):
    with pytest.raises(DataError) as caught:
        tiny_model.disaggregate(series)
    assert "mains" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_predicting_leaves_the_network_in_the_mode_it_was_in(tiny: Architecture, mains: np.ndarray):
    model = Model.untrained("kettle", 6.0, tiny.model_copy(update={"dropout": 0.5}))
    for training in (True, False):
        model.network.train(training)
        first, second = model.disaggregate(mains), model.disaggregate(mains)
        np.testing.assert_array_equal(first, second)
        assert model.network.training is training


@pytest.mark.parametrize("absurd", [np.inf, -np.inf, 1e300, 1e9, -1e6])
@pytest.mark.parametrize("kind", [list, np.array, pl.Series, lambda w: pd.Series(w, index=TIMES)])
def test_absurd_readings_of_a_series_are_gaps(
    tiny_model: Model, mains: np.ndarray, kind: Callable[[Any], Any], absurd: float
):
    spoilt, gappy = mains.astype(np.float64), mains.astype(np.float64)
    spoilt[60], gappy[60] = absurd, NAN
    expected = tiny_model.disaggregate(kind(gappy))
    with pytest.warns(UserWarning, match="the series: 1 reading of 'mains' made gaps: "):
        predictions = tiny_model.disaggregate(kind(spoilt))
    np.testing.assert_array_equal(
        np.asarray(predictions, dtype=np.float32), np.asarray(expected, dtype=np.float32)
    )


def test_an_absurd_reading_is_no_part_of_a_mean(tiny_model: Model):
    steady = pd.Series(
        np.full(400, 300.0), index=pd.date_range("2024-03-31", periods=400, freq="6s")
    )
    times = steady.index.append(steady.index[200:201] + pd.Timedelta("1s"))
    doubled = pd.Series(np.append(steady.to_numpy(), 150_000.0), index=times).sort_index()
    with pytest.warns(UserWarning, match="1 reading .* more than a house can draw"):
        predictions = tiny_model.disaggregate(doubled).drop(doubled.index[201])
    np.testing.assert_allclose(predictions, tiny_model.disaggregate(steady), rtol=1e-5, atol=0.01)
