"""The network of Zhang et al. 2018: its exact size, its arithmetic, and its shape as data."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn import functional as F

from seq2point.errors import UsageError
from seq2point.network import NETWORKS, Architecture, Seq2Point, find_network

SMALL = Architecture(window=33, channels=(4, 4), kernels=(5, 3), hidden=8)
COUNTS = {
    "seq2point": 29_223_449,
    "dropout": 29_223_449,
    "reduced": 11_834_895,
    "reduced_dropout": 11_834_895,
}


def build_positive(architecture: Architecture) -> Seq2Point:
    """Return a network of positive weights: for positive readings no ReLU hides a change."""
    network = architecture.build().eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight.abs_()
    return network


@pytest.mark.parametrize("name", NETWORKS)
def test_every_variant_has_the_parameters_that_its_layers_add_up_to(name: str):
    architecture = NETWORKS[name]
    layers: list[nn.Module] = []
    inputs, length = 1, architecture.window
    for channels, kernel in zip(architecture.channels, architecture.kernels, strict=True):
        layers.append(nn.Conv1d(inputs, channels, kernel, device="meta"))
        inputs, length = channels, length - kernel + 1
    layers += [
        nn.Linear(inputs * length, architecture.hidden, device="meta"),
        nn.Linear(architecture.hidden, 1, device="meta"),
    ]
    independent = sum(p.numel() for layer in layers for p in layer.parameters())
    with torch.device("meta"):
        built = sum(p.numel() for p in architecture.build().parameters())
    assert architecture.parameters == built == independent == COUNTS[name]


def test_one_default_window_costs_50_586_224_multiply_adds():
    assert Architecture().multiply_adds == 50_586_224


def test_the_default_is_the_papers_network():
    default = Architecture()
    assert (default.window, default.target_index, default.taps) == (599, 299, 570)
    assert default.channels == (30, 30, 40, 50, 50)
    assert default.kernels == (10, 8, 6, 5, 5)
    assert default.hidden == 1024
    assert NETWORKS["dropout"].dropout == NETWORKS["reduced_dropout"].dropout == 0.5


def compute_by_hand(weights: dict[str, Tensor], architecture: Architecture, x_BW: Tensor) -> Tensor:
    """Compute the network's output with torch's functions.

    The first Linear sums over channel and tap, in that order.
    """
    f = x_BW[:, None]
    for i in range(len(architecture.channels)):
        f = F.relu(
            F.conv1d(f, weights[f"convolutions.{i}.weight"], weights[f"convolutions.{i}.bias"])
        )
    hidden_OCK = weights["hidden.weight"].view(
        architecture.hidden, architecture.channels[-1], architecture.taps
    )
    h = F.relu(torch.einsum("ock,bck->bo", hidden_OCK, f) + weights["hidden.bias"])
    return h @ weights["output.weight"].T + weights["output.bias"]


@pytest.mark.parametrize(
    "architecture", [SMALL, Architecture(window=61, outputs=2, hidden=16), Architecture(hidden=4)]
)
def test_the_network_is_valid_convolutions_then_a_channel_major_flatten(architecture: Architecture):
    torch.manual_seed(1)
    network = architecture.build().double()
    nn.init.normal_(network.hidden.bias)
    x_BW = torch.randn(5, architecture.window, dtype=torch.float64)
    expected = compute_by_hand(network.state_dict(), architecture, x_BW)
    assert expected.shape == (5, architecture.outputs)
    torch.testing.assert_close(network(x_BW), expected)


@settings(deadline=None)
@given(
    moved=st.integers(0, 99),
    kernels=st.sampled_from([(5, 3), (7,), (3, 3, 2)]),
    window=st.sampled_from([15, 33]),
)
def test_moving_one_sample_changes_exactly_the_predictions_of_the_windows_that_hold_it(
    moved: int, kernels: tuple[int, ...], window: int
):
    torch.manual_seed(2)
    network = build_positive(
        Architecture(window=window, channels=(3,) * len(kernels), kernels=kernels, hidden=5)
    ).double()
    series = torch.rand(100, dtype=torch.float64)
    after = series.clone()
    after[moved] += 1
    with torch.no_grad():
        changed = (network(series.unfold(0, window, 1)) != network(after.unfold(0, window, 1)))[
            :, 0
        ]
    starts = torch.arange(100 - window + 1)
    assert torch.equal(changed, (starts <= moved) & (moved < starts + window))


def test_every_one_of_the_599_samples_moves_the_default_networks_prediction():
    network = build_positive(Architecture())
    x = torch.rand(1, 599, requires_grad=True)
    network(x).sum().backward()
    assert x.grad is not None
    assert (x.grad > 0).all()


def test_a_dropout_network_is_random_while_training_and_only_then():
    network = Architecture(**SMALL.model_dump(exclude={"dropout"}), dropout=0.5).build()
    x_BW = torch.rand(8, 33)
    assert not torch.equal(network(x_BW), network(x_BW))
    network.eval()
    assert torch.equal(network(x_BW), network(x_BW))


def test_biases_start_at_zero_and_weights_within_glorots_bounds():
    network = Architecture(window=61, hidden=32).build()
    for name, values in network.named_parameters():
        if name.endswith("bias"):
            assert not values.any()
        else:
            taps = values[0, 0].numel()
            bound = (6 / (taps * (values.shape[0] + values.shape[1]))) ** 0.5
            assert 0.8 * bound < values.abs().max() <= bound


@given(
    window=st.integers(20, 1000),
    layers=st.lists(st.tuples(st.integers(1, 50), st.integers(1, 5)), min_size=1, max_size=4),
    hidden=st.integers(1, 2000),
    outputs=st.integers(1, 5),
    dropout=st.floats(0, 0.99),
    data=st.data(),
)
def test_an_architecture_survives_json(
    window: int,
    layers: list[tuple[int, int]],
    hidden: int,
    outputs: int,
    dropout: float,
    data: st.DataObject,
):
    channels, kernels = zip(*layers, strict=True)
    architecture = Architecture(
        window=window,
        target_index=data.draw(st.integers(0, window - 1)),
        channels=channels,
        kernels=kernels,
        hidden=hidden,
        outputs=outputs,
        dropout=dropout,
    )
    assert Architecture.model_validate_json(architecture.model_dump_json()) == architecture


def test_an_architecture_is_frozen_and_can_be_a_key():
    architecture = Architecture()
    with pytest.raises(ValidationError, match="frozen"):
        architecture.window = 99  # type: ignore[misc]
    assert {architecture: 1}[Architecture()] == 1


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({"window": 29}, "window 29 is too short .* give at least 30 samples"),
        ({"channels": (4, 4), "kernels": (3,)}, "2 channels for 1 kernels"),
        ({"channels": (), "kernels": ()}, "0 channels for 0 kernels"),
        ({"target_index": 599}, "target_index 599 lies outside the window: give 0 to 598"),
        ({"target_index": -2}, "target_index -2 lies outside"),
        ({"window": 0}, "greater than 0"),
        ({"channels": (4, 0, 4, 4, 4)}, "greater than 0"),
        ({"hidden": 0}, "greater than 0"),
        ({"dropout": 1.0}, "less than 1"),
        ({"widnow": 599}, "Extra inputs are not permitted"),
    ],
)
def test_a_shape_that_does_not_fit_is_refused_with_the_reason(
    shape: dict[str, object], message: str
):
    with pytest.raises(ValidationError, match=message):
        Architecture.model_validate(shape)


@pytest.mark.parametrize("window", [33, 35, 599, 601])
def test_the_target_is_the_midpoint_unless_it_is_given(window: int):
    assert Architecture(window=window).target_index == (window - 1) // 2
    assert Architecture(window=window, target_index=7).target_index == 7


def test_default_is_another_name_of_seq2point():
    assert find_network("default") == find_network("seq2point") == Architecture()


def test_a_named_network_can_have_another_window_and_keeps_all_else():
    assert find_network("reduced_dropout", 99) == Architecture(
        window=99, channels=(20, 20, 30, 40, 40), kernels=(8, 6, 5, 4, 4), hidden=512, dropout=0.5
    )


@pytest.mark.parametrize(
    ("name", "window", "message"),
    [
        (
            "seq2piont",
            None,
            (
                "unknown network 'seq2piont': choose one of seq2point, reduced, dropout,"
                " reduced_dropout"
            ),
        ),
        (
            "seq2point",
            600,
            "window 600 does not fit network 'seq2point': give an odd number of at least 30",
        ),
        (
            "reduced",
            21,
            "window 21 does not fit network 'reduced': give an odd number of at least 23",
        ),
    ],
)
def test_a_network_that_does_not_exist_or_fit_is_a_usage_error(
    name: str, window: int | None, message: str
):
    with pytest.raises(UsageError, match=message):
        find_network(name, window)


LOW_RANK = SMALL.model_copy(update={"rank": 3})


def test_a_rank_makes_the_first_linear_a_product_of_two():
    torch.manual_seed(1)
    network = LOW_RANK.build().double()
    assert {
        name: tuple(p.shape)
        for name, p in network.named_parameters()
        if name.startswith(("projection", "hidden"))
    } == {
        "projection.weight": (3, 4 * 27),
        "hidden.weight": (8, 3),
        "hidden.bias": (8,),
    }
    assert network.projection is not None
    x_BW = torch.randn(5, 33, dtype=torch.float64)
    dense = SMALL.build().double()
    weights = network.state_dict()
    projection = weights.pop("projection.weight")
    dense.load_state_dict(weights | {"hidden.weight": weights["hidden.weight"] @ projection})
    torch.testing.assert_close(network(x_BW), dense(x_BW))


def test_parameters_and_multiply_adds_count_the_rank():
    assert LOW_RANK.parameters == sum(p.numel() for p in LOW_RANK.build().parameters())
    assert SMALL.multiply_adds - LOW_RANK.multiply_adds == 8 * 108 - 3 * (8 + 108)


def test_no_rank_is_not_written_so_that_older_readers_know_every_word():
    assert "rank" not in SMALL.model_dump()
    assert "rank" not in SMALL.model_dump_json()
    assert Architecture.model_validate_json(LOW_RANK.model_dump_json()) == LOW_RANK
