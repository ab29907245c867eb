"""What every pruner promises, swept over the table of pruners with each one's smallest settings.

A new pruner needs one line in SMALLEST, one that is not in the package's table another in SWEPT; it
is held to the same promises.
"""

import runpy
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from pydantic import ValidationError

from seq2point.compression.pruning import (
    ALIASES,
    PRUNERS,
    Pruner,
    PruneState,
    StepInfo,
    find_pruner,
    prune_once,
)
from seq2point.compression.pruning.scheduled_pruner import Scheduled
from seq2point.errors import TrainingError, UsageError
from seq2point.model.model_file import Model
from seq2point.network import Architecture, Seq2Point, masks
from seq2point.recording import Recording
from seq2point.training import TrainingResult, train_with_history

STEPS = 40
SMALL = Architecture(window=33, channels=(4, 4), kernels=(5, 3), hidden=8)


SIZES = {
    "convolutions.0.weight": 20,
    "convolutions.1.weight": 48,
    "hidden.weight": 864,
    "output.weight": 8,
}

Counts = dict[str, int]


class Smallest(NamedTuple):
    """Settings with which 40 steps suffice, settings with which they do not where there are any,
    and what is promised.

    `kept` are the weights left of each tensor of SMALL, None where only the total is promised;
    `at_most` those left at the highest sparsity.
    """

    enough: dict[str, Any]
    too_slow: dict[str, Any] | None
    kept: Counts | None
    at_most: Counts


def each(sparsity: float) -> Counts:
    """The weights left of each tensor where every tensor loses the same fraction."""
    return {name: max(round(size * (1 - sparsity)), 1) for name, size in SIZES.items()}


def rows(sparsity: float) -> Counts:
    """The weights left of each tensor where every row loses the same fraction."""
    shapes = {
        "convolutions.0.weight": 4,
        "convolutions.1.weight": 4,
        "hidden.weight": 8,
        "output.weight": 1,
    }
    return {
        name: n * max(round(SIZES[name] // n * (1 - sparsity)), 1) for name, n in shapes.items()
    }


def units(channels: tuple[int, int], hidden: int) -> Counts:
    """The weights left of each tensor where so many channels and hidden units are left."""
    return dict(
        zip(
            SIZES,
            (channels[0] * 5, channels[0] * channels[1] * 3, channels[1] * hidden * 27, hidden),
            strict=True,
        )
    )


ONE = dict.fromkeys(SIZES, 1)
POLYNOMIAL = {"sparsity": 0.7, "schedule": "polynomial", "frequency": 5}
TOO_SLOW = {"sparsity": 0.7, "frequency": STEPS + 1}
OWN = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "own_pruner.py"))["RowMagnitude"]
SWEPT: dict[str, type[Pruner]] = {**PRUNERS, OWN.name: OWN}
SMALLEST = {
    "magnitude": Smallest(POLYNOMIAL, TOO_SLOW, each(0.7), ONE),
    "random": Smallest(POLYNOMIAL, TOO_SLOW, each(0.7), ONE),
    "global_magnitude": Smallest(POLYNOMIAL, TOO_SLOW, None, ONE),
    "lamp": Smallest(POLYNOMIAL, TOO_SLOW, None, ONE),
    "structured": Smallest(POLYNOMIAL, TOO_SLOW, units((1, 1), 2), units((1, 1), 1)),
    "spp": Smallest(
        {"sparsity": 0.7},
        None,
        {**units((4, 4), 2), "convolutions.0.weight": 4, "convolutions.1.weight": 12},
        {**units((4, 4), 1), "convolutions.0.weight": 4, "convolutions.1.weight": 4},
    ),
    "entropic": Smallest({"sparsity": 0.7}, None, each(0.7), ONE),
    "row_magnitude": Smallest(POLYNOMIAL, TOO_SLOW, rows(0.7), rows(0.999)),
    "threshold": Smallest({"sparsity": 0.7}, None, each(0.7), ONE),
}


