"""Augmented chunks: the mains stay the sum of all loads, and only the chosen parts change."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seq2point.appliances import find_appliance
from seq2point.configuration import TrainingConfig
from seq2point.errors import UsageError
from seq2point.network import Architecture
from seq2point.recording import Recording
from seq2point.recording.scaling import Scale
from seq2point.training import train
from seq2point.training.augmentation import NO_AUGMENTATION, Augmentation
from seq2point.training.chunk_batches import ChunkBatches
from seq2point.training.houses import Houses
from seq2point.training.loss import Loss, choose_loss

KETTLE = find_appliance("kettle")
SHAPE = Architecture(window=33, channels=(2,), kernels=(3,), hidden=2)
UNSCALED = Scale(mains_mean_w=0, mains_std_w=1, appliance_mean_w=(0,), appliance_std_w=(1,))


def house(seed: int, samples: int = 900) -> Recording:
    """Mains are a background whose every value tells where it was, plus the kettle."""
    random = np.random.default_rng(seed)
    kettle_w = np.where(
        random.random(samples) < 0.3, random.integers(1, 20, samples) * 100, 0
    ).astype(np.float32)
    background_w = (1 + np.arange(samples) + 10_000 * seed).astype(np.float32)
    return Recording(str(seed), 6.0, background_w + kettle_w, {"kettle": kettle_w})


def batches_of(
    recordings: list[Recording], augmentation: Augmentation, absolute: float = 0.0
) -> ChunkBatches:
    houses = Houses(recordings, ["kettle"], SHAPE, UNSCALED, torch.device("cpu"))
    return ChunkBatches(houses, 60, 8, 1, 0.0, augmentation, Loss(absolute))


@given(
    transplant=st.sampled_from([0.0, 0.4, 1.0]),
    gain=st.sampled_from([0.0, 0.25]),
    step=st.integers(0, 8),
)
def test_the_mains_are_a_background_of_one_place_and_the_appliance_of_another(
    transplant: float, gain: float, step: int
) -> None:
    houses = [house(1), house(2)]
    batches = batches_of(houses, Augmentation(transplant, gain))
    drawn = batches.draw(step)
    mains, target, usable = batches.gather(drawn)
    plain = batches_of(houses, NO_AUGMENTATION)
    places = drawn[:, :2] if drawn.shape[1] == 2 else drawn[:, 2:4]
    kettle, still = plain.gather(drawn[:, :2])[1:]
    factor = drawn[:, 4] / 1000 if drawn.shape[1] > 2 else torch.ones(len(drawn))
    assert ((factor - 1).abs() <= gain + 1e-3).all()
    torch.testing.assert_close(target, kettle * factor[:, None, None])
    middle = slice(SHAPE.target_index, SHAPE.target_index + batches.hop)
    for row, (number, first) in enumerate(places.tolist()):
        background = mains[row, middle] - target[row, :, 0]
        where = first + SHAPE.target_index + torch.arange(batches.hop) + 1 + 10_000 * (number + 1)
        torch.testing.assert_close(
            background[usable[row]], where[usable[row]].float(), rtol=0, atol=0.01
        )
    assert not (usable & ~still).any()


@pytest.mark.parametrize("transplant", [0.0, 0.3, 1.0])
def test_so_many_chunks_are_put_in_other_mains(transplant: float) -> None:
    batches = batches_of([house(1), house(2)], Augmentation(transplant, 0.1))
    drawn = torch.cat([batches.draw(step) for step in range(100)])
    moved = (drawn[:, :2] != drawn[:, 2:4]).any(dim=1).double().mean()
    assert moved == pytest.approx(transplant * 29 / 30, abs=0.05)


def test_draws_with_augmentation_follow_from_the_seed_and_the_step() -> None:
    one, other = (batches_of([house(1)], Augmentation(0.5, 0.3)) for _ in range(2))
    later = [other.draw(step) for step in (9, 2)]
    assert torch.equal(one.draw(2), later[1])
    assert torch.equal(one.draw(9), later[0])
    assert not torch.equal(later[0], later[1])


def test_mains_never_fall_below_zero_and_what_is_unknown_of_the_appliance_is_left_out() -> None:
    odd = house(1)
    odd.mains_w[:] = 50  # below what its kettle takes
    odd.appliances_w["kettle"][400:500] = np.nan
    batches = batches_of([odd, house(2)], Augmentation(1.0, 0.3))
    for step in range(10):
        mains, target, usable = batches.gather(batches.draw(step))
        assert mains.min() >= 0
        assert bool(torch.isfinite(mains).all())
        assert bool(torch.isfinite(target[usable]).all())


def test_a_batch_without_any_usable_window_has_no_loss() -> None:
    lonely = house(1, 93)
    lonely.mains_w[40:] = np.nan
    other = house(2, 93)
    other.mains_w[:50] = np.nan
    houses = Houses([lonely, other], ["kettle"], SHAPE, UNSCALED, torch.device("cpu"))
    batches = ChunkBatches(houses, 60, 1, 1, 0.0, Augmentation(1.0))
    network = SHAPE.build()
    losses = [batches.loss(network, batches.draw(step)).detach() for step in range(20)]
    assert bool(torch.isfinite(torch.stack(losses)).all())
    assert 0 in losses


def test_the_windows_engine_is_the_papers_and_the_sliding_engine_augments() -> None:
    assert not any(TrainingConfig.of(engine="windows").augmentation_amounts)
    assert choose_loss(TrainingConfig.of(engine="windows"), KETTLE) == Loss(
        highest_w=KETTLE.max_power_w
    )
    assert Augmentation(*TrainingConfig.of().augmentation_amounts) == Augmentation(0.7, 0.3)
    nothing = TrainingConfig.of(transplant=0, gain=0, loads=0)
    assert Augmentation(*nothing.augmentation_amounts) == NO_AUGMENTATION
    for option in ("transplant", "gain"):
        with pytest.raises(UsageError, match="use them with `engine` sliding"):
            train(house(1), "kettle", network=SHAPE, steps=1, engine="windows", **{option: 0.1})


@given(step=st.integers(0, 30))
def test_what_is_transplanted_lasts_longer_or_shorter_about_its_middle(step: int) -> None:
    batches = batches_of([house(1)], Augmentation(1.0, 0.0, stretch=0.25))
    drawn = batches.draw(step)
    _, target, usable = batches.gather(drawn)
    own_w, length = house(1).appliance_w("kettle"), batches.hop + SHAPE.window - 1
    for row, (_, first, _, _, gain, duration, _) in enumerate(drawn.tolist()):
        assert gain == 1000
        at = first + (length - 1) / 2 + (np.arange(length) - (length - 1) / 2) / (duration / 1000)
        expected = np.interp(at, np.arange(len(own_w)), own_w)[SHAPE.target_index :][: batches.hop]
        answered = usable[row].numpy()
        np.testing.assert_allclose(target[row, answered, 0], expected[answered], atol=1)


@pytest.mark.parametrize(
    ("transplant", "shortest", "longest"), [(0.0, 1000, 1000), (1.0, 800, 1250)]
)
def test_durations_go_up_and_down_and_only_of_what_is_transplanted(
    transplant: float, shortest: int, longest: int
) -> None:
    batches = batches_of([house(1)], Augmentation(transplant, 0.1, stretch=0.25))
    durations = torch.cat([batches.draw(step) for step in range(40)])[:, 5]
    assert shortest <= durations.min() < shortest + 30
    assert longest - 30 < durations.max() <= longest


@given(step=st.integers(0, 30))
def test_missing_readings_repeat_the_one_before_and_the_target_stays(step: int) -> None:
    plain, gappy = (
        batches_of([house(1)], Augmentation(0.5, 0.1, missing=missing)) for missing in (0.0, 0.4)
    )
    (whole, target, usable), (mains, same, still) = (b.gather(b.draw(step)) for b in (plain, gappy))
    torch.testing.assert_close(same, target)
    assert torch.equal(usable, still)
    changed = mains != whole
    assert torch.equal(mains[:, 1:][changed[:, 1:]], mains[:, :-1][changed[:, 1:]])
    assert changed.float().mean() < 0.45


def test_readings_go_missing_in_most_chunks_up_to_the_share() -> None:
    plain, gappy = (
        batches_of([house(1)], Augmentation(0.5, missing=missing)) for missing in (0.0, 0.3)
    )
    shares = torch.cat(
        [
            (gappy.gather(gappy.draw(i))[0] != plain.gather(plain.draw(i))[0]).float().mean(1)
            for i in range(40)
        ]
    )
    assert 0.08 < shares.mean() < 0.2
    assert shares.std() > 0.04


def test_what_is_unknown_of_a_transplanted_appliance_is_held_in_the_mains_and_not_learned() -> None:
    gappy, whole = house(2), house(2)
    whole.appliances_w["kettle"][:] = 2000
    gappy.appliances_w["kettle"][:] = 2000
    gappy.appliances_w["kettle"][5::7] = np.nan
    one, other = (batches_of([h], Augmentation(1.0, 0.0)) for h in (gappy, whole))
    for step in range(5):
        drawn = one.draw(step)
        (mains, _, usable), (expected, _, everywhere) = one.gather(drawn), other.gather(drawn)
        inside = drawn[:, 1] >= 0
        known = torch.isfinite(mains) & torch.isfinite(expected)
        torch.testing.assert_close(mains[inside][:, 40:80], expected[inside][:, 40:80])
        assert known.all()
        assert usable.sum() < everywhere.sum()
