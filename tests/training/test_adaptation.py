"""Adaptation: a home's own events teach, checks without labels decide, and nothing else changes."""

from typing import Any

import numpy as np
import pytest
import torch

from seq2point.appliances import find_appliance
from seq2point.configuration import AdaptOptions
from seq2point.errors import DataError, UsageError
from seq2point.events import EventSettings
from seq2point.model.model_file import Model
from seq2point.network import Architecture
from seq2point.recording import Recording
from seq2point.training import train_with_history
from seq2point.training.adaptation import adapt
from seq2point.training.joined_models import join_models
from seq2point.training.self_made_tests import (
    compare_power,
    cut_activations_w,
    make_tests,
    measure_error,
)

SHAPE = Architecture(window=33, channels=(4, 4), kernels=(5, 3), hidden=8)
KETTLE = find_appliance("kettle")
PERIOD_S = 60.0
QUICK: dict[str, Any] = {
    "steps": 120,
    "progress": False,
    "chunk": 200,
    "batch_size": 1600,
    "learning_rate": 0.01,
    "threads": 1,
}


def home(seed: int, days: float = 8, kettle_w: float = 2500.0, per_day: float = 12) -> Recording:
    """Kettles of four minutes and heaters of half an hour at random times, over a noisy base."""
    rng = np.random.default_rng(seed)
    samples = round(days * 1440)
    power_w, other_w = np.zeros(samples, np.float32), np.zeros(samples, np.float32)
    for at in rng.integers(20, samples - 60, round(per_day * days)):
        power_w[at : at + 4] = kettle_w
    for at in rng.integers(20, samples - 60, round(4 * days)):
        other_w[at : at + 30] = 1500
    noise_w = rng.normal(0, 10, samples).astype(np.float32)
    return Recording(str(seed), PERIOD_S, power_w + other_w + 200 + noise_w, {"kettle": power_w})


def mains_of(house: Recording) -> Recording:
    return Recording(house.house, house.period_s, house.mains_w)


@pytest.fixture(autouse=True)
def few_simulated_houses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seq2point.training.self_made_tests.SIMULATED_HOUSES", 2)


@pytest.fixture(scope="module")
def kettle() -> Model:
    """A model that predicts two thirds of the power, as networks do in strange homes."""
    model = train_with_history(home(1), "kettle", network=SHAPE, **QUICK).model
    offset = model.scale.appliance_mean_w[0] / model.scale.appliance_std_w[0]
    with torch.no_grad():
        output = model.network.output
        output.weight.mul_(2 / 3)
        output.bias.add_(offset).mul_(2 / 3).sub_(offset)
    return model


def options(**changes: Any) -> AdaptOptions:
    return AdaptOptions.of(**QUICK | changes)


def mae_w(model: Model, house: Recording) -> float:
    error_w = model.predict_w(house)[:, 0] - house.appliance_w("kettle")
    return float(np.nanmean(np.abs(error_w)))


@pytest.fixture(scope="module")
def weak() -> Recording:
    """A home whose kettle is of another make."""
    return home(2, days=12, kettle_w=2300.0)


def test_a_home_of_another_make_is_learned_without_its_labels(kettle: Model, weak: Recording):
    before = kettle.digest()
    adaptation = adapt(kettle, mains_of(weak), options())
    assert adaptation.kept, adaptation.reason
    assert kettle.digest() == before != adaptation.model.digest()
    assert mae_w(adaptation.model, weak) < 0.8 * mae_w(kettle, weak)
    record = adaptation.model.provenance["adapted"]
    assert (record["kept"], record["transductive"], record["from"]) == (True, True, before)
    assert record["self_made"]["own"]["after"]["nde"] < record["self_made"]["own"]["before"]["nde"]
    assert record["stability"]["cycle_f1"] >= 0.7


def test_labels_are_not_looked_at_and_equal_options_give_equal_weights(
    kettle: Model, weak: Recording
):
    few = options(steps=4)
    labelled, bare = (adapt(kettle, each, few) for each in (weak, mains_of(weak)))
    assert labelled.figures == bare.figures
    assert labelled.model.digest() == bare.model.digest()


def test_without_a_gain_the_model_stays_and_says_why(kettle: Model, weak: Recording):
    adaptation = adapt(kettle, mains_of(weak), options(steps=1, learning_rate=1e-9))
    assert not adaptation.kept
    assert adaptation.reason.startswith("no gain in the self-made tests: error")
    for name, weight in kettle.network.state_dict().items():
        assert torch.equal(adaptation.model.network.state_dict()[name], weight)
    record = adaptation.model.provenance["adapted"]
    assert (record["kept"], record["transductive"]) == (False, False)
    assert adaptation.model.provenance["training"] == kettle.provenance["training"]