def counted(model: Model) -> Counts:
    return {row.name: row.kept for row in masks.count_weights(model.network, model.masks)}


@pytest.fixture(params=SWEPT)
def smallest(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Smallest:
    monkeypatch.setitem(PRUNERS, request.param, SWEPT[request.param])
    return SMALLEST[request.param]


@pytest.fixture
def pruner(request: pytest.FixtureRequest, smallest: Smallest) -> Pruner:
    return PRUNERS[request.node.callspec.params["smallest"]](**smallest.enough)


@pytest.fixture(scope="module")
def house() -> Recording:
    rng = np.random.default_rng(5)
    kettle_w = np.where(np.arange(800) % 100 < 15, np.float32(2500), np.float32(0))
    mains_w = kettle_w + rng.normal(200, 20, 800).astype(np.float32)
    return Recording("1", 6.0, mains_w, {"kettle": kettle_w})


class Watch(pl.Callback):
    """Runs `at_step(step, module)` after every step."""

    def __init__(self, at_step: Callable[[int, pl.LightningModule], None]):
        self.at_step = at_step

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any
    ) -> None:
        self.at_step(trainer.global_step, pl_module)


def train(house: Recording, pruner: Pruner, **options: Any) -> TrainingResult:
    plan = {
        "steps": STEPS,
        "batch_size": 40,
        "patience": 1000,
        "learning_rate": 0.01,
        "progress": False,
    }
    return train_with_history(house, "kettle", network=SMALL, pruning=pruner, **(plan | options))


def pruning_of(module: pl.LightningModule) -> Any:
    return next(c for c in module.trainer.callbacks if hasattr(c, "pruner"))  # type: ignore[attr-defined]


def bits(trained: TrainingResult) -> dict[str, torch.Tensor]:
    chosen = {f"mask.{name}": mask for name, mask in trained.model.masks.items()}
    return {**trained.model.network.state_dict(), **chosen}


def assert_same_bits(first: TrainingResult, other: TrainingResult) -> None:
    ours, theirs = bits(first), bits(other)
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_it_keeps_the_promised_number_of_weights_and_at_least_one_of_every_tensor(
    house: Recording, pruner: Pruner, smallest: Smallest
):
    model = train(house, pruner).model
    rows = masks.count_weights(model.network, model.masks)
    assert all(row.kept >= 1 and row.zeros == row.total - row.kept for row in rows)
    if smallest.kept is not None:
        assert counted(model) == smallest.kept
    else:
        assert sum(row.kept for row in rows) == round(sum(SIZES.values()) * 0.3)


def test_at_the_highest_sparsity_every_tensor_still_has_a_weight(
    house: Recording, pruner: Pruner, smallest: Smallest
):
    model = train(house, type(pruner)(**(smallest.enough | {"sparsity": 0.999}))).model
    assert counted(model) == smallest.at_most


def test_masks_are_of_weights_and_of_biases_only_with_their_whole_unit(
    house: Recording, pruner: Pruner
):
    model = train(house, pruner).model
    parameters = dict(model.network.named_parameters())
    assert all(
        mask.dtype == torch.bool and mask.shape == parameters[name].shape
        for name, mask in model.masks.items()
    )
    for name, mask in model.masks.items():
        if name.endswith("bias"):
            weights = model.masks[name.replace("bias", "weight")]
            assert not weights[~mask].any()
            assert not parameters[name][~mask].any()
            assert mask.any()
    assert "output.bias" not in model.masks
    assert parameters["hidden.bias"].count_nonzero()


