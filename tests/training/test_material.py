"""Simulated houses and traces: the mains stay the sum of what is on, a draw is a function of seed
and step, and a training with them learns, resumes and says what it lacks.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from seq2point.appliances import find_appliance
from seq2point.configuration import TrainingConfig
from seq2point.datasets.traces import Trace
from seq2point.errors import DataError, UsageError
from seq2point.network import Architecture
from seq2point.recording import Recording
from seq2point.recording.scaling import Scale
from seq2point.training import TrainingResult, simulated_houses
from seq2point.training.augmentation import Augmentation
from seq2point.training.houses import Houses
from seq2point.training.material import Distractors, Material, make_trace_houses
from seq2point.training.mixed_batches import MixedBatches
from seq2point.training.resolve import make_batches

Train = Callable[..., TrainingResult]
Stopped = Callable[..., None]

DISHWASHER = find_appliance("dishwasher")
SHAPE = Architecture(window=33, channels=(2,), kernels=(3,), hidden=2)
UNSCALED = Scale(mains_mean_w=0, mains_std_w=1, appliance_mean_w=(0,), appliance_std_w=(1,))
TRACE_W, REAL_W = 1234.0, 2000.0


def quiet_house(samples: int = 3000) -> Recording:
    """A dishwasher of one power on mains of 100 W, every ten minutes of a minute's readings."""
    power_w = np.where(np.arange(samples) % 100 < 20, REAL_W, 0).astype(np.float32)
    return Recording("1", 60.0, power_w + 100, {"dishwasher": power_w})


def trace(name: str = "dishwasher", power_w: float = TRACE_W) -> Trace:
    return Trace(name, "a", None, None, np.full(40, power_w, np.float32), 60.0)


def make_mixed(traces: list[Trace], engine: str = "sliding", **options: Any) -> MixedBatches:
    config = TrainingConfig.of(
        **{"engine": engine, "chunk": 60, "batch_size": 1200, "gain": 0.0} | options
        if engine == "sliding"
        else {"engine": engine, "batch_size": 400} | options
    )
    houses = Houses([quiet_house()], ["dishwasher"], SHAPE, UNSCALED, torch.device("cpu"))
    batches = make_batches(houses, config, DISHWASHER, traces)
    assert isinstance(batches, MixedBatches)
    return batches


@pytest.mark.parametrize("engine", ["sliding", "windows"])
def test_traces_and_houses_give_the_power_and_the_mains_hold_it(engine: str) -> None:
    options = {"traced": 0.5} | ({"transplant": 1.0} if engine == "sliding" else {})
    batches = make_mixed([trace()], engine, **options)
    levels: set[float] = set()
    for step in range(4):
        mains, target, usable = batches.gather(batches.draw(step))
        levels |= set(target[usable].unique().tolist())
        at = SHAPE.target_index
        mains_at_target = mains[:, at : at + target.shape[1], None]
        torch.testing.assert_close(
            (mains_at_target - target)[usable], torch.full_like(target, 100)[usable]
        )
    assert levels == {0.0, TRACE_W, REAL_W}


@pytest.fixture(autouse=True)
def few_and_short_houses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("FIRST", 2), ("ALIVE", 3), ("STEPS_PER_HOUSE", 5), ("DAYS", 1.0)):
        monkeypatch.setattr(simulated_houses, name, value)


def test_simulated_houses_join_and_leave_and_a_draw_is_a_function_of_seed_and_step() -> None:
    first, again = (make_mixed([], simulated=0.6, active=0.5) for _ in range(2))
    for step in (0, 3, 40):
        drawn, same = first.draw(step), again.draw(step)
        torch.testing.assert_close(drawn, same, rtol=0, atol=0)
        for one, other in zip(first.gather(drawn), again.gather(same), strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=0)
    early, late = (set(make_mixed([], simulated=0.9).draw(s)[:, 0].tolist()) for s in (0, 90))
    assert not (early & late) - {0}


def test_distractors_are_added_to_the_mains_alone() -> None:
    batches = make_mixed([trace("tv", 77.0)], distractors_per_day=200.0, transplant=0.0)
    mains, target, usable = batches.gather(batches.draw(0))
    at = SHAPE.target_index
    added = (mains[:, at : at + target.shape[1], None] - target - 100)[usable]
    assert added.max() > 0
    torch.testing.assert_close(added % 77, torch.zeros_like(added))


