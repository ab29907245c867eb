"""A curve of a transfer: each point is the transfer it says, made once and found again; what cannot
run is refused.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2point.appliances import find_appliance
from seq2point.errors import DataError, UsageError
from seq2point.model.evaluation import evaluate
from seq2point.model.model_file import Model
from seq2point.network import Architecture
from seq2point.recording import Recording
from seq2point.report.transfer_curve import make_panel, make_report, save_plot
from seq2point.studies import ResultCache, transfer_curve
from seq2point.studies.transfer_curve import (
    AS_IT_IS,
    FROM_NOTHING,
    CurvePoint,
    TransferCurve,
    count_activations,
    cut_after_days,
)
from seq2point.training import train_with_history
from seq2point.training.transfer import transfer

SHAPE = Architecture(window=33, channels=(4, 4), kernels=(5, 3), hidden=8)
TRAINING: dict[str, Any] = {"steps": 6, "chunk": 40, "batch_size": 160, "learning_rate": 0.01}
KETTLE, MICROWAVE = find_appliance("kettle"), find_appliance("microwave")


def home(seed: int, days: int = 6) -> Recording:
    """A reading a minute: two kettles and two microwaves a day over a noisy base load; the first
    day's mains are missing.
    """
    rng = np.random.default_rng(seed)
    power = {
        "kettle": np.zeros(days * 1440, dtype=np.float32),
        "microwave": np.zeros(days * 1440, dtype=np.float32),
    }
    for day in range(days):
        for name, watts in (("kettle", 2500), ("microwave", 1200)):
            for hour in (2 * int(rng.integers(1, 6)), 12 + 2 * int(rng.integers(0, 5))):
                power[name][day * 1440 + hour * 60 :][: int(rng.integers(3, 8))] = watts
    mains_w = (sum(power.values()) + 200 + rng.normal(0, 15, days * 1440)).astype(np.float32)
    mains_w[:1440] = np.nan
    return Recording(str(seed), 60.0, mains_w, power, datetime(2025, 1, 1, tzinfo=UTC))


pytestmark = pytest.mark.filterwarnings(
    "ignore:only .* days have a full window"
)  # the homes have gaps


@pytest.fixture(scope="module")
def kettle() -> Model:
    return train_with_history(
        home(1), "kettle", network=SHAPE, progress=False, **(TRAINING | {"steps": 60})
    ).model


@pytest.fixture
def make(kettle: Model) -> Callable[..., TransferCurve]:
    def make(**changes: Any) -> TransferCurve:
        usual: dict[str, Any] = {"days": (0, 1, 2), "seeds": (0, 1), "training": TRAINING}
        return TransferCurve(
            **(
                {"model": kettle, "appliance": KETTLE, "train": home(2), "test": [home(3)]}
                | usual
                | changes
            )
        )

    return make


def test_each_point_is_the_transfer_that_it_says(
    make: Callable[..., TransferCurve], kettle: Model, tmp_path: Path
):
    done = dict(make(stagger=1).run(ResultCache(tmp_path)))
    assert set(done) == {CurvePoint(AS_IT_IS, 0, 0)} | {
        CurvePoint(choice, days, seed)
        for choice in ("none", "convolutions", "all-but-output", FROM_NOTHING)
        for days in (1, 2)
        for seed in (0, 1)
    }
    assert done[AS_IT_IS, 0, 0]["metrics"] == evaluate(kettle, [home(3)]).metrics["kettle"]
    for freeze in ("none", "convolutions", "all-but-output"):
        options: Any = {
            "freeze": freeze,
            "days": 2,
            "skip": 1,
            "hold_out": 0,
            "seed": 1,
            "progress": False,
            **TRAINING,
        }
        model = transfer(kettle, home(2), **options).model
        found = done[freeze, 2, 1]
        assert found["metrics"] == evaluate(model, [home(3)]).metrics["kettle"]
        assert found["start"] == "2025-01-03T00:00:00+00:00"
    assert done["none", 1, 0]["start"] == "2025-01-02T00:00:00+00:00"
    assert done["none", 1, 0]["on_states"] == 2
    assert len({result["metrics"]["nde"] for result in done.values()}) == len(done)


def test_a_curve_that_was_interrupted_goes_on_and_makes_nothing_twice(
    make: Callable[..., TransferCurve], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    made = []
    for name in ("transfer", "train_from_scratch"):
        own = getattr(transfer_curve, name)
        monkeypatch.setattr(
            transfer_curve,
            name,
            lambda *given, own=own, **options: made.append(1) or own(*given, **options),
        )

    def interrupt(line: str) -> None:
        if line.startswith("[4/"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make().run(ResultCache(tmp_path), interrupt)
    assert len(made) == 3
    lines: list[str] = []
    done = make().run(ResultCache(tmp_path), lines.append)
    assert len(made) == 16
    assert [line.endswith("(was there)") for line in lines] == [True] * 4 + [False] * 13
    assert lines[1].startswith("[2/17] all trained on, 1 day with 2 on-states, seed 0: MAE ")
    assert make().run(ResultCache(tmp_path)) == done
    make(training=TRAINING | {"steps": 7}, seeds=(1,), choices=("none",), days=(1,)).run(
        ResultCache(tmp_path)
    )
    assert len(made) == 17


@pytest.mark.filterwarnings("ignore:kettle is never on")
def test_the_report_has_every_metric_with_its_spread_and_tells_of_rare_states(
    make: Callable[..., TransferCurve], tmp_path: Path
):
    never = home(2)
    never.appliances_w["kettle"][: 2 * 1440] = 0
    of = make(train=never)
    found = make_report(of, of.run(ResultCache(tmp_path)))
    assert found["days"][0] == {
        "days": 1,
        "starts": ["2025-01-02T00:00:00+00:00"] * 2,
        "on_states": [0, 0],
    }
    assert "The kettle is never on in 1 day of labels." in found["notes"]
    point = next(p for p in found["points"] if (p["choice"], p["days"]) == ("convolutions", 2))
    assert {"mae_w", "on_mae_w", "sae", "f1", "nde"} <= set(point["metrics"])
    assert len(point["metrics"]["mae_w"]["values"]) == len(point["steps"]) == 2
    mae = point["metrics"]["mae_w"]
    rows = {
        line.split(" | ")[0]: line
        for line in found["markdown"].splitlines()
        if line.startswith("| ")
    }
    assert f"{mae['mean']:.2f} ± {mae['sd']:.2f} (" in rows["| 2 days"]
    assert rows["| 1 day"].split(" | ")[1] == "0"
    assert (
        rows["| zero predictor"].split(" | ")[2]
        == f"{found['baselines']['zero']['mae_w']:.2f} (1.00, 0.00)"
    )
    shown = make_panel(found, "mae_w", "MAE, W").lines
    assert shown["from nothing"].keys() == {1, 2}
    assert shown["convolutions frozen"].keys() == {0, 1, 2}
    save_plot(found, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").stat().st_size > 20_000


def test_another_appliance_has_no_point_without_days(
    make: Callable[..., TransferCurve], tmp_path: Path
):
    of = make(
        appliance=MICROWAVE, choices=("convolutions",), seeds=(0,), days=(0, 1), rescale="refit"
    )
    (point, result), *others = of.run(ResultCache(tmp_path))
    assert (point, others) == (CurvePoint("convolutions", 1, 0), [])
    assert result["metrics"]["mae_w"] > 0
    assert "mean predictor" in make_report(of, [(point, result)])["markdown"]


def test_what_follows_the_days_shares_no_reading_with_them(make: Callable[..., TransferCurve]):
    house = home(2)
    rest = cut_after_days(house, "kettle", 3, window=33)
    assert rest.start == datetime(2025, 1, 5, 0, 33, tzinfo=UTC)
    assert rest.times_s()[-1] == house.times_s()[-1]
    last = make(days=(2,), stagger=1).learned_from(CurvePoint("none", 2, 1))
    assert rest.times_s()[0] - last.times_s()[-1] == 34 * 60.0


def test_an_unknown_state_is_off():
    assert count_activations(home(2), KETTLE) == 12
    gone = home(2)
    gone.appliances_w["kettle"][1440:] = np.nan
    assert count_activations(gone, KETTLE) == 2


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        (
            {"days": (1, 9)},
            DataError,
            "house 2: holds 5 days of readings of kettle, the curve needs 9",
        ),
        ({"days": (1, 2), "skip": 2, "stagger": 3}, DataError, "the curve needs 7"),
        (
            {"days": (0.01,)},
            DataError,
            "no window of 33 samples without a gap in the 0.01 days after the first 0",
        ),
        (
            {"choices": ("wall",)},
            UsageError,
            "--freeze wall: choose none, convolutions or all-but-output",
        ),
        ({"training": {"steps": 0}}, UsageError, "steps 0: input should be greater than 0"),
        (
            {"training": {"steps": 1, "epochs": 1}},
            UsageError,
            "give one of `epochs`, `steps` and `budget_s`",
        ),
        (
            {"test": [replace(home(3), period_s=30.0)]},
            DataError,
            "house 3 has a reading every 30 s",
        ),
        (
            {"test": [home(3).slice(0, 1440)]},
            DataError,
            "nothing to test on: no window of 33 samples",
        ),
        ({"appliance": find_appliance("fridge")}, DataError, "has no column for 'fridge'"),
        (
            {"appliance": MICROWAVE},
            UsageError,
            "hidden units that are fresh for microwave must learn",
        ),
        (
            {"appliance": MICROWAVE, "days": (0,), "choices": ()},
            UsageError,
            "a curve needs days of labels",
        ),
    ],
)
def test_what_would_not_run_to_its_end_is_refused_before_any_training(
    make: Callable[..., TransferCurve],
    tmp_path: Path,
    changes: dict[str, Any],
    error: type[Exception],
    says: str,
):
    with pytest.raises(error, match=says):
        make(**changes).run(ResultCache(tmp_path))
    assert not list(tmp_path.iterdir())
