"""Low rank: a trained model whose first Linear becomes a product of two narrow ones, by truncated
singular value decomposition.

The first Linear holds nearly all of the weights. Its best approximation of a rank (Eckart and Young
1936), with which Xue et al. (Interspeech 2013) compressed Linear layers, needs no data: the
baseline that pruning should beat. A factorisation is no mask; it changes the answers, and training
on gets some of the loss back.
"""

from dataclasses import replace

import torch
from torch import Tensor

from seq2point.errors import UsageError
from seq2point.model.model_file import Model
from seq2point.network import Architecture, Seq2Point


def factorise(model: Model, rank: int) -> Model:
    """A model whose first Linear has this rank; where it has one already, a lower rank of the
    product.

    Masks of the first Linear end here, since the product of its factors has no zeros; all others
    stay. The rank is recorded in the provenance under 'factorisation', with the share of the
    squared weights that it keeps; the metrics of before go.
    Raises UsageError for a rank that the layer cannot have.
    """
    most = find_full_rank(model.architecture)
    if not 1 <= rank <= most:
        raise UsageError(f"a rank of {rank}: the first Linear can have 1 to {most}")
    shape = model.architecture.model_copy(update={"rank": rank})
    left, values = _left(model.network)
    weights = split_weight(_first_linear(model.network), left, values, rank)
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
    step = {"rank": rank, "energy": float(_energies(values)[rank - 1])}
    return replace(
        model,
        network=network,
        masks={name: mask for name, mask in model.masks.items() if name not in narrow},
        provenance={name: what for name, what in model.provenance.items() if name != "metrics"}
        | {"factorisation": step},
    )


def split_weight(
    weight_HI: Tensor, left_HH: Tensor, values_H: Tensor, rank: int
) -> tuple[Tensor, Tensor]:
    """Both factors of a rank, f64[H, r] and f64[r, I], the singular values shared evenly so that
    they train on well.

    The weights are projected onto the first left singular vectors, which is the truncated
    decomposition.
    """
    vectors = left_HH[:, :rank]
    root = values_H[:rank].sqrt()
    root = torch.where(root > 0, root, 1.0)
    return vectors * root, (vectors.T @ weight_HI) / root[:, None]


def find_full_rank(shape: Architecture) -> int:
    """The highest rank that the first Linear of a network can have."""
    return min(shape.hidden, shape.features)


def find_rank_for_energy(model: Model, energy: float) -> int:
    """The lowest rank that keeps this fraction of the first Linear's squared weights; raises
    UsageError outside 0 to 1.
    """
    if not 0 < energy <= 1:
        raise UsageError(f"an energy of {energy:g}: a fraction above 0, up to 1")
    energies = _energies(_left(model.network)[1])
    return min(
        int(torch.searchsorted(energies, energy - 1e-12)) + 1, find_full_rank(model.architecture)
    )


def find_rank_for_sparsity(shape: Architecture, sparsity: float) -> int:
    """The highest rank whose factors save this fraction of the full first Linear's weights.

    Raises UsageError where even rank 1 saves less, and outside 0 to 1.
    """
    if not 0 <= sparsity < 1:
        raise UsageError(f"a sparsity of {sparsity:g}: a fraction from 0, below 1")
    rank = int(
        (1 - sparsity) * shape.hidden * shape.features / (shape.hidden + shape.features) + 1e-9
    )
    if rank < 1:
        raise UsageError(
            f"a sparsity of {sparsity:g}: even rank 1 of a {shape.hidden} x {shape.features} layer"
            " saves less"
        )
    return min(rank, find_full_rank(shape))


def _first_linear(network: Seq2Point) -> Tensor:
    """The first Linear as one matrix f64[H, C * taps]."""
    first, second = (network.module(layer) for layer in network.architecture.linear_layers[:2])
    weight = first.weight.detach().double()
    return weight if network.architecture.rank is None else second.weight.detach().double() @ weight


def _left(network: Seq2Point) -> tuple[Tensor, Tensor]:
    """The left singular vectors f64[H, H] of the first Linear and its singular values f64[H],
    descending.

    From the eigenvectors of W W^T: for 1024 x 28500 weights some seconds instead of a minute. They
    are orthogonal to the last digit, so the projection onto all of them is the matrix itself.
    """
    weight_HI = _first_linear(network)
    squares, vectors = torch.linalg.eigh(weight_HI @ weight_HI.T)
    return vectors.flip(1), squares.clamp(min=0).sqrt().flip(0)


def _energies(values_H: Tensor) -> Tensor:
    """The fraction of the squared weights that each rank keeps, f64[H]."""
    kept = values_H.square().cumsum(0)
    return kept / kept[-1].clamp(min=torch.finfo(kept.dtype).tiny)
