"""A network with one more Linear layer: every module that asks for its layers serves it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import PositiveInt
from tests.deploy.conftest import house, untrained
from tests.training.conftest import rectangles
from torch.utils.flop_counter import FlopCounterMode

from seq2point import Model, Recording, deploy, runtime
from seq2point.appliances import find_appliance
from seq2point.compression import costs
from seq2point.compression.compaction import compact
from seq2point.compression.low_rank import factorise, find_full_rank
from seq2point.compression.pruning import SPP, PruneState, Structured
from seq2point.configuration import ExportOptions, Tolerances
from seq2point.deploy.verify import verify
from seq2point.errors import ModelFileError
from seq2point.network import Architecture, Layer, connect, masks, sliding
from seq2point.report.costs import make_cost_rows
from seq2point.system.c_compiler import find_compiler
from seq2point.training import train_with_history
from seq2point.training.joined_models import join_models
from seq2point.training.transfer import replace_appliance

NAMES = ["convolutions.0", "convolutions.1", "hidden", "second", "output"]


class TwoHidden(Architecture):
    """The network with a second hidden layer. Nothing outside this class knows of it."""

    second: PositiveInt = 6

    def layers(self) -> tuple[Layer, ...]:
        """Return the layers in options."""
        *before, output = super().layers()
        second = Layer("second", self.hidden, self.second)
        return connect([*before, second, output._replace(inputs=self.second)])

    def sizes(self, layers: Mapping[str, Layer]) -> dict[str, Any]:
        """Return the fields that say the outputs and taps of layers."""
        return super().sizes(layers) | {"second": layers["second"].outputs}


SHAPE = TwoHidden(window=33, channels=(4, 5), kernels=(5, 3), hidden=9)


@pytest.fixture
def model() -> Model:
    """Return a kettle model with biases: its predictions lie on both sides of zero watts."""
    model = untrained(SHAPE)
    for name, parameter in model.network.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter, std=0.2)
    model.network.eval()
    return model


@pytest.fixture
def no_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure no costs: the processes whose memory is measured take seconds."""
    monkeypatch.setattr("seq2point.deploy.verify._measure_costs", lambda *_: {})


def predict_random_windows(model: Model) -> torch.Tensor:
    torch.manual_seed(9)
    with torch.no_grad():
        return model.network(torch.randn(50, 33))


def pruned(model: Model, **settings: Any) -> Model:
    chosen = Structured(**settings).masks_once(model.network)
    masks.apply_(model.network, chosen)
    return replace(model, masks=chosen)


def test_it_computes_what_is_written_out(model: Model):
    weights, relu = model.network.state_dict(), torch.relu
    x = torch.randn(7, 33)
    f = x[:, None]
    for name in NAMES[:2]:
        f = relu(torch.nn.functional.conv1d(f, weights[f"{name}.weight"], weights[f"{name}.bias"]))
    f = f.flatten(1)
    for name in NAMES[2:]:
        f = f @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
        f = f if name == "output" else relu(f)
    torch.testing.assert_close(model.network(x), f)


def test_it_is_counted(model: Model):
    assert SHAPE.parameters == sum(p.numel() for p in model.network.parameters())
    with FlopCounterMode(display=False) as counter:
        model.network(torch.zeros(1, 33))
    assert SHAPE.multiply_adds == counter.get_total_flops() / 2
    assert [row.name for row in masks.count_weights(model.network, {})] == [
        f"{name}.weight" for name in NAMES
    ]


def test_units_of_every_layer_go_with_what_reads_them(model: Model):
    small = pruned(model, sparsity=0.4)
    assert set(small.masks) == {f"{name}.weight" for name in NAMES} | {
        f"{name}.bias" for name in NAMES[:-1]
    }
    kept = small.masks["second.bias"]
    assert int(kept.sum()) == 4
    assert torch.equal(small.masks["output.weight"], kept[None])
    assert torch.equal(small.masks["second.weight"], kept[:, None] & small.masks["hidden.bias"])


def test_probabilistic_pruning_draws_for_every_layer(model: Model):
    pruner = SPP()
    memory = dict(pruner.begin(model.network, seed=1).memory) | {"step": 1}
    memory |= {
        k: torch.full_like(torch.as_tensor(v), 0.5)
        for k, v in memory.items()
        if k.startswith("probability.")
    }
    drawn = pruner.masks_for_step(PruneState(memory=memory)) or {}
    assert {name.rpartition(".")[0] for name in drawn} == set(NAMES[:-1])
    before = {name: t.clone() for name, t in model.network.state_dict().items()}
    stashes = masks.stash_(model.network, drawn)
    dropped = ~drawn["second.weight"].flatten()
    assert dropped.any()
    assert not model.network.get_parameter("second.weight")[dropped].any()
    masks.restore_(model.network, stashes)
    assert all(torch.equal(t, before[name]) for name, t in model.network.state_dict().items())


def test_a_compacted_one_is_of_its_kind_with_the_same_predict_random_windows(model: Model):
    whole = pruned(model, sparsity=0.4)
    small = compact(whole)
    assert small.architecture == TwoHidden(
        window=33, channels=(2, 3), kernels=(5, 3), hidden=5, second=4
    )
    torch.testing.assert_close(predict_random_windows(small), predict_random_windows(whole))


