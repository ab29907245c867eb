"""Structured probabilistic pruning: the published rule, the draws, and that it always finishes."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from seq2point.compression.pruning import PruneState, StepInfo
from seq2point.compression.pruning.spp import (
    SPP,
    count_groups_to_remove,
    count_updates_needed,
    probability_step,
    read_histories,
    read_probabilities,
)
from seq2point.errors import UsageError
from seq2point.network import Architecture, Seq2Point

States = Callable[..., list[PruneState]]


@pytest.mark.parametrize(("A", "u"), [(0.05, 0.25), (0.1, 0.4)])
@pytest.mark.parametrize("remaining", [1, 15, 512])
def test_the_step_has_its_published_values(remaining: int, A: float, u: float):
    middle = -math.log(u) * remaining / (math.log(2) - math.log(u))
    at = probability_step(
        torch.tensor([0, middle, remaining], dtype=torch.float64), remaining, A, u
    )
    torch.testing.assert_close(
        at, torch.tensor([A, u * A, 0.0], dtype=torch.float64), atol=1e-12, rtol=0
    )


def test_the_step_falls_without_a_jump_and_far_beyond_the_target_is_strongly_negative():
    ranks = torch.linspace(0, 300, 30_001, dtype=torch.float64)
    delta = probability_step(ranks, 150)
    assert (delta.diff() < 0).all()
    assert delta.diff().abs().max() < 1e-3
    assert delta[-1] < -0.1


@pytest.mark.parametrize(
    ("sparsity", "groups", "updates"),
    [
        (0.5, 30, 80),
        (0.5, 300, 137),
        (0.5, 1024, 168),
        (0.87, 30, 95),
        (0.87, 300, 151),
        (0.87, 1024, 181),
    ],
)
def test_with_a_fixed_ranking_it_takes_the_known_number_of_updates(
    sparsity: float, groups: int, updates: int
):
    assert count_updates_needed(groups, sparsity) == updates


@pytest.mark.parametrize("groups", [30, 300])
def test_smaller_steps_take_as_many_more_updates(groups: int):
    assert count_updates_needed(groups, 0.5, 0.005) == pytest.approx(
        10 * count_updates_needed(groups, 0.5, 0.05), rel=0.05
    )


@pytest.mark.parametrize("A", [1e-9, 5e-324])
def test_steps_too_small_to_decide_anything_end_by_rank(
    network: Seq2Point, states: States, A: float
):
    last = states(SPP(A=A, granularity="units"), network, 40)[-1]
    assert last.final
    assert last.memory["forced"] == 25


def test_the_lowest_groups_by_l1_norm_go_when_the_ranking_is_fixed(
    network: Seq2Point, states: States
):
    last = states(SPP(sparsity=0.5), network, 400)[-1]
    assert last.final
    assert last.memory["forced"] == 0
    for layer, p in read_probabilities(last).items():
        weight = network.get_parameter(f"{layer}.weight").detach()
        scores = (weight.abs().sum(1) if layer == "hidden" else weight.abs().sum(0)).flatten()
        out = p.flatten() == 1
        assert int(out.sum()) == count_groups_to_remove(len(scores), 0.5)
        assert scores[out].max() <= scores[~out].min()
        assert set(p.flatten().tolist()) == {0.0, 1.0}


def test_columns_of_convolutions_go_whole_and_a_hidden_unit_with_its_bias_and_its_reader(
    network: Seq2Point, states: States
):
    masks = states(SPP(sparsity=0.5), network, 400)[-1].masks
    for name in ("convolutions.0.weight", "convolutions.1.weight"):
        columns = masks[name].sum(0)
        assert set(columns.flatten().tolist()) == {0, len(masks[name])}
    units = masks["hidden.weight"].any(1)
    assert torch.equal(masks["hidden.weight"], units[:, None].expand_as(masks["hidden.weight"]))
    assert torch.equal(masks["hidden.bias"], units)
    assert torch.equal(masks["output.weight"][0], units)
    assert int(units.sum()) == 25
    assert "convolutions.0.bias" not in masks


@pytest.mark.parametrize(
    ("settings", "pruned"),
    [
        ({"granularity": "filters"}, {"convolutions.0", "convolutions.1", "hidden"}),
        ({"granularity": "units"}, {"hidden"}),
        ({"layers": "convolutions"}, {"convolutions.0", "convolutions.1"}),
    ],
)
def test_its_settings_say_which_layers_have_groups(
    network: Seq2Point, settings: dict[str, Any], pruned: set[str]
):
    assert set(read_probabilities(SPP(**settings).begin(network))) == pruned


def test_a_step_is_drawn_with_the_probabilities(network: Seq2Point):
    pruner = SPP(granularity="filters")
    memory = {
        **pruner.begin(network, seed=3).memory,
        "probability.hidden": torch.linspace(0, 1, 50, dtype=torch.float64),
    }
    drawn = torch.stack(
        [
            (pruner.masks_for_step(PruneState(memory={**memory, "step": step})) or {})[
                "hidden.weight"
            ].flatten()
            for step in range(2000)
        ]
    )
    p = memory["probability.hidden"]
    dropped = 1 - drawn.double().mean(0)
    torch.testing.assert_close(dropped[:-1], p[:-1], atol=0.05, rtol=0)
    assert drawn[:, -1].all(), "a group that is out is the mask's business, not the draw's"


def test_a_draw_follows_from_seed_and_step_and_leaves_something_of_every_layer(network: Seq2Point):
    pruner = SPP()
    state = pruner.begin(network, seed=1)
    memory = {
        k: torch.full_like(v, 0.999) if k.startswith("probability.") else v
        for k, v in state.memory.items()
    }  # type: ignore[arg-type]
    once, again, later = (
        pruner.masks_for_step(PruneState(memory={**memory, "step": step})) or {}
        for step in (4, 4, 5)
    )
    assert all(torch.equal(mask, again[name]) for name, mask in once.items())
    assert all(mask.any() for mask in (*once.values(), *later.values()))
    half = {
        k: torch.full_like(v, 0.5) if k.startswith("probability.") else v
        for k, v in state.memory.items()
    }  # type: ignore[arg-type]
    first, other = (
        pruner.masks_for_step(PruneState(memory={**half, "seed": seed, "step": 4})) or {}
        for seed in (1, 2)
    )
    assert not torch.equal(first["hidden.weight"], other["hidden.weight"])


def test_before_the_first_update_and_after_the_last_nothing_is_drawn(
    network: Seq2Point, states: States
):
    pruner = SPP()
    course = states(pruner, network, 400)
    assert not pruner.masks_for_step(course[0])
    assert pruner.masks_for_step(course[100])
    assert pruner.masks_for_step(course[-1]) is None


def test_with_ranks_that_never_settle_it_still_ends_at_sixty_percent_and_says_how_much_was_forced(
    network: Seq2Point, caplog: pytest.LogCaptureFixture
):
    pruner, state, random = (
        SPP(sparsity=0.5, granularity="units"),
        None,
        torch.Generator().manual_seed(0),
    )
    state = pruner.begin(network)
    for step in range(1, 401):
        with torch.no_grad():
            network.hidden.weight.copy_(
                torch.rand(network.hidden.weight.shape, generator=random)
                * torch.rand(50, 1, generator=random)
            )
        state = pruner.update(network, state, StepInfo(step, 400, 1.0))
        assert state.final == (step >= 240)
    assert int(state.masks["hidden.bias"].sum()) == 25
    assert state.memory["forced"] > 0
    message = (
        f"spp: {state.memory['forced']} groups were still undecided at step 240, and were decided"
        " by rank"
    )
    assert f"{message} ({state.memory['forced']} of hidden)" in caplog.text


def test_it_finishes_in_a_training_of_one_step_and_with_updates_too_rare(
    network: Seq2Point, states: States
):
    for pruner, planned in ((SPP(), 1), (SPP(update_every=180), 100)):
        last = states(pruner, network, planned)[-1]
        assert last.final
        assert int(last.masks["hidden.bias"].sum()) == 25


def test_the_pace_of_updates_follows_from_the_planned_steps(network: Seq2Point, states: States):
    steps = read_histories(states(SPP(), network, 2000)[-1])["hidden"].steps
    assert set(torch.tensor(steps).diff().tolist()) == {
        int(0.6 * 2000 / (1.25 * count_updates_needed(50, 0.5)))
    }
    assert steps[-1] <= 1200


def test_the_course_of_the_probabilities_is_kept_for_the_log_and_the_picture(
    network: Seq2Point, states: States
):
    pruner = SPP()
    course = states(pruner, network, 400)
    for layer, (steps, fractions) in read_histories(course[-1]).items():
        assert steps == sorted(steps)
        assert fractions.shape == (len(steps), 20)
        torch.testing.assert_close(fractions.sum(1), torch.ones(len(steps), dtype=torch.float64))
        assert fractions[-1, -1] == pytest.approx(
            count_groups_to_remove(read_probabilities(course[-1])[layer].numel(), 0.5)
            / read_probabilities(course[-1])[layer].numel()
        )
    names = set(pruner.measure_progress(course[0]))
    assert {"spp_forced", "spp_out.hidden", "spp_probability.convolutions.1"} <= names
    assert all(set(pruner.measure_progress(state)) == names for state in course)


def test_a_sparsity_of_zero_keeps_everything(network: Seq2Point, states: States):
    last = states(SPP(sparsity=0), network, 10)[-1]
    assert last.final
    assert not last.masks


def test_settings_that_leave_nothing_to_prune_are_refused():
    with pytest.raises(
        UsageError, match="granularity 'units' with layers 'convolutions' leaves nothing to prune"
    ):
        SPP(granularity="units", layers="convolutions")


def test_it_needs_the_layers_of_a_seq2point(states: States):
    with pytest.raises(UsageError, match="the network is a Linear: whole units and channels"):
        SPP().begin(torch.nn.Linear(2, 2))


def test_pruning_costs_the_papers_network_few_operations_on_its_large_tensor():
    network = Architecture(window=99, hidden=64).build()
    drawn = SPP().masks_for_step(
        PruneState(
            memory={
                "seed": 0,
                "step": 1,
                "probability.hidden": torch.full((64,), 0.5, dtype=torch.float64),
            }
        )
    )
    assert drawn is not None
    assert {name: mask.numel() for name, mask in drawn.items()} == {
        "hidden.weight": 64,
        "hidden.bias": 64,
    }
    assert network.hidden.weight.numel() > 100_000
