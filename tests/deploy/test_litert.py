"""LiteRT files in LiteRT's interpreter: any network, any batch, int8 by channel, readable by who
knows only the format.
"""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from tests.deploy.conftest import house, untrained
from tests.deploy.test_onnx import SHAPES

from seq2point import Architecture, UsageError, deploy, runtime
from seq2point.configuration import ExportOptions, Tolerances

if not find_spec("ai_edge_litert"):
    pytest.skip("LiteRT has an environment of its own: make test-litert", allow_module_level=True)

from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

pytestmark = pytest.mark.usefixtures("no_costs")

ALL = Tolerances(on_mae=9.0, sae=9.0)


@pytest.mark.parametrize("name", SHAPES)
def test_any_network_predictions_as_the_native_one_around_gaps(name: str, tmp_path: Path):
    model, recording = untrained(SHAPES[name]), house(2000)
    recording.mains_w[[500, 1990]] = np.nan
    deploy.find_target("litert").export(model, tmp_path / "model.tflite", ExportOptions())
    native_w, power_w = (
        model.predict_w(recording),
        runtime.load(tmp_path / "model.tflite", 1).predict_w(recording),
    )
    np.testing.assert_array_equal(np.isnan(power_w), np.isnan(native_w))
    np.testing.assert_allclose(
        power_w, native_w, atol=1e-5 * max(float(np.nanmax(native_w)), 100.0)
    )


def test_windows_of_any_batch_go_in_and_watts_come_out_by_their_names(tmp_path: Path):
    shape = SHAPES["three appliances, an early target"]
    model, path = untrained(shape), tmp_path / "model.tflite"
    deploy.find_target("litert").export(model, path, ExportOptions())
    windows_w = house(300).mains_w[:280].reshape(7, 40)
    expected_w = runtime.load(path).run(windows_w)
    interpreter = Interpreter(str(path))
    (into,) = interpreter.get_input_details()
    assert (into["name"], into["shape_signature"].tolist()) == ("mains_w", [-1, 40])
    answer = interpreter.get_signature_runner("serving_default")
    for batch in (1, 7):
        power_w = answer(mains_w=windows_w[:batch])["power_w"]
        assert power_w.shape == (batch, 3)
        np.testing.assert_allclose(power_w, expected_w[:batch], rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("name", ["one appliance", "low rank", "three appliances, an early target"])
def test_int8_is_by_channel_between_true_extremes_and_near_the_native_model(
    name: str, tmp_path: Path
):
    shape = SHAPES[name].model_copy(update={"hidden": 40})
    model, recording, path = (
        untrained(shape),
        house(9000, outputs=shape.outputs),
        tmp_path / "model.tflite",
    )
    report = (
        deploy.find_target("litert")
        .export(model, path, ExportOptions(int8=True, calibrate=recording, limits=ALL))
        .report
    )
    assert len(report["quantization"]["candidates"]) == 3
    native_w, power_w = model.predict_w(recording), runtime.load(path).predict_w(recording)
    assert np.nanmean(np.abs(power_w - native_w)) < 0.02 * np.nanmax(native_w)
    assert len(np.unique(power_w[np.isfinite(power_w)])) > 1000
    graph = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes())).subgraphs[0]
    (hidden,) = (tensor for tensor in graph.tensors if tensor.name == b"hidden.weight")
    weight = model.network.hidden.weight.detach().numpy()
    assert hidden.type == schema.TensorType.INT8
    np.testing.assert_allclose(
        hidden.quantization.scale, np.abs(weight).max(axis=1) / 127, rtol=1e-5
    )


def test_readers_that_know_only_the_format_find_aligned_weights_and_the_metadata(tmp_path: Path):
    path = tmp_path / "model.tflite"
    deploy.find_target("litert").export(untrained(SHAPES["one appliance"]), path, ExportOptions())
    content = path.read_bytes()
    assert schema.Model.ModelBufferHasIdentifier(content, 0)
    model = schema.Model.GetRootAs(content)
    for i in range(1, model.BuffersLength()):
        buffer = model.Buffers(i)
        assert buffer._tab.Vector(buffer._tab.Offset(4)) % 16 == 0
        assert not buffer.Offset()
    assert model.Metadata(0).Name() == b"seq2point"
    metadata = json.loads(model.Buffers(model.Metadata(0).Buffer()).DataAsNumpy().tobytes())
    assert (metadata["period_s"], metadata["window"], metadata["provenance"]["made"]) == (
        6.0,
        33,
        "here",
    )


@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("name", ["one appliance", "low rank"])
def test_tensorflow_lite_micro_gives_the_same_predictions(name: str, int8: bool, tmp_path: Path):
    micro = pytest.importorskip(
        "tflite_micro.python.tflite_micro.runtime", reason="no tflite-micro here: make test-litert"
    )
    model, recording, path = (
        untrained(SHAPES[name]),
        house(9000, outputs=SHAPES[name].outputs),
        tmp_path / "model.tflite",
    )
    calibrate = recording if int8 else None
    deploy.find_target("litert").export(
        model, path, ExportOptions(int8=int8, calibrate=calibrate, limits=ALL)
    )
    windows_w = recording.mains_w[: 100 * model.window].reshape(100, -1)
    expected_w = runtime.load(path).run(windows_w)
    interpreter = micro.Interpreter.from_file(str(path), arena_size=100_000)
    for window_w, answer_w in zip(windows_w, expected_w, strict=True):
        interpreter.set_input(window_w[None], 0)
        interpreter.invoke()
        np.testing.assert_allclose(
            interpreter.get_output(0)[0], answer_w, atol=(0.02 if int8 else 1e-5) * expected_w.max()
        )


def test_what_does_not_fit_is_refused(tmp_path: Path):
    model = untrained(Architecture(window=33, channels=(4,), kernels=(5,), hidden=8))
    for out, options, message in (
        ("model.onnx", ExportOptions(), "a LiteRT file is written as .tflite"),
        ("model.tflite", ExportOptions(calibrate=house()), "`calibrate` is for `int8` alone"),
        ("model.tflite", ExportOptions(sliding=True), "`sliding` is not for target litert"),
    ):
        with pytest.raises(UsageError, match=message):
            deploy.find_target("litert").export(model, tmp_path / out, options)
    assert not list(tmp_path.iterdir())