def test_its_costs_stand_beside_those_of_the_compacted_one(model: Model):
    whole = pruned(model, sparsity=0.4)
    small = compact(whole)
    result = costs.measure_costs({"whole": whole, "compacted": small})
    assert [row["name"] for row in result["models"]["whole"]["layers"]] == [
        f"{name}.weight" for name in NAMES
    ]
    assert (
        result["models"]["compacted"]["parameters"]
        == small.architecture.parameters
        < SHAPE.parameters
    )
    (row,) = (row for row in make_cost_rows(result) if row[0] == "second.weight")
    assert row[1:] == ["20 of 54 (34 zero)", "20"]


def test_low_rank_splits_its_first_linear_layer(model: Model):
    narrow = factorise(model, find_full_rank(SHAPE))
    assert [layer.name for layer in narrow.architecture.linear_layers] == ["projection", *NAMES[2:]]
    torch.testing.assert_close(predict_random_windows(narrow), predict_random_windows(model))


@pytest.mark.parametrize("rank", [None, 3])
def test_sliding_equals_window_by_window_with_its_gradients(rank: int | None):
    torch.manual_seed(2)
    network = SHAPE.model_copy(update={"rank": rank}).build().double()
    series = torch.randn(700, dtype=torch.float64)
    expected = sliding.predict_windows(network.eval(), series)
    torch.testing.assert_close(sliding.predict(network, series), expected)
    gradients = []
    for prediction in (
        sliding.predict_chunks(network, series[None])[0],
        network(series.unfold(0, 33, 1)),
    ):
        network.zero_grad()
        prediction.square().sum().backward()
        gradients.append([p.grad.clone() for p in network.parameters() if p.grad is not None])
    assert len(gradients[0]) == len(gradients[1]) == len(list(network.parameters()))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("freeze", ["none", "convolutions", "all-but-output"])
def test_it_is_trained_on_with_layers_frozen(freeze: Any, model: Model):
    before = {name: t.clone() for name, t in model.network.state_dict().items()}
    options = {"engine": "sliding", "chunk": 40, "batch_size": 80, "steps": 5, "progress": False}
    trained = train_with_history(
        rectangles(1200, 3), "kettle", start=model, freeze=freeze, **options
    ).model
    moved = {
        name.rpartition(".")[0]
        for name, t in trained.network.state_dict().items()
        if not torch.equal(t, before[name])
    }
    assert (
        moved
        == {"none": {*NAMES}, "convolutions": {*NAMES[2:]}, "all-but-output": {"output"}}[freeze]
    )


def test_models_of_two_appliances_are_joined(model: Model):
    labelled = Recording("home", 6.0, house().mains_w, {"microwave": house().mains_w})
    other = replace_appliance(model, find_appliance("microwave"), [labelled])
    both = join_models([model, other])
    assert both.architecture == TwoHidden(
        window=33, channels=(4, 5), kernels=(5, 3), hidden=18, second=12, outputs=2
    )
    torch.testing.assert_close(
        predict_random_windows(both),
        torch.cat([predict_random_windows(model), predict_random_windows(other)], dim=1),
    )


@pytest.mark.usefixtures("no_costs")
@pytest.mark.parametrize(
    "options", [{}, {"sliding": True}, {"int8": True}], ids=["windows", "sliding", "int8"]
)
def test_its_onnx_file_holds_against_it(options: dict[str, Any], model: Model, tmp_path: Path):
    out, recording = tmp_path / "model.onnx", house(6000)
    limits = Tolerances(on_mae=9, sae=9) if options.get("int8") else Tolerances()
    calibrate = recording if options.get("int8") else None
    deploy.find_target("onnx").export(
        model, out, ExportOptions(**options, calibrate=calibrate, limits=limits)
    )
    native_w, power_w = model.predict_w(recording), runtime.load(out, 1).predict_w(recording)
    assert not verify(out, model, recording, limits).failures
    assert np.nanmean(np.abs(power_w - native_w)) < (
        0.02 if options.get("int8") else 1e-5
    ) * np.nanmax(native_w)


@pytest.mark.usefixtures("no_costs")
def test_its_litert_file_holds_against_it(model: Model, tmp_path: Path):
    pytest.importorskip(
        "ai_edge_litert", reason="LiteRT has an environment of its own: make test-litert"
    )
    out = tmp_path / "model.tflite"
    deploy.find_target("litert").export(model, out, ExportOptions())
    assert verify(out, model, house(2000)).relative < 1e-4
    assert runtime.load(out).window == 33


@pytest.mark.usefixtures("no_costs")
@pytest.mark.skipif(find_compiler() is None, reason="no C compiler here")
def test_its_c_source_holds_against_it(model: Model, tmp_path: Path):
    recording = house(6000)
    options = ExportOptions(calibrate=recording, limits=Tolerances(on_mae=9, sae=9))
    deploy.find_target("microcontroller").export(model, tmp_path / "model.c", options)
    result = verify(tmp_path / "model.c", model, recording, options.limits)
    assert not result.failures
    assert result.relative < 0.02


def test_its_file_is_refused_by_the_field_that_nobody_knows(model: Model, tmp_path: Path):
    model.save(tmp_path / "model.safetensors")
    with pytest.raises(
        ModelFileError, match=r"header field architecture\.second: Extra inputs are not permitted"
    ):
        Model.load(tmp_path / "model.safetensors")


def test_its_watts_are_the_same_from_both_engines(model: Model):
    recording = house(2000)
    by_engine = [
        model.predict_w(recording, engine=engine, clip=False) for engine in ("sliding", "windows")
    ]  # type: ignore[arg-type]
    largest_w = float(np.nanmax(np.abs(by_engine[1])))
    np.testing.assert_allclose(by_engine[0], by_engine[1], atol=1e-5 * largest_w)
