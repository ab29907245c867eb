"""Low rank: replace the first Linear of a trained model by a product of two narrow ones.

The first Linear holds nearly all of the weights. The truncated singular value decomposition is its
best approximation of a rank (Eckart and Young 1936). Xue et al. (Interspeech 2013) compressed
Linear layers with it. It needs no data, and is the baseline that pruning should beat. It changes
the predictions; fine-tuning recovers some of the loss.
"""

from dataclasses import replace

import torch
from torch import Tensor

from seq2point.errors import UsageError
from seq2point.model.model_file import Model
from seq2point.network import Architecture, Seq2Point


def factorise(model: Model, rank: int) -> Model:
    """Return a model whose first Linear, or the product that replaces it, has this rank.

    Masks of the first Linear are dropped, since the product of its factors has no zeros. All others
    stay. The provenance gets the rank under 'factorisation', with the share of the squared weights
    that it keeps. It loses the metrics, which no longer hold. Raises UsageError for a rank that the
    layer cannot have.
    """
    full_rank = find_full_rank(model.architecture)
    if not 1 <= rank <= full_rank:
        raise UsageError(f"rank {rank}: the first Linear can have rank 1 to {full_rank}")
    shape = model.architecture.model_copy(update={"rank": rank})
    left, values = _decompose(model.network)
    weights = split_weight(_get_first_linear(model.network), left, values, rank)
    second, first = shape.linear_layers[1::-1]
    narrow = dict(zip((second.weight_name, first.weight_name), weights, strict=True))
    with torch.device("meta"):
        network = shape.build()
    state = model.network.state_dict()
    dtype = state[second.weight_name].dtype
    state = {
        name: narrow[name].to(dtype).contiguous() if name in narrow else state[name]
        for name in network.state_dict()
    }
    network.load_state_dict(state, assign=True)
    network.train(model.network.training)
    step = {"rank": rank, "energy": float(_measure_energies(values)[rank - 1])}
    return replace(
        model,
        network=network,
        masks={name: mask for name, mask in model.masks.items() if name not in narrow},
        provenance=model.untested_provenance | {"factorisation": step},
    )


def split_weight(
    weight_HI: Tensor, left_HH: Tensor, values_H: Tensor, rank: int
) -> tuple[Tensor, Tensor]:
    """Return both factors of a rank, f64[H, r] and f64[r, I].

    The weights are projected onto the first left singular vectors, which is the truncated
    decomposition. Both factors take the square root of the singular values, so that they fine-tune
    well.
    """
    vectors = left_HH[:, :rank]
    root = values_H[:rank].sqrt()
    root = torch.where(root > 0, root, 1.0)
    return vectors * root, (vectors.T @ weight_HI) / root[:, None]


def find_full_rank(shape: Architecture) -> int:
    """Return the highest rank that the first Linear of a network can have."""
    return min(shape.hidden, shape.features)


def find_rank_for_energy(model: Model, energy: float) -> int:
    """Return the lowest rank that keeps this fraction of the first Linear's squared weights.

    Raises UsageError for an energy that is not above 0 and at most 1.
    """
    if not 0 < energy <= 1:
        raise UsageError(f"energy {energy:g} is out of range: give a fraction above 0, up to 1")
    energies = _measure_energies(_decompose(model.network)[1])
    return min(
        int(torch.searchsorted(energies, energy - 1e-12)) + 1, find_full_rank(model.architecture)
    )


def find_rank_for_sparsity(shape: Architecture, sparsity: float) -> int:
    """Return the highest rank whose factors save this fraction of the first Linear's weights.

    Raises UsageError where even rank 1 saves less, and for a sparsity outside 0 to below 1.
    """
    if not 0 <= sparsity < 1:
        raise UsageError(
            f"sparsity {sparsity:g} is out of range: give a fraction from 0 to below 1"
        )
    rank = int(
        (1 - sparsity) * shape.hidden * shape.features / (shape.hidden + shape.features) + 1e-9
    )
    if rank < 1:
        raise UsageError(
            f"sparsity {sparsity:g}: even rank 1 of a {shape.hidden} x {shape.features} layer saves"
            " less; give a lower one"
        )
    return min(rank, find_full_rank(shape))


def _get_first_linear(network: Seq2Point) -> Tensor:
    """Return the first Linear as one matrix f64[H, C * taps]."""
    first, second = (network.module(layer) for layer in network.architecture.linear_layers[:2])
    weight = first.weight.detach().double()
    return weight if network.architecture.rank is None else second.weight.detach().double() @ weight


def _decompose(network: Seq2Point) -> tuple[Tensor, Tensor]:
    """Return the first Linear's left singular vectors f64[H, H] and singular values f64[H].

    Both are in descending order. They come from the eigenvectors of W W^T: for 1024 x 28500 weights
    that takes some seconds instead of a minute. The vectors are orthogonal to the last digit, so
    the projection onto all of them is the matrix itself.
    """
    weight_HI = _get_first_linear(network)
    squares, vectors = torch.linalg.eigh(weight_HI @ weight_HI.T)
    return vectors.flip(1), squares.clamp(min=0).sqrt().flip(0)


def _measure_energies(values_H: Tensor) -> Tensor:
    """Return the fraction of the squared weights that each rank keeps, f64[H]."""
    kept = values_H.square().cumsum(0)
    return kept / kept[-1].clamp(min=torch.finfo(kept.dtype).tiny)