@pytest.mark.parametrize("schedule", ["constant", "polynomial"])
@pytest.mark.parametrize("seed", range(3))
def test_what_is_dropped_stays_dropped_where_the_method_says_so(
    house: Recording, pruner: Pruner, smallest: Smallest, schedule: str, seed: int
):
    if isinstance(pruner, Scheduled):
        pruner = type(pruner)(
            **(smallest.enough | {"schedule": schedule, "frequency": 2, "sparsity": 0.5})
        )
    elif schedule == "polynomial":
        pytest.skip("it has no such schedule")
    decisions: list[dict[str, torch.Tensor]] = []
    moving = 0

    def look(step: int, module: pl.LightningModule) -> None:
        nonlocal moving
        now, moments = dict(pruning_of(module).masks), module.trainer.optimizers[0].state
        for name, mask in (decisions[-1] if decisions else {}).items():
            assert not (now[name] & ~mask).any()
            moments_of = moments[module.get_parameter(f"network.{name}")]
            moving += int((moments_of["exp_avg"][~mask] != 0).sum())
        if now and not (
            decisions and all(now[name] is mask for name, mask in decisions[-1].items())
        ):
            decisions.append(now)

    assert pruner.shrinks, "a method that does not say so: exempt it here"
    train(house, pruner, callbacks=[Watch(look)], seed=seed, learning_rate=0.05)
    assert len(decisions) > (5 if isinstance(pruner, Scheduled) else 0), "too few decisions to tell"
    assert moving or pruner.name == "threshold", (
        "Adam moved nothing that was dropped: nothing was tested"
    )


def test_what_it_drops_is_exactly_zero_after_every_step_though_adams_momentum_goes_on(
    house: Recording, pruner: Pruner
):
    dropped_by_step: dict[int, int] = {}

    def look(step: int, module: pl.LightningModule) -> None:
        state = pruning_of(module).state
        moments = module.trainer.optimizers[0].state
        for name, mask in state.masks.items():
            weight = module.get_parameter(f"network.{name}")
            assert not weight[~mask].any()
            dropped_by_step[step] = dropped_by_step.get(step, 0) + int(
                (moments[weight]["exp_avg"][~mask] != 0).sum()
            )

    train(house, pruner, callbacks=[Watch(look)])
    assert sum(dropped_by_step.values()) > 0, (
        "no masked weight had any momentum: nothing was tested"
    )
    assert max(dropped_by_step) == STEPS


def test_windows_one_by_one_lead_to_the_same_promise_as_all_at_once(
    house: Recording, pruner: Pruner, smallest: Smallest
):
    model = train(house, pruner, engine="windows").model
    assert smallest.kept is None or counted(model) == smallest.kept
    assert all(
        row.zeros == row.total - row.kept for row in masks.count_weights(model.network, model.masks)
    )
    assert set(model.masks) == set(train(house, pruner).model.masks)


def test_the_zeros_are_still_zeros_in_the_saved_model(
    house: Recording, pruner: Pruner, tmp_path: Path
):
    model = train(house, pruner).model
    model.save(tmp_path / "model.safetensors")
    loaded = type(model).load(tmp_path / "model.safetensors")
    assert masks.count_weights(loaded.network, loaded.masks) == masks.count_weights(
        model.network, model.masks
    )
    assert all(
        not loaded.network.get_parameter(name)[~mask].any() for name, mask in loaded.masks.items()
    )


def test_the_same_seed_gives_the_same_masks_and_another_seed_does_not(
    house: Recording, pruner: Pruner
):
    once, again, other = (train(house, pruner, seed=seed) for seed in (1, 1, 2))
    assert_same_bits(once, again)
    assert any(
        not torch.equal(mask, other.model.masks[name]) for name, mask in once.model.masks.items()
    )


@pytest.mark.parametrize("stop_at", [3, 19, 33])
def test_a_run_stopped_and_resumed_gives_the_bits_of_one_that_never_stopped(
    house: Recording, pruner: Pruner, tmp_path: Path, stop_at: int
):
    def stop(step: int, _: pl.LightningModule) -> None:
        if step == stop_at:
            raise KeyboardInterrupt

    kept: dict[str, Any] = {"out": tmp_path, "checkpoint_every_s": 0}
    with pytest.raises(KeyboardInterrupt):
        train(house, pruner, callbacks=[Watch(stop)], **kept)
    assert_same_bits(train(house, pruner, resume=True, **kept), train(house, pruner))