def test_a_home_with_few_events_keeps_the_model(kettle: Model):
    adaptation = adapt(kettle, mains_of(home(3, per_day=0.5)), options())
    assert not adaptation.kept
    assert adaptation.reason.startswith("too few events to learn from: ")
    assert adaptation.figures["activations"]["training"] < 5


def test_a_last_part_with_few_events_keeps_the_model(kettle: Model, weak: Recording):
    mains_w = weak.mains_w.copy()
    mains_w[-len(mains_w) // 5 :] = 200
    adaptation = adapt(kettle, Recording("quiet", PERIOD_S, mains_w), options())
    assert adaptation.reason == "too few events in the last part to check on: 0 activations"


def test_event_settings_stay_with_the_model(kettle: Model, weak: Recording):
    events = {"kettle": EventSettings(min_share=0.4)}
    result = adapt(kettle, mains_of(weak), options(steps=1, learning_rate=1e-9), events).model
    assert result.provenance["events"] == {"kettle": events["kettle"].model_dump()}
    bare = adapt(kettle, mains_of(weak), options(steps=1, learning_rate=1e-9)).model
    assert "events" not in bare.provenance


def test_what_cannot_be_adapted_is_refused(kettle: Model, weak: Recording):
    with pytest.raises(DataError, match="has only 2 days of mains; adapting needs at least 3"):
        adapt(kettle, mains_of(home(4, days=2)))
    with pytest.raises(DataError, match="no event of the mains is the kettle's"):
        adapt(kettle, Recording("dark", PERIOD_S, np.full(10000, 200, np.float32)))
    with pytest.raises(DataError, match="a reading every 30 s, the model needs one every 60 s"):
        adapt(kettle, Recording("fast", 30.0, weak.mains_w))
    microwave = Model.untrained("microwave", PERIOD_S, SHAPE)
    microwave.network.load_state_dict(kettle.network.state_dict())
    both = join_models([kettle, microwave])
    with pytest.raises(UsageError, match="a model of several appliances"):
        adapt(both, mains_of(weak))
    with pytest.raises(UsageError, match="fridge: cannot be decided by event"):
        adapt(Model.untrained("fridge", PERIOD_S, SHAPE), mains_of(weak))
    with pytest.raises(UsageError, match="hold_out"):
        options(hold_out=0.0)


def test_a_self_made_test_knows_what_was_put_into_quiet_hours(weak: Recording):
    activations_w = cut_activations_w(weak.appliance_w("kettle"), KETTLE, PERIOD_S)
    quiet = weak.appliance_w("kettle") == 0
    tests = list(make_tests(weak, KETTLE, activations_w, seed=0))
    assert tests
    for test in tests:
        truth_w = test.appliance_w("kettle")
        assert np.array_equal(~np.isnan(truth_w), quiet)
        put_w = np.nan_to_num(truth_w)
        np.testing.assert_allclose(test.mains_w, weak.mains_w + put_w)
        assert {round(float(watts)) for watts in np.unique(put_w)} == {0, 2300}

    class Perfect:
        def predict_w(self, test: Recording) -> Any:
            return test.appliance_w("kettle")[:, None]

    assert measure_error(Perfect(), tests, KETTLE).total == 0  # type: ignore[arg-type]


def test_a_home_without_quiet_hours_has_no_error(kettle: Model):
    busy_w = np.full(5000, 2000, np.float32)
    busy = Recording("busy", PERIOD_S, busy_w, {"kettle": busy_w})
    tests = list(make_tests(busy, KETTLE, [busy_w[:4]], seed=0))
    assert np.isinf(measure_error(kettle, tests, KETTLE).total)


def test_agreement_is_of_cycles_and_energy():
    one_w = np.zeros(100, np.float32)
    one_w[[10, 11, 12, 50, 51, 52]] = 2500
    half_w = np.where(np.arange(100) < 30, one_w, 0).astype(np.float32)
    off_w = np.full(100, np.nan, np.float32)
    assert compare_power(one_w, one_w, KETTLE, 60.0) == (1.0, 1.0)
    assert compare_power(off_w, off_w, KETTLE, 60.0) == (1.0, 1.0)
    assert compare_power(one_w, half_w, KETTLE, 60.0) == pytest.approx((2 / 3, 0.5))
    assert compare_power(one_w, off_w, KETTLE, 60.0) == (0.0, 0.0)
