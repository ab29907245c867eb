"""The reference day as people hold it in Python: predicted as it stands, or refused in one line.

Every row goes through `Model.disaggregate` and through NILMTK's interface.
"""

import re
import warnings
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from tests.data.right_readings import DAY_W, KETTLE_W

from seq2point import DataError, Model, UsageError
from seq2point.nilmtk import Seq2Point

TIMES = pd.date_range("2023-11-05", periods=len(DAY_W), freq="60s", tz="UTC")
DAY = pd.Series(DAY_W, index=TIMES)
SOLAR = DAY - 500
MISSING = DAY.copy()
MISSING.iloc[300:900] = -1
FINE = pd.date_range("2023-11-05", periods=len(DAY_W), freq="6s")


class Held(NamedTuple):
    """A series, what it means in watts (NaN is a gap), and what a refusal says; either may be None.

    Where both are given, either will do.
    """

    series: pd.Series
    means: pd.Series | None = None
    refusal: str | None = None


HELD = {
    "the day": Held(DAY, DAY),
    "net of solar power": Held(SOLAR, SOLAR.where(SOLAR >= -1), "(?i)zero|negative"),
    "kilowatts": Held(DAY / 1000, None, "(?i)kilowatt|unit"),
    "-1 for ten hours": Held(MISSING, MISSING.where(MISSING >= 0)),
    "a counter in Wh": Held((DAY / 60).cumsum(), None, "(?i)counter|energy"),
    "numbers as text": Held(DAY.astype(str), DAY, "(?i)text|number"),
    "Decimal": Held(DAY.map(lambda power_w: Decimal(f"{power_w:.1f}")), DAY, "(?i)number|Decimal"),
    "masked by None": Held(
        MISSING.astype(object).where(MISSING >= 0, None), MISSING.where(MISSING >= 0)
    ),
    "int16": Held(DAY.astype("int16"), DAY),
    "nullable": Held(MISSING.where(MISSING >= 0).astype("Float64"), MISSING.where(MISSING >= 0)),
    "Arrow": Held(DAY.astype("double[pyarrow]"), DAY),
    "an index of text": Held(DAY.set_axis(TIMES.strftime("%Y-%m-%d %H:%M:%S")), DAY, "(?i)index"),
    "an index of objects": Held(DAY.set_axis(TIMES.astype(object)), DAY, "(?i)index"),
    "an index of periods": Held(DAY.set_axis(TIMES.tz_localize(None).to_period("min")), DAY),
    "6 s in an index of times": Held(DAY.set_axis(FINE), None, "every 6 s"),
    "6 s in an index of text": Held(
        DAY.set_axis(FINE.strftime("%Y-%m-%d %H:%M:%S")), None, "every 6 s|index"
    ),
    "6 s in an index of objects": Held(DAY.set_axis(FINE.astype(object)), None, "every 6 s"),
    "times that go back": Held(DAY.iloc[::-1], None, "(?i)back|sort"),
    "repeated times": Held(DAY.set_axis(TIMES[:720].repeat(2)), None, "(?i)repeat"),
}


@cache
def load_kettle() -> Model:
    return Model.pretrained("kettle", 60)


def disaggregate_series(series: pd.Series) -> pd.Series:
    return load_kettle().disaggregate(series)


def disaggregate_frame(series: pd.Series) -> pd.Series:
    frame = series.to_frame()
    frame.columns = pd.MultiIndex.from_tuples([("power", "active")])
    run = Seq2Point.of_models({"kettle": load_kettle()})
    (predictions,) = run.disaggregate_chunk([frame])
    return predictions["kettle"]


def attempt(call: Callable[[], Any]) -> tuple[Any, str]:
    """Return what a call returns, or None and the message of its refusal."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            return call(), ""
        except (DataError, UsageError) as error:
            return None, str(error)


@pytest.mark.parametrize("disaggregate", [disaggregate_series, disaggregate_frame])
@pytest.mark.parametrize("name", HELD)
def test_a_series_is_predicted_as_it_stands_or_refused_in_one_line(
    name: str, disaggregate: Callable[[pd.Series], pd.Series]
) -> None:
    series, means, refusal = HELD[name]
    power_w, message = attempt(lambda: disaggregate(series))
    if power_w is None:
        assert refusal is not None, message
        assert re.search(refusal, message), message
        assert "\n" not in message
        return
    assert means is not None, "it is predicted; a refusal was expected"
    pd.testing.assert_index_equal(power_w.index, series.index)
    expected_w = disaggregate(means)
    np.testing.assert_allclose(
        power_w.to_numpy(dtype=float), expected_w.to_numpy(dtype=float), atol=0.5
    )


QUICK = {"sequence_length": 31, "n_epochs": 1, "batch_size": 64, "network": "reduced", "threads": 1}


def make_frame(watts: Any) -> pd.DataFrame:
    columns = pd.MultiIndex.from_tuples([("power", "active")])
    return pd.DataFrame(np.asarray(watts, dtype=float), TIMES, columns)


def fit(mains: list[pd.DataFrame], kettle: list[pd.DataFrame]) -> Seq2Point:
    run = Seq2Point(QUICK)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        run.partial_fit(mains, [("kettle", kettle)])
    return run


@pytest.mark.parametrize("name", ["kilowatts", "a counter in Wh"])
def test_chunks_that_are_no_watts_are_refused_by_number(name: str) -> None:
    good, kettle = make_frame(DAY), make_frame(KETTLE_W)
    bad = make_frame(HELD[name].series)
    with pytest.raises((DataError, UsageError), match=r"chunk 1\b[^\n]*$"):
        fit([good, bad], [kettle, kettle])


@pytest.mark.parametrize("name", ["net of solar power", "-1 for ten hours"])
def test_what_is_no_reading_is_not_learned_from(name: str) -> None:
    series, means, _ = HELD[name]
    assert means is not None
    good, kettle = make_frame(DAY), make_frame(KETTLE_W)
    run, message = attempt(lambda: fit([good, make_frame(series)], [kettle, kettle]))
    if run is None:
        assert "chunk 1" in message
        return
    expected = fit([good, make_frame(means)], [kettle, kettle])
    (power_w,) = run.disaggregate_chunk([good])
    (expected_w,) = expected.disaggregate_chunk([good])
    pd.testing.assert_frame_equal(power_w, expected_w)


def test_an_empty_building_is_left_out() -> None:
    good, kettle = make_frame(DAY), make_frame(KETTLE_W)
    run = fit([good, good.iloc[:0]], [kettle, kettle.iloc[:0]])
    (power_w,) = run.disaggregate_chunk([good])
    assert len(power_w) == len(good)
    with pytest.raises((DataError, UsageError)):
        fit([good.iloc[:0]], [kettle.iloc[:0]])
