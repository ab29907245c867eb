"""Where the errors of a test are: by the hour of the day, by activation, on a few whole days."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from seq2point import Model, Recording, evaluate
from seq2point.appliances import find_appliance
from seq2point.metrics import ScoredStretch
from seq2point.model.error_details import MOST_ACTIVATIONS, measure_activations, measure_by_hour
from seq2point.model.shown_days import SCHEMA, write_days

MINUTE_S, DAY = 60.0, 1440
KETTLE = find_appliance("kettle")
WINTER, SUMMER = datetime(2025, 1, 6, tzinfo=UTC), datetime(2025, 7, 7, tzinfo=UTC)


def make_stretch(truth_w: np.ndarray, estimate_w: np.ndarray, start: datetime) -> ScoredStretch:
    times_s = start.timestamp() + MINUTE_S * np.arange(len(truth_w))
    return ScoredStretch(truth_w.astype(np.float32), estimate_w.astype(np.float32), times_s)


def test_errors_are_those_of_each_hour_and_unknown_hours_have_none():
    truth_w, estimate_w = np.zeros(120), np.full(120, 10.0)
    truth_w[60:90] = 100
    by_hour = measure_by_hour([make_stretch(truth_w, estimate_w, WINTER)])
    assert by_hour["mae_w"][:3] == [10.0, 50.0, None]
    assert by_hour["truth_w"][:2] == [0.0, 50.0]
    assert by_hour["estimate_w"][:2] == [10.0, 10.0]
    assert {len(each) for each in by_hour.values()} == {24}


def test_hours_are_those_of_the_zone():
    stretch = make_stretch(np.ones(60), np.zeros(60), SUMMER)
    by_hour = measure_by_hour([stretch], ZoneInfo("Europe/London"))
    assert [hour for hour, error in enumerate(by_hour["mae_w"]) if error is not None] == [1]


def test_the_energy_of_each_activation_is_beside_what_was_estimated_in_it():
    truth_w, estimate_w = np.zeros(300), np.zeros(300)
    truth_w[10:16], truth_w[100:103] = 2500, 3000
    estimate_w[12:40] = 2000
    activations = measure_activations([make_stretch(truth_w, estimate_w, WINTER)], KETTLE, MINUTE_S)
    assert activations == {
        "count": 2,
        "truth_wh": [250.0, 150.0],
        "estimate_wh": [round(4 * 2000 / 60, 1), 0.0],
    }


def test_of_many_activations_some_are_kept():
    truth_w = np.where(np.arange(3000) % 10 < 2, 2500.0, 0.0)
    activations = measure_activations([make_stretch(truth_w, truth_w, WINTER)], KETTLE, MINUTE_S)
    assert activations["count"] == 300
    assert len(activations["truth_wh"]) == MOST_ACTIVATIONS


@pytest.fixture
def week(make_recording: Callable[..., Recording]) -> Recording:
    """Seven days at a minute: of the second the truth is unknown, on the fifth the kettle boils
    most.
    """
    kettle = np.zeros(7 * DAY)
    for day, boils in enumerate((3, 9, 1, 2, 6, 4, 0)):
        for boil in range(boils):
            first = day * DAY + 100 + 60 * boil
            kettle[first : first + 3] = 2500
    mains = kettle + 200
    kettle[DAY : 2 * DAY] = np.nan
    mains[100] = np.nan
    return make_recording(mains, house="2", period_s=60.0, start=WINTER, kettle=kettle)


@pytest.fixture
def model(tiny_model: Model) -> Model:
    return Model.untrained("kettle", 60.0, tiny_model.architecture)


def test_the_days_are_those_of_most_and_of_usual_use_and_of_the_greatest_error(
    model: Model, week: Recording, tmp_path: Path
):
    evaluation = evaluate(model, [week])
    write_days(evaluation, tmp_path / "days.parquet")
    rows = pl.read_parquet(tmp_path / "days.parquet")
    assert dict(rows.schema) == SCHEMA
    starts = {
        reason: day["time"][0].day
        for (reason,), day in rows.group_by("day", maintain_order=True)
        for reason in str(reason).split(", ")
    }
    assert starts["most use"] == 10
    assert starts["usual use"] == 6
    assert set(starts) == {"most use", "usual use", "greatest error"}
    busiest = rows.filter(pl.col("day").str.contains("most use"))
    span = slice(4 * DAY, 5 * DAY)
    assert busiest["mains_w"].to_list() == week.mains_w[span].tolist()
    assert busiest["truth_w"].to_list() == week.appliance_w("kettle")[span].tolist()
    predicted_w = np.maximum(evaluation.predictions_w[0][span, 0], 0)
    assert busiest["prediction_w"].to_numpy() == pytest.approx(predicted_w, abs=0.5)


def test_gaps_of_a_day_are_null(model: Model, make_recording: Callable[..., Recording]):
    from seq2point.model.shown_days import select_days

    mains = np.full(DAY, 200.0)
    mains[500:510] = np.nan
    house = make_recording(mains, period_s=60.0, start=WINTER, kettle=np.zeros(DAY))
    rows = select_days(evaluate(model, [house]))
    assert rows["day"].unique().to_list() == ["most use, usual use, greatest error"]
    assert rows["mains_w"].null_count() == 10
    assert rows["prediction_w"].null_count() > 10


def test_a_report_says_where_the_errors_are(model: Model, week: Recording):
    evaluation = evaluate(model, [week])
    report = evaluation.as_json()
    known = [hour for hour in report["by_hour"]["mae_w"] if hour is not None]
    assert np.mean(known) == pytest.approx(report["metrics"]["mae_w"], rel=0.05)
    assert report["activations"]["count"] == 16
