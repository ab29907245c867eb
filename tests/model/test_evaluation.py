"""A model is scored on recordings beside the zero and the mean predictor, on what can be scored and
nothing else.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_absolute_error

from seq2point import Architecture, DataError, Model, Recording, evaluate
from seq2point.appliances import find_appliance
from seq2point.configuration.columns import FILL
from seq2point.recording.coverage import Coverage
from seq2point.recording.scaling import Scale

NAN = np.nan
LATER = datetime(2024, 12, 1, tzinfo=UTC)
HALF = 16


@pytest.fixture(scope="module")
def house(make_recording: Callable[..., Recording]) -> Recording:
    rng = np.random.default_rng(5)
    kettle = np.zeros(600)
    for first in (60, 200, 420):
        kettle[first : first + 20] = 2500
    mains = kettle + rng.uniform(50, 300, 600)
    mains[300:305], kettle[450:460] = NAN, NAN
    return replace(
        make_recording(mains, house="refit 2", kettle=kettle, jumps=[(500, LATER)]), fill=0
    )


def find_predictable(house: Recording) -> np.ndarray:
    """Return where a full window of 33 is centred and the truth is known: bool[T]."""
    there = ~np.isnan(house.mains_w)
    windows = [
        all(there[i - HALF : i + HALF + 1])
        and HALF <= i < len(house) - HALF
        and not i - HALF < 500 <= i + HALF
        for i in range(len(house))
    ]
    return np.array(windows) & ~np.isnan(house.appliance_w("kettle"))


def test_the_baselines_are_the_constants_zero_and_mean(tiny_model: Model, house: Recording):
    truth = house.appliance_w("kettle")[find_predictable(house)].astype(float)
    baselines = evaluate(tiny_model, [house]).baselines
    zero, mean = (baselines[name]["kettle"] for name in ("zero", "mean"))
    on = truth > 2000
    for metrics, constant in ((zero, 0.0), (mean, truth.mean())):
        assert metrics["mae_w"] == pytest.approx(np.abs(truth - constant).mean(), rel=1e-5)
        assert metrics["on_mae_w"] == pytest.approx(np.abs(truth - constant)[on].mean(), rel=1e-5)
        assert metrics["nde"] == pytest.approx(
            ((truth - constant) ** 2).sum() / (truth**2).sum(), rel=1e-5
        )
        assert metrics["sae"] == pytest.approx(
            abs(constant * len(truth) - truth.sum()) / truth.sum(), abs=1e-5
        )
        assert (metrics["f1"], metrics["recall"], metrics["event_f1"]) == (0, 0, 0)
        assert metrics["accuracy"] == pytest.approx(1 - on.mean())


def test_the_mean_is_that_of_the_training_where_the_model_knows_it(
    tiny_model: Model, house: Recording
):
    tiny_model.provenance = {"training_mean_w": {"kettle": 40.0}}
    truth = house.appliance_w("kettle")[find_predictable(house)].astype(float)
    assert evaluate(tiny_model, [house]).baselines["mean"]["kettle"]["mae_w"] == pytest.approx(
        np.abs(truth - 40).mean(), rel=1e-5
    )


def test_only_samples_with_a_prediction_and_a_truth_are_scored(tiny_model: Model, house: Recording):
    evaluation = evaluate(tiny_model, [house])
    (predictions,) = evaluation.predictions_w
    scored = find_predictable(house)
    np.testing.assert_array_equal(
        ~np.isnan(predictions[:, 0]) & ~np.isnan(house.appliance_w("kettle")), scored
    )
    expected = mean_absolute_error(house.appliance_w("kettle")[scored], predictions[scored, 0])
    assert evaluation.metrics["kettle"]["mae_w"] == pytest.approx(expected, rel=1e-5)


def test_a_truth_beyond_a_gap_changes_nothing(tiny_model: Model, house: Recording):
    kettle = house.appliance_w("kettle").copy()
    kettle[~find_predictable(house) & ~np.isnan(kettle)] = 3000
    altered = replace(house, appliances_w={"kettle": kettle})
    assert evaluate(tiny_model, [altered]).metrics == evaluate(tiny_model, [house]).metrics


def test_several_houses_are_scored_as_one(tiny_model: Model, house: Recording):
    both = [house.slice(0, 300), house.slice(305, 500)]
    each = [evaluate(tiny_model, [part]).metrics["kettle"]["mae_w"] for part in both]
    sizes = [find_predictable(house)[part].sum() for part in (slice(0, 300), slice(305, 500))]
    assert evaluate(tiny_model, both).metrics["kettle"]["mae_w"] == pytest.approx(
        np.average(each, weights=sizes), rel=1e-5
    )


def test_both_engines_score_the_same(tiny_model: Model, house: Recording):
    sliding, windows = (
        evaluate(tiny_model, [house], engine).metrics["kettle"] for engine in ("sliding", "windows")
    )
    assert {name: value or 0 for name, value in sliding.items()} == pytest.approx(
        {name: value or 0 for name, value in windows.items()}, rel=1e-4
    )


def test_days_are_of_the_zone_that_is_given(
    tiny_model: Model, make_recording: Callable[..., Recording]
):
    watts = np.random.default_rng(0).uniform(0, 3000, 1200)
    start = datetime(2024, 1, 1, 23, tzinfo=UTC)
    late = make_recording(watts, kettle=watts, start=start)
    in_utc, in_paris = (
        evaluate(tiny_model, [late], zone=zone).metrics["kettle"]
        for zone in (None, ZoneInfo("Europe/Paris"))
    )
    differ = {name for name in in_utc if in_utc[name] != in_paris[name]}
    assert differ == {"energy_per_day_wh"}


def test_another_sampling_period_is_refused(
    tiny_model: Model, make_recording: Callable[..., Recording]
):
    watts = np.full(100, 500.0)
    with pytest.raises(
        DataError,
        match=r"home has a reading every 8 s, the model was trained at 6 s; resample the readings",
    ):
        evaluate(tiny_model, [make_recording(watts, kettle=watts, period_s=8.0)])
    assert evaluate(tiny_model, [make_recording(watts, kettle=watts, period_s=6.05)]).metrics


def test_a_house_without_the_appliance_is_refused(
    tiny_model: Model, house: Recording, make_recording: Callable[..., Recording]
):
    other = make_recording(np.full(100, 500.0), house="refit 3", fridge=np.full(100, 80.0))
    with pytest.raises(
        DataError, match=r"refit 3: has no column for 'kettle' \(appliances here: fridge\)"
    ):
        evaluate(tiny_model, [house, other])


@pytest.mark.parametrize(
    "spoil",
    [lambda r: r.slice(0, 32), lambda r: r.slice(450, 460), lambda r: r.slice(0, 0)],
    ids=["short", "no truth", "empty"],
)
def test_nothing_to_score_is_refused(
    tiny_model: Model, house: Recording, spoil: Callable[[Recording], Recording]
):
    with pytest.raises(DataError, match=r"refit 2: nothing to score: no stretch of 33 samples"):
        evaluate(tiny_model, [spoil(house)])


def test_no_recording_at_all_is_refused(tiny_model: Model):
    with pytest.raises(DataError, match="nothing to score: give at least one recording"):
        evaluate(tiny_model, [])


def test_the_report_is_json_with_plain_metrics_for_one_appliance(
    tiny_model: Model, house: Recording
):
    evaluation = evaluate(tiny_model, [house])
    report = json.loads(json.dumps(evaluation.as_json(), allow_nan=False))
    assert report["metrics"] == evaluation.metrics["kettle"]
    assert report["baselines"].keys() == {"zero", "mean"}
    assert report["baselines"]["zero"].keys() == report["metrics"].keys()
    (data,) = report["data"]
    assert data.pop("coverage") == report["coverage"]
    assert data.pop("sha256") == house.fingerprint("kettle")["sha256"]
    assert data == {"house": "refit 2", "samples": 600, "days": 0.04, "period_s": 6.0}
    assert report["model"]["appliances"] == ["kettle"]


def test_the_report_of_several_appliances_has_metrics_by_appliance(
    tiny: Architecture, make_recording: Callable[..., Recording]
):
    appliances = (find_appliance("kettle"), find_appliance("fridge"))
    model = Model(
        tiny.model_copy(update={"outputs": 2}).build(), Scale.published(appliances), appliances, 6.0
    )
    watts = np.random.default_rng(0).uniform(0, 3000, 200)
    evaluation = evaluate(model, [make_recording(watts, kettle=watts, fridge=watts / 10)])
    report = evaluation.as_json()
    assert report["metrics"].keys() == report["baselines"]["mean"].keys() == {"kettle", "fridge"}
    fridge = evaluation.predictions_w[0][:, 1]
    known = ~np.isnan(fridge)
    expected = mean_absolute_error(watts[known] / 10, fridge[known])
    assert report["metrics"]["fridge"]["mae_w"] == pytest.approx(expected, rel=1e-4)


def test_with_a_stride_every_so_many_th_sample_of_each_stretch_is_scored_as_if_read_so_seldom(
    tiny_model: Model, house: Recording
):
    evaluation = evaluate(tiny_model, [house], stride=4)
    known = find_predictable(house)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], known, [False]))))
    kept = np.concatenate(
        [np.arange(first, end, 4) for first, end in zip(edges[::2], edges[1::2], strict=True)]
    )
    error = (evaluation.predictions_w[0][kept, 0] - house.appliance_w("kettle")[kept]).astype(float)
    assert evaluation.metrics["kettle"]["mae_w"] == pytest.approx(np.abs(error).mean(), rel=1e-5)
    energy, every = (
        evaluate(tiny_model, [house], stride=s).metrics["kettle"]["energy_per_day_wh"]
        for s in (4, 1)
    )
    assert energy == pytest.approx(every, rel=0.3)


def test_a_missing_reading_of_the_truth_ends_no_activation(
    tiny_model: Model, make_recording: Callable[..., Recording]
):
    kettle = np.zeros(600)
    kettle[200:240] = 2500
    mains = kettle + 100
    whole = evaluate(tiny_model, [make_recording(mains, kettle=kettle)])
    kettle[220] = NAN
    gappy = evaluate(tiny_model, [make_recording(mains, kettle=kettle)])
    for metric in ("event_recall", "event_precision", "recall"):
        assert gappy.metrics["kettle"][metric] == pytest.approx(
            whole.metrics["kettle"][metric], abs=0.03
        )
    (coverage,) = gappy.coverage["kettle"]
    assert coverage.bridged_readings == 1
    assert coverage.scored_days * 14400 == pytest.approx(600 - 32 - 1)


def test_the_report_says_how_much_of_each_recording_was_predicted_and_scored(
    tiny_model: Model, make_recording: Callable[..., Recording]
):
    mains, kettle = np.full(14400, 500.0), np.zeros(14400)
    mains[1000:1003] = NAN
    mains[5000:8000] = NAN
    kettle[10_000:11_000] = NAN
    gappy, whole = (
        make_recording(mains, kettle=kettle),
        make_recording(np.full(14400, 500.0), kettle=np.zeros(14400)),
    )
    report = evaluate(tiny_model, [gappy, whole]).as_json()
    first, second = (data["coverage"] for data in report["data"])
    unknown = 3000 - FILL + 32
    assert first["predicted_days"] * 14400 == pytest.approx(14400 - 32 - unknown, abs=2)
    assert first["scored_days"] * 14400 == pytest.approx(14400 - 32 - unknown - 1000, abs=2)
    assert (first["filled_readings"], second["filled_readings"]) == (3 + FILL, 0)
    assert report["coverage"]["days"] == 2
    assert report["coverage"]["scored"] == pytest.approx(
        (first["scored_days"] + second["scored_days"]) / 2, abs=1e-3
    )


@pytest.mark.parametrize("period_s", [6.0, 60.0])
def test_one_reading_in_ten_missing_leaves_all_windows_whole(
    tiny_model: Model, make_recording: Callable[..., Recording], period_s: float
):
    tiny_model.period_s = period_s
    mains, kettle = np.full(5000, 500.0), np.zeros(5000)
    mains[np.random.default_rng(0).random(5000) < 0.1] = NAN
    house = make_recording(mains, kettle=kettle, period_s=period_s)
    shares = [
        Coverage.combine(evaluate(tiny_model, [replace(house, fill=fill)]).coverage["kettle"]).share
        for fill in (FILL, 1)
    ]
    assert shares[0] > 0.99
    assert shares[1] < 0.9


@pytest.mark.parametrize(
    ("bias", "message"),
    [
        (
            -700.0,
            (
                "This model does not find the kettle: F1 is 0.00, and its MAE is 306.7 W, that of"
                " always saying off 306.7 W."
            ),
        ),
        (
            3000.0,
            (
                "This model is no better than always saying that the kettle is off: its MAE is"
                " 2,693.3 W, that of"
            ),
        ),
    ],
    ids=["always off", "always on"],
)
def test_a_model_that_is_no_better_than_always_off_is_said_to_be(
    tiny_model: Model, house: Recording, bias: float, message: str
):
    with torch.no_grad():
        tiny_model.network.output.weight.zero_()
        tiny_model.network.output.bias.fill_(
            (bias - tiny_model.scale.appliance_mean_w[0]) / tiny_model.scale.appliance_std_w[0]
        )
    (sentence,) = evaluate(tiny_model, [house]).as_json()["warnings"]
    assert sentence.startswith(message)


def test_data_in_which_the_appliance_is_never_on_are_said_to_show_little(
    tiny_model: Model, make_recording: Callable[..., Recording]
):
    off = make_recording([200.0] * 1000, kettle=[0.0] * 1000)
    assert evaluate(tiny_model, [off]).warnings() == [
        "The kettle is never on in this data, which cannot show whether the model finds it."
    ]
