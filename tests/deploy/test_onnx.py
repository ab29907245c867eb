"""An exported float32 file gives the native model's predictions, whatever the network's shape, in
watts.
"""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.deploy.conftest import Export, house, untrained

from seq2point import Architecture, DataError, Model, Recording, UsageError, deploy, runtime
from seq2point.configuration import ExportOptions

SHAPES = {
    "one appliance": Architecture(window=33, channels=(4, 4), kernels=(5, 3), hidden=8),
    "three appliances, an early target": Architecture(
        window=40, target_index=35, channels=(3, 5), kernels=(4, 2), hidden=7, outputs=3
    ),
    "low rank": Architecture(
        window=33, channels=(4, 4), kernels=(5, 3), hidden=8, rank=3, outputs=2
    ),
    "one convolution, one tap left": Architecture(
        window=9, channels=(6,), kernels=(9,), hidden=5, dropout=0.5
    ),
}


@st.composite
def shapes(draw: st.DrawFn) -> Architecture:
    kernels = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    window = sum(k - 1 for k in kernels) + draw(st.integers(1, 12))
    hidden = draw(st.integers(1, 9))
    return Architecture(
        window=window,
        target_index=draw(st.integers(0, window - 1)),
        channels=tuple(draw(st.integers(1, 6)) for _ in kernels),
        kernels=tuple(kernels),
        hidden=hidden,
        outputs=draw(st.integers(1, 3)),
        rank=draw(st.none() | st.integers(1, hidden)),
    )


@pytest.mark.filterwarnings("ignore:the model predicts")
@settings(max_examples=25)
@given(
    shape=shapes(),
    sliding=st.booleans(),
    edges=st.sampled_from(["empty", "repeat"]),
    engine=st.sampled_from(["sliding", "windows"]),
)
def test_any_network_predictions_as_the_native_one_around_gaps(
    shape, sliding, edges, engine, tmp_path_factory
):
    model = untrained(shape)
    mains_w = house(400).mains_w.copy()
    mains_w[[150, 390]] = np.nan
    recording = Recording("home", 6.0, mains_w)
    out = tmp_path_factory.mktemp("any") / "model.onnx"
    deploy.find_target("onnx").export(model, out, ExportOptions(sliding=sliding))
    native_w = model.predict_w(recording, edges=edges)
    exported_w = runtime.load(out, 1).predict_w(recording, engine, edges)
    assert exported_w.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(exported_w), np.isnan(native_w))
    np.testing.assert_allclose(
        exported_w, native_w, atol=1e-5 * max(float(np.nanmax(native_w, initial=0)), 100.0)
    )


@pytest.mark.parametrize("name", SHAPES)
def test_windows_of_any_batch_go_in_and_watts_come_out(name: str, export: Export, tmp_path: Path):
    shape = SHAPES[name]
    model = untrained(shape)
    export(model)
    session = ort.InferenceSession(tmp_path / "model.onnx")
    assert [(i.name, i.shape) for i in session.get_inputs()] == [
        ("mains_w", ["batch", shape.window])
    ]
    assert [(o.name, o.shape) for o in session.get_outputs()] == [
        ("power_w", ["batch", shape.outputs])
    ]
    scaled = (
        torch.linspace(0, 4000, 5 * shape.window).view(5, -1) - model.scale.mains_mean_w
    ) / model.scale.mains_std_w
    with torch.no_grad():
        native = model.network.eval()(scaled) * torch.tensor(
            model.scale.appliance_std_w
        ) + torch.tensor(model.scale.appliance_mean_w)
    mains_w = np.linspace(0, 4000, 5 * shape.window, dtype=np.float32).reshape(5, -1)
    for batch in (1, 5):
        (power_w,) = session.run(None, {"mains_w": mains_w[:batch]})
        assert power_w.shape == (batch, shape.outputs)
        np.testing.assert_allclose(power_w, native[:batch].clamp(min=0), atol=0.05)
    assert (native > 0).any()