def test_a_run_too_short_for_it_prunes_at_its_last_step_and_says_so(
    house: Recording, pruner: Pruner, smallest: Smallest
):
    if smallest.too_slow is None:
        pytest.skip("it finishes in any training")
    slow = type(pruner)(**smallest.too_slow)
    with pytest.warns(
        UserWarning,
        match=(
            f"ends at step {STEPS}, before the pruning schedule does: pruned to .* at the last step"
        ),
    ):
        trained = train(house, slow)
    assert smallest.kept is None or counted(trained.model) == smallest.kept
    assert [row["sparsity"] > 0 for row in trained.history] == [False] * (
        len(trained.history) - 1
    ) + [True]


def test_a_run_that_is_long_enough_warns_of_nothing(house: Recording, pruner: Pruner):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert train(house, pruner).history[-1]["sparsity"] > 0


def states(pruner: Pruner, network: Seq2Point) -> list[PruneState]:
    """The states of a training in which nothing changes; none of them is changed by the next."""
    states = [pruner.begin(network)]
    for step in range(1, STEPS + 1):
        for p in network.parameters():
            p.grad = torch.ones_like(p)
        masks_before = {name: mask.clone() for name, mask in states[-1].masks.items()}
        states.append(pruner.update(network, states[-1], StepInfo(step, STEPS, 1.0)))
        assert isinstance(states[-1], PruneState)
        assert all(torch.equal(states[-2].masks[name], mask) for name, mask in masks_before.items())
    return states


def test_deciding_changes_neither_the_weights_nor_the_state_it_is_given(pruner: Pruner):
    torch.manual_seed(0)
    network = SMALL.build()
    before = {name: t.clone() for name, t in network.state_dict().items()}
    assert states(pruner, network)[-1].final
    assert all(torch.equal(t, before[name]) for name, t in network.state_dict().items())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused_in_one_line(pruner: Pruner, value: float):
    torch.manual_seed(0)
    network = SMALL.build()
    with torch.no_grad():
        network.hidden.weight[3, 5] = value
    with pytest.raises(
        TrainingError, match=r"^hidden\.weight: some weights are not finite numbers.*; train again"
    ):
        states(pruner, network)
    with pytest.raises(
        (TrainingError, UsageError),
        match=r"^hidden\.weight: some weights|decides while the network trains",
    ):
        prune_once(network, pruner)


def test_its_settings_are_frozen_and_survive_json(pruner: Pruner):
    with pytest.raises(ValidationError, match="frozen"):
        pruner.sparsity = 0.1  # type: ignore[attr-defined]
    assert type(pruner).model_validate_json(pruner.model_dump_json()) == pruner


@pytest.mark.parametrize("sparsity", [-0.1, 1.0, float("nan"), "half"])
def test_a_sparsity_out_of_range_is_a_usage_error_that_names_it(pruner: Pruner, sparsity: object):
    with pytest.raises(UsageError, match=f"{pruner.name}: setting 'sparsity' = "):
        find_pruner(pruner.name, sparsity=sparsity)


def test_a_setting_that_it_lacks_is_a_usage_error_that_names_it(pruner: Pruner):
    with pytest.raises(
        UsageError,
        match=(
            f"{pruner.name}: setting 'sparsty' = 0.5: there is no such setting; .* has .*sparsity"
        ),
    ):
        find_pruner(pruner.name, sparsty=0.5)


def test_the_lineages_names_lead_to_our_pruners():
    assert {name: getattr(find_pruner(name), "name", None) for name in ALIASES} == {
        "tfmot": "magnitude",
        "default": None,
    }
    assert find_pruner("none") is None


def test_an_unknown_pruner_is_refused_with_the_list():
    with pytest.raises(
        UsageError,
        match=(
            r"unknown pruning algorithm 'magnitud': choose one of none, magnitude, .*, random,"
            r" tfmot, default"
        ),
    ):
        find_pruner("magnitud")
