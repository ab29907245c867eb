"""Low rank: the best approximation of its rank, the network itself at full rank, and never worse
for more rank.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seq2point.compression.low_rank import (
    factorise,
    find_full_rank,
    find_rank_for_energy,
    find_rank_for_sparsity,
)
from seq2point.errors import UsageError
from seq2point.model.model_file import Model
from seq2point.network import Architecture

WIDE = Architecture(window=33, channels=(4, 4), kernels=(5, 3), hidden=8)
SHAPES = {
    "wide": WIDE,
    "tall": Architecture(window=11, channels=(2, 1), kernels=(5, 3), hidden=20, outputs=2),
}


def random_model(shape: Architecture, seed: int = 0) -> Model:
    torch.manual_seed(seed)
    model = Model.untrained("kettle", 6.0, shape)
    for parameter in model.network.parameters():
        torch.nn.init.normal_(parameter)
    model.network.double().eval()
    return model


def product(model: Model) -> torch.Tensor:
    assert model.network.projection is not None
    return (model.network.hidden.weight @ model.network.projection.weight).detach()


def predict(model: Model) -> torch.Tensor:
    torch.manual_seed(9)
    with torch.no_grad():
        return model.network(torch.randn(40, model.architecture.window, dtype=torch.float64))


@given(st.sampled_from(list(SHAPES)), st.integers(0, 1000))
def test_full_rank_is_the_network_itself(name: str, seed: int):
    model = random_model(SHAPES[name], seed)
    expected = predict(model)
    assert (
        predict(factorise(model, find_full_rank(model.architecture))) - expected
    ).abs().max() < 1e-10 * expected.abs().max()


@given(st.sampled_from(list(SHAPES)), st.integers(0, 1000))
def test_every_rank_is_the_best_there_is_and_more_is_never_worse(name: str, seed: int):
    model = random_model(SHAPES[name], seed)
    weight = model.network.hidden.weight.detach()
    u, s, vh = torch.linalg.svd(weight, full_matrices=False)
    errors = []
    for rank in range(1, len(s) + 1):
        narrow = factorise(model, rank)
        assert narrow.architecture == model.architecture.model_copy(update={"rank": rank})
        best = (u[:, :rank] * s[:rank]) @ vh[:rank]
        torch.testing.assert_close(product(narrow), best, rtol=0, atol=1e-9 * float(s[0]))
        errors.append(float((product(narrow) - weight).norm()))
        assert errors[-1] == pytest.approx(
            float(s[rank:].square().sum().sqrt()), abs=1e-7 * float(s[0])
        )
    assert all(more <= less + 1e-9 for less, more in pairwise(errors))


def test_a_layer_of_low_rank_loses_nothing_at_it():
    model = random_model(WIDE.model_copy(update={"rank": 3}))
    dense = random_model(WIDE)
    dense.network.load_state_dict(
        {n: t for n, t in model.network.state_dict().items() if n != "projection.weight"}
        | {"hidden.weight": product(model)}
    )
    torch.testing.assert_close(predict(factorise(dense, 3)), predict(dense))
    assert find_rank_for_energy(dense, 1.0) == 3
    torch.testing.assert_close(predict(factorise(model, 3)), predict(model))
    torch.testing.assert_close(predict(factorise(model, 2)), predict(factorise(dense, 2)))


def test_weights_of_zero_have_factors_of_zero():
    model = random_model(WIDE)
    torch.nn.init.zeros_(model.network.hidden.weight)
    assert not product(factorise(model, 2)).any()


def test_the_rank_for_an_energy_is_the_lowest_that_keeps_it():
    model = random_model(WIDE)
    squares = np.linalg.svd(model.network.hidden.weight.detach().numpy(), compute_uv=False) ** 2
    for energy in (0.1, 0.5, 0.9, 0.999, 1.0):
        rank = find_rank_for_energy(model, energy)
        assert squares[:rank].sum() >= (energy - 1e-9) * squares.sum()
        assert rank == 1 or squares[: rank - 1].sum() < energy * squares.sum()
    assert factorise(model, 5).provenance["factorisation"] == {
        "rank": 5,
        "energy": pytest.approx(squares[:5].sum() / squares.sum()),
    }


@given(st.floats(0, 0.86))
def test_the_rank_for_a_sparsity_is_the_highest_that_saves_it(sparsity: float):
    dense, most = 8 * 108, find_full_rank(WIDE)
    rank = find_rank_for_sparsity(WIDE, sparsity)
    assert rank * (8 + 108) <= (1 - sparsity) * dense + 1e-3
    assert rank == most or (rank + 1) * (8 + 108) > (1 - sparsity) * dense


def test_the_papers_network_at_87_percent_has_rank_128():
    assert find_rank_for_sparsity(Architecture(), 0.87) == 128


@pytest.mark.parametrize("rank", [0, -1, 9])
def test_a_rank_that_the_layer_cannot_have_is_refused(rank: int):
    with pytest.raises(UsageError, match=f"rank {rank}: the first Linear can have rank 1 to 8"):
        factorise(random_model(WIDE), rank)


def test_fractions_that_do_not_fit_are_refused():
    for energy in (0.0, 1.5):
        with pytest.raises(UsageError, match=r"energy .* is out of range"):
            find_rank_for_energy(random_model(WIDE), energy)
    for sparsity in (-0.1, 1.0):
        with pytest.raises(UsageError, match="give a fraction from 0 to below 1"):
            find_rank_for_sparsity(WIDE, sparsity)
    with pytest.raises(UsageError, match="even rank 1 of a 8 x 108 layer saves less"):
        find_rank_for_sparsity(WIDE, 0.9)


def test_the_mask_of_the_factorised_layer_ends_and_the_others_stay(tmp_path):
    model = random_model(WIDE)
    model.network.float()
    model.provenance = {"seed": 3, "metrics": {"mae_w": 1.0}}
    model = replace(
        model,
        masks={
            name: torch.ones_like(model.network.get_parameter(name)) > 0
            for name in ("hidden.weight", "output.weight")
        },
    )
    narrow = factorise(model, 2)
    assert narrow.masks.keys() == {"output.weight"}
    assert model.masks.keys() == {"hidden.weight", "output.weight"}
    assert narrow.provenance.keys() == {
        "seed",
        "factorisation",
    }, "what was measured before does not hold any more"
    assert all(p.requires_grad and p.dtype == torch.float32 for p in narrow.network.parameters())
    narrow.save(tmp_path / "narrow.safetensors")
    back = Model.load(tmp_path / "narrow.safetensors")
    mains = np.random.default_rng(0).uniform(0, 3000, 200).astype(np.float32)
    for engine in ("windows", "sliding"):
        np.testing.assert_allclose(
            back.disaggregate(mains, engine),
            narrow.disaggregate(mains, "windows"),
            rtol=1e-4,
            atol=1e-2,
        )
