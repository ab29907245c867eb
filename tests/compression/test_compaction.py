"""Compaction gives a smaller network that computes the same, whatever the masks; what must go goes,
and no more.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.examples import try_examples

from seq2point.compression.compaction import CompactedNetwork, compact, compact_network
from seq2point.model.evaluation import evaluate
from seq2point.model.model_file import Model
from seq2point.network import Architecture, Seq2Point, masks
from seq2point.recording import Recording

SHAPES = {
    "two convolutions": Architecture(window=33, channels=(4, 5), kernels=(5, 3), hidden=8),
    "three, and two appliances": Architecture(
        window=21, channels=(3, 2, 4), kernels=(4, 3, 2), hidden=6, outputs=2
    ),
    "one convolution, target near the end": Architecture(
        window=15, target_index=13, channels=(3,), kernels=(7,), hidden=4
    ),
    "one tap": Architecture(window=9, target_index=0, channels=(3, 3), kernels=(5, 5), hidden=5),
    "low rank": Architecture(
        window=25, channels=(3, 4), kernels=(4, 3), hidden=7, rank=3, dropout=0.3
    ),
}
SMALL = SHAPES["two convolutions"]
Masks = dict[str, torch.Tensor]


def built(shape: Architecture, seed: int = 0) -> Seq2Point:
    """A network of random weights and biases in float64."""
    torch.manual_seed(seed)
    network = shape.build().double().eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return network


def all_kept(network: Seq2Point) -> Masks:
    return {name: torch.ones_like(p, dtype=torch.bool) for name, p in network.named_parameters()}


def difference(network: Seq2Point, small: CompactedNetwork, windows: int = 50) -> float:
    """Return the largest difference of the predictions, relative to the largest prediction."""
    torch.manual_seed(99)
    x_BW = torch.randn(windows, network.architecture.window, dtype=torch.float64)
    shape = small.network.architecture
    with torch.no_grad():
        expected = network(x_BW)
        prediction = small.network(x_BW[:, small.first_sample : small.first_sample + shape.window])
    return float((prediction - expected).abs().max() / expected.abs().max().clamp(min=1e-3))


def compacted(network: Seq2Point, chosen: Masks) -> CompactedNetwork:
    """The compacted network, once it is known to equal the masked one and to be all that compaction
    can do.
    """
    masks.apply_(network, chosen)
    before = {name: p.clone() for name, p in network.state_dict().items()}
    small = compact_network(network, chosen)
    assert all(torch.equal(p, before[name]) for name, p in network.state_dict().items())
    assert difference(network, small) < 1e-10
    shape = small.network.architecture
    assert shape.target_index == network.architecture.target_index - small.first_sample
    assert (
        sum(p.numel() for p in small.network.parameters())
        == shape.parameters
        <= network.architecture.parameters
    )
    for name, kept in small.masks.items():
        assert not kept.all()
        assert not small.network.get_parameter(name)[~kept].any()
    again = compact_network(small.network, small.masks)
    assert again.network.architecture == shape
    return small


@st.composite
def masked_networks(draw: st.DrawFn) -> tuple[Seq2Point, Masks]:
    """A network and masks of every structure that a pruner could leave, and of none."""
    network = built(draw(st.sampled_from(list(SHAPES.values()))), draw(st.integers(0, 1000)))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 1000)))
    shares = st.sampled_from([0.0, 0.3, 0.6, 0.9, 1.0])
    chosen = {}
    for name, parameter in network.named_parameters():
        if not draw(st.booleans()):
            continue

        def kept(*size: int, share: float) -> torch.Tensor:
            return torch.rand(*size, generator=generator) >= share

        if name.endswith("bias"):
            chosen[name] = kept(len(parameter), share=draw(shares))
            continue
        width = (
            network.architecture.channels[-1]
            if parameter.shape[1] == network.architecture.features
            else parameter.shape[1]
        )
        outputs, taps = parameter.shape[0], parameter.numel() // parameter.shape[0] // width
        mask = kept(outputs, 1, 1, share=draw(shares)) & kept(1, width, 1, share=draw(shares))
        mask = mask & kept(outputs, width, taps, share=draw(st.sampled_from([0.0, 0.0, 0.5, 0.9])))
        first = draw(st.integers(0, taps))
        mask[..., :first] = False
        mask[..., draw(st.integers(first, taps)) :] = False
        chosen[name] = mask.view_as(parameter)
    return network, chosen


@try_examples(50)
@given(masked_networks())
def test_a_compacted_network_computes_the_same_whatever_the_masks(drawn: tuple[Seq2Point, Masks]):
    compacted(*drawn)


@try_examples(20)
@given(masked_networks(), st.integers(0, 10))
def test_the_predictions_of_a_recording_stay_sample_by_sample(
    drawn: tuple[Seq2Point, Masks], seed: int
):
    network, chosen = drawn
    masks.apply_(network, chosen)
    rng = np.random.default_rng(seed)
    watts = rng.uniform(0, 3000, 150).astype(np.float32)
    watts[70] = np.nan
    model = Model.untrained("kettle", 6.0, network.architecture)
    scale = model.scale.model_copy(
        update={
            f"appliance_{kind}_w": (value,) * network.architecture.outputs
            for kind, value in (("mean", 700.0), ("std", 1e3))
        }
    )
    model = replace(model, network=network.float(), masks=chosen, scale=scale)
    small, recording = compact(model), Recording("h", 6.0, watts)
    for edges in ("empty", "repeat"):
        before, after = (
            m.predict_w(recording, "windows", edges, clip=False) for m in (model, small)
        )
        known = ~np.isnan(before)
        assert known.any()
        assert not np.isnan(after[known]).any()
        np.testing.assert_allclose(
            after[known], before[known], rtol=1e-4, atol=1e-4 * np.abs(before[known]).max()
        )


def test_hidden_units_and_channels_without_weights_and_bias_go_with_what_reads_them():
    network = built(SMALL)
    chosen = all_kept(network)
    for name, gone in (("convolutions.0", [1]), ("convolutions.1", [0, 4]), ("hidden", [2, 3, 7])):
        chosen[f"{name}.weight"][gone] = False
        chosen[f"{name}.bias"][gone] = False
    small = compacted(network, chosen)
    assert small.network.architecture == Architecture(
        window=33, channels=(3, 3), kernels=(5, 3), hidden=5
    )
    assert small.masks == {}
    torch.testing.assert_close(
        small.network.output.weight, network.output.weight[:, [0, 1, 4, 5, 6]]
    )
    torch.testing.assert_close(
        small.network.convolutions[0].weight, network.convolutions[0].weight[[0, 2, 3]]
    )


def test_a_unit_of_bias_alone_becomes_part_of_the_next_bias():
    network = built(SMALL)
    chosen = all_kept(network)
    chosen["convolutions.0.weight"][2] = False
    chosen["hidden.weight"][5] = False
    with torch.no_grad():
        network.convolutions[0].bias[2] = 1.5
        network.hidden.bias[5] = 2.0
    small = compacted(network, chosen)
    assert (small.network.architecture.channels, small.network.architecture.hidden) == ((3, 5), 7)
    added = 1.5 * network.convolutions[1].weight[:, 2].sum(1)
    torch.testing.assert_close(
        small.network.convolutions[1].bias, network.convolutions[1].bias + added
    )
    torch.testing.assert_close(
        small.network.output.bias, network.output.bias + 2 * network.output.weight[:, 5]
    )


def test_a_constant_below_zero_adds_nothing():
    network = built(SMALL)
    chosen = all_kept(network)
    chosen["hidden.weight"][5] = False
    with torch.no_grad():
        network.hidden.bias[5] = -2.0
    assert torch.equal(compacted(network, chosen).network.output.bias, network.output.bias)


def test_a_channel_that_reads_only_constants_is_one_itself_and_so_on():
    network = built(SMALL)
    chosen = all_kept(network)
    chosen["convolutions.0.weight"][[0, 1]] = False
    chosen["convolutions.1.weight"][3, [2, 3]] = False  # reads channels 0 and 1 alone
    chosen["hidden.weight"].view(8, 5, -1)[6, [0, 1, 2, 4]] = False  # reads channel 3 alone
    shape = compacted(network, chosen).network.architecture
    assert (shape.channels, shape.hidden) == ((2, 4), 7)


def test_what_nothing_reads_goes_and_what_it_alone_read():
    network = built(SMALL)
    chosen = all_kept(network)
    chosen["output.weight"][:, [0, 1]] = False
    chosen["hidden.weight"].view(8, 5, -1)[2:, 4] = (
        False  # channel 4 is read by units 0 and 1 alone
    )
    chosen["convolutions.1.weight"][:4, 3] = False  # channel 3 is read by channel 4 alone
    shape = compacted(network, chosen).network.architecture
    assert (shape.channels, shape.hidden) == ((3, 4), 6)


@pytest.mark.parametrize(("first", "last"), [(1, 0), (0, 2), (2, 1)])
def test_outer_taps_shorten_a_kernel_and_the_window_with_it(first: int, last: int):
    network = built(SMALL)
    chosen = all_kept(network)
    chosen["convolutions.0.weight"][..., :first] = False
    chosen["convolutions.0.weight"][..., 5 - last :] = False
    small = compacted(network, chosen)
    assert small.first_sample == first
    assert small.network.architecture == Architecture(
        window=33 - first - last,
        target_index=16 - first,
        channels=(4, 5),
        kernels=(5 - first - last, 3),
        hidden=8,
    )


def test_an_inner_tap_stays_a_zero():
    network = built(SMALL)
    chosen = all_kept(network)
    chosen["convolutions.0.weight"][..., 2] = False
    small = compacted(network, chosen)
    assert small.network.architecture == SMALL
    assert small.masks.keys() == {"convolutions.0.weight"}


def test_outer_time_steps_that_no_unit_reads_shorten_the_window():
    network = built(SMALL)
    chosen = all_kept(network)
    chosen["hidden.weight"].view(8, 5, -1)[..., :7] = False
    chosen["hidden.weight"].view(8, 5, -1)[..., 24:] = False
    small = compacted(network, chosen)
    assert small.first_sample == 7
    assert (small.network.architecture.window, small.network.architecture.target_index) == (23, 9)


def test_the_window_goes_on_holding_its_target():
    network = built(SMALL)
    chosen = all_kept(network)
    chosen["hidden.weight"].view(8, 5, -1)[..., 2:] = (
        False  # 8 samples are read, all before the target
    )
    shape = compacted(network, chosen).network.architecture
    assert (shape.window, shape.target_index) == (17, 16)


def test_a_channel_without_a_reader_in_the_trimmed_steps_still_shares_its_kernel():
    network = built(SMALL)
    chosen = all_kept(network)
    chosen["convolutions.0.weight"][0, :, :2] = False
    assert compacted(network, chosen).network.architecture.kernels == (5, 3)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_network_of_nothing_is_its_outputs_constants_with_one_unit_a_layer(shape: Architecture):
    network = built(shape)
    chosen = {
        name: torch.zeros_like(p, dtype=torch.bool)
        for name, p in network.named_parameters()
        if name != "output.bias"
    }
    masks.apply_(network, chosen)
    small = compact_network(network, chosen).network
    layers = len(shape.channels)
    assert small.architecture == shape.model_copy(
        update={
            "window": 1,
            "target_index": 0,
            "channels": (1,) * layers,
            "kernels": (1,) * layers,
            "hidden": 1,
            "rank": shape.rank and 1,
        }
    )
    with torch.no_grad():
        prediction = small(torch.randn(3, 1, dtype=torch.float64))
    torch.testing.assert_close(prediction, network.output.bias.detach().expand(3, -1))


def test_scattered_zeros_leave_nothing_to_remove():
    network = built(Architecture(window=99, channels=(8, 8), kernels=(5, 5), hidden=64))
    generator = torch.Generator().manual_seed(0)
    chosen = {"hidden.weight": torch.rand(network.hidden.weight.shape, generator=generator) < 0.13}
    model = Model.untrained("kettle", 6.0, network.architecture)
    masks.apply_(network, chosen)
    small = compact(replace(model, network=network, masks=chosen))
    assert small.architecture == model.architecture
    assert torch.equal(small.masks["hidden.weight"], chosen["hidden.weight"])
    assert "compaction" not in small.provenance


def test_zeros_that_no_mask_tells_of_are_weights():
    network = built(SMALL)
    with torch.no_grad():
        network.hidden.weight[3] = 0
        network.hidden.bias[3] = 0
    assert compact_network(network, {}).network.architecture == SMALL


def test_a_rank_that_nothing_reads_goes_too():
    network = built(SHAPES["low rank"])
    chosen = all_kept(network)
    chosen["hidden.weight"][:, 1] = False
    assert compacted(network, chosen).network.architecture.rank == 2


def test_compaction_draws_no_random_numbers_and_keeps_type_and_mode():
    network = built(SMALL).float().train()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    small = compact_network(network, {}).network
    assert torch.equal(torch.rand(3), expected)
    assert small.training
    assert all(p.dtype == torch.float32 and p.requires_grad for p in small.parameters())


def test_the_metrics_stay_and_the_provenance_tells_both_shapes(
    tiny_model: Model, make_recording: Callable[..., Recording]
):
    rng = np.random.default_rng(1)
    kettle_w = np.where(np.arange(600) % 90 < 20, 2500, 0)
    house = make_recording(kettle_w + rng.normal(200, 20, 600), kettle=kettle_w)
    weight = tiny_model.network.hidden.weight
    kept = torch.ones_like(weight, dtype=torch.bool)
    kept[[1, 2, 6]] = False
    tiny_model.masks = {"hidden.weight": kept}
    tiny_model.provenance = {"seed": 3}
    masks.apply_(tiny_model.network, tiny_model.masks)
    small = compact(tiny_model)
    before, after = (evaluate(m, [house]).metrics["kettle"] for m in (tiny_model, small))
    for name, value in before.items():
        assert after[name] == (None if value is None else pytest.approx(value, rel=1e-5))
    assert small.provenance["seed"] == 3
    (step,) = small.provenance["compaction"]
    assert (step["before"]["hidden"], step["after"]["hidden"], step["first_sample"]) == (8, 5, 0)
    assert "compaction" not in tiny_model.provenance
    small.masks = {"output.weight": torch.tensor([[True, True, True, False, True]])}
    steps = compact(small).provenance["compaction"]
    assert [(step["before"]["hidden"], step["after"]["hidden"]) for step in steps] == [
        (8, 5),
        (5, 4),
    ]


def test_a_compacted_model_is_a_model_file_as_any_other(tiny_model: Model, tmp_path):
    kept = torch.ones_like(tiny_model.network.hidden.weight, dtype=torch.bool)
    kept.view(8, 4, -1)[..., :5] = False
    kept[0, 60] = False
    tiny_model.masks = {"hidden.weight": kept}
    small = compact(tiny_model)
    small.save(tmp_path / "small.safetensors")
    back = Model.load(tmp_path / "small.safetensors")
    assert (back.architecture, back.provenance) == (small.architecture, small.provenance)
    assert back.architecture.target_index == 11
    assert torch.equal(back.masks["hidden.weight"], small.masks["hidden.weight"])