def test_the_weights_make_up_for_how_often_a_chunk_is_drawn() -> None:
    batches = make_mixed([trace()], traced=0.9, active=0.5, transplant=1.0, batch_size=12000)
    means = []
    for step in range(6):
        drawn = batches.draw(step)
        target = batches.gather(drawn)[1]
        weight = batches.weigh(drawn) * (drawn[:, 0] > 0)
        means.append(float((target[..., 0].mean(1) * weight).sum() / weight.sum()))
    (house,) = make_trace_houses([trace()], DISHWASHER, 60.0, 0)
    assert np.mean(means) == pytest.approx(house.appliance_w("dishwasher").mean(), rel=0.2)


def test_a_stretch_of_distractors_lies_where_they_are_on() -> None:
    series_w = np.zeros(10_000, np.float32)
    series_w[5000:5020] = 500
    drawn_w = Distractors([series_w], per_day=40.0).draw_w(1, 720, 60.0)
    assert drawn_w.max() >= 500


def test_a_long_trace_stands_as_it_is() -> None:
    plug = Trace("fridge", "eco", None, None, np.tile(np.array([80, 0], np.float32), 1000), 60.0)
    (house,) = make_trace_houses([plug], find_appliance("fridge"), 60.0, 0)
    np.testing.assert_array_equal(house.appliance_w("fridge")[:2000], plug.power_w)


def test_a_share_of_traces_needs_traces_of_the_appliance() -> None:
    with pytest.raises(UsageError, match="no trace of the dishwasher"):
        make_mixed([trace("tv")], traced=0.3)


def test_without_any_of_it_a_training_is_what_it_was() -> None:
    assert not Material.choose(TrainingConfig.of(), [], DISHWASHER, 60.0)
    assert Augmentation(0, 0, 0, 0, 0) == Augmentation()


@pytest.mark.parametrize("engine", ["windows", "sliding"])
def test_a_training_with_simulated_houses_and_traces_resumes_exactly(
    train: Train, stopped: Stopped, engine: str, tmp_path: Any
) -> None:
    options: dict[str, Any] = {
        "engine": engine,
        "simulated": 0.3,
        "traces": [
            Trace("kettle", "a", None, None, np.full(20, 2000, np.float32), 6.0),
            trace("tv"),
        ],
        **({"chunk": 40, "batch_size": 80} if engine == "sliding" else {"batch_size": 10}),
        "steps": 16,
        "threads": 1,
    }
    whole = train(**options)
    stopped(7, out=tmp_path / "run", **options)
    resumed = train(out=tmp_path / "run", resume=True, **options)
    for name, weights in whole.model.network.state_dict().items():
        torch.testing.assert_close(
            resumed.model.network.state_dict()[name], weights, rtol=0, atol=0
        )


def test_a_run_is_not_resumed_with_other_traces(
    train: Train, stopped: Stopped, tmp_path: Any
) -> None:
    options: dict[str, Any] = {
        "traces": [trace("tv")],
        "steps": 16,
        "engine": "sliding",
        "chunk": 40,
    }
    stopped(7, out=tmp_path / "run", **options)
    with pytest.raises(UsageError, match="cannot resume with another traces"):
        train(out=tmp_path / "run", resume=True, **options | {"traces": [trace("tv", 9.0)]})


def test_a_network_learns_from_the_mean_of_its_teachers(train: Train) -> None:
    teachers = [train(seed=seed, steps=4).model for seed in (1, 2)]
    learned = train(teachers=teachers, distil=1.0, engine="sliding", chunk=40, steps=200)
    alone = train(engine="sliding", chunk=40, steps=200)
    house = learned.held_out[0]
    mean_w = np.mean([teacher.predict_w(house) for teacher in teachers], axis=0)
    distances = [np.nanmean(np.abs(t.model.predict_w(house) - mean_w)) for t in (learned, alone)]
    assert distances[0] < 0.3 * distances[1]


def test_a_teacher_of_another_window_is_refused(train: Train) -> None:
    teacher = train(steps=2, network=Architecture(window=41, channels=(2,), kernels=(3,), hidden=2))
    with pytest.raises(UsageError, match="another window"):
        train(teachers=[teacher.model], engine="sliding")


def test_a_recording_without_mains_is_no_trace() -> None:
    power_w = quiet_house().appliance_w("dishwasher")
    unknown = Recording("2", 60.0, np.full_like(power_w, np.nan), {"dishwasher": power_w})
    with pytest.raises(DataError, match="no training window"):
        Houses([unknown], ["dishwasher"], SHAPE, UNSCALED, torch.device("cpu"))


def test_simulated_houses_and_traces_leave_something_for_the_houses() -> None:
    with pytest.raises(UsageError, match="leave some for the houses"):
        make_mixed([trace()], simulated=0.8)