@pytest.mark.parametrize("name", SHAPES)
def test_a_sliding_file_answers_all_windows_of_chunks_of_any_length(
    name: str, export: Export, tmp_path: Path
):
    shape = SHAPES[name]
    opened = export(untrained(shape), sliding=True)
    session = ort.InferenceSession(tmp_path / "model.onnx")
    mains_w = house(300).mains_w
    whole = opened.run_chunk(mains_w)
    assert whole.shape == (300 - shape.window + 1, shape.outputs)
    for length in (shape.window, 77, 300):
        (power_w,) = session.run(None, {"mains_w": np.stack([mains_w[:length], mains_w[-length:]])})
        assert power_w.shape == (2, length - shape.window + 1, shape.outputs)
        np.testing.assert_allclose(
            power_w, [whole[: power_w.shape[1]], whole[-power_w.shape[1] :]], atol=0.01
        )


@pytest.mark.parametrize("sliding", [False, True])
def test_the_file_is_sound_and_says_what_it_is_to_readers_that_know_only_onnx(
    sliding: bool, export: Export, tmp_path: Path
):
    model = untrained(SHAPES["three appliances, an early target"])
    export(model, sliding=sliding)
    proto = onnx.load(tmp_path / "model.onnx")
    onnx.checker.check_model(proto, full_check=True)
    metadata = {entry.key: entry.value for entry in proto.metadata_props}
    assert [row["name"] for row in json.loads(metadata["appliances"])] == [
        a.name for a in model.appliances
    ]
    assert json.loads(metadata["appliances"])[0]["on_power_w"] == 2000
    assert (
        json.loads(metadata["period_s"]),
        json.loads(metadata["window"]),
        json.loads(metadata["target_index"]),
    ) == (6.0, 40, 35)
    assert json.loads(metadata["scale"])["mains_mean_w"] == 522
    assert json.loads(metadata["provenance"])["made"] == "here"
    assert json.loads(metadata["sliding"]) is sliding
    assert len(metadata["sha256"]) == 64


def test_what_has_the_wrong_shape_is_refused(export: Export):
    opened = export(untrained(SHAPES["one appliance"]), sliding=True)
    with pytest.raises(
        DataError, match=r"windows of shape \[2, 40\]: the model needs \[batch, 33\]"
    ):
        opened.run(np.zeros((2, 40), np.float32))
    with pytest.raises(
        DataError, match=r"a chunk of shape \[20\]: the model needs \[length\], of at least 33"
    ):
        opened.run_chunk(np.zeros(20, np.float32))


def test_a_series_comes_back_as_its_own_kind(export: Export):
    import pandas as pd
    import polars as pl

    model = untrained(SHAPES["one appliance"])
    opened = export(model)
    mains_w = house(200).mains_w
    for series in (
        mains_w,
        pl.Series(mains_w),
        pd.Series(mains_w, pd.date_range("2024-01-01", periods=200, freq="6s")),
    ):
        power_w = opened.disaggregate(series)
        assert type(power_w) is type(series)
        np.testing.assert_allclose(power_w, model.disaggregate(mains_w), atol=0.01)


def test_an_unknown_target_and_options_that_do_not_fit_are_refused(tmp_path: Path):
    model = untrained(SHAPES["one appliance"])
    with pytest.raises(UsageError, match="unknown target 'abacus': choose one of onnx, litert"):
        deploy.find_target("abacus")
    for out, options, message in (
        ("model.tflite", ExportOptions(), "an ONNX file is written as .onnx"),
        ("model.onnx", ExportOptions(calibrate=house()), "`calibrate` is for `int8` alone"),
        ("model.onnx", ExportOptions(ram_bytes=1), "`ram_bytes` is not for target onnx"),
    ):
        with pytest.raises(UsageError, match=message):
            deploy.find_target("onnx").export(model, tmp_path / out, options)
    assert not list(tmp_path.iterdir())


def test_a_model_that_never_trained_is_exported_as_any_other(export: Export):
    assert export(Model.untrained("fridge", 8.0, SHAPES["one appliance"])).period_s == 8.0
