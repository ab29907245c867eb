"""int8: ranges from windows that hold the on-states, per channel, and layers in float where that
loses less.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from tests.deploy.conftest import Export, house, untrained

from seq2point import Architecture, DataError, UsageError, VerificationError, deploy, runtime
from seq2point.appliances import APPLIANCES
from seq2point.configuration import ExportOptions, Tolerances
from seq2point.deploy.calibration import draw_windows, find_windows, split_recordings
from seq2point.deploy.mixed_precision import ApplianceLoss, Candidate, choose_candidate
from seq2point.deploy.onnx_graph import build_graph
from seq2point.deploy.onnx_int8 import quantise
from seq2point.recording.on_off import is_on

pytestmark = pytest.mark.usefixtures("no_costs")

SHAPE = Architecture(window=33, channels=(4, 6), kernels=(5, 3), hidden=16)
ALL = Tolerances(on_mae=9.0, sae=9.0)


def test_half_of_the_calibration_windows_have_the_appliance_on_and_one_has_the_highest_peak():
    recording, model = house(20_000), untrained(SHAPE)
    share = is_on(recording.appliance_w("kettle"), model.appliances[0], 6.0).mean()
    sample = draw_windows(recording, model, 256, 256)
    assert share < 0.1
    assert len(sample.mains_w) == 513
    assert sample.on.sum() >= 256
    assert sample.mains_w[:, SHAPE.target_index].max() == recording.mains_w[16:-16].max()
    assert sample.share_on[0] == pytest.approx(share, rel=0.05)
    np.testing.assert_array_equal(sample.truth_w[sample.on] > 2000, True)


def test_a_recording_without_an_on_state_or_a_window_is_refused():
    model = untrained(SHAPE)
    with pytest.raises(
        DataError, match="home: the kettle is never on in the part that int8 is calibrated on"
    ):
        draw_windows(house(200), model, 8, 8)
    with pytest.raises(DataError, match="home: no stretch of 33 samples without a gap"):
        draw_windows(house(3000).slice(0, 20), model, 8, 8)


@pytest.mark.parametrize("period_s", [6.0, 60.0])
def test_the_simulated_homes_have_every_appliance_on_and_those_that_prove_are_others(
    period_s: float,
):
    shape = SHAPE.model_copy(update={"outputs": len(APPLIANCES)})
    model = replace(untrained(shape), period_s=period_s)
    calibrates, proof, simulated = split_recordings(model, ExportOptions(int8=True), int8=True)
    assert simulated == (True, True)
    assert calibrates is not None
    for home in (calibrates, *proof):
        assert all(state.any() for state in find_windows(home, model, "these homes")[1])
    stretches = {calibrates.mains_w[first:end].tobytes() for first, end in calibrates.pieces()}
    assert len(stretches) == len(calibrates.pieces()) == 4
    assert not stretches & {home.mains_w.tobytes() for home in proof}


def test_what_cannot_be_simulated_needs_a_recording():
    heat_pump = untrained(SHAPE).appliances[0].model_copy(update={"name": "heat_pump"})
    with pytest.raises(
        UsageError,
        match="a heat pump cannot be simulated: give a recording of it to calibrate int8 on",
    ):
        split_recordings(
            replace(untrained(SHAPE), appliances=(heat_pump,)), ExportOptions(int8=True), int8=True
        )


@pytest.mark.parametrize(("sliding", "dimensions"), [(False, 1), (True, 1), (False, 2)])
def test_weights_are_int8_by_channel_and_ranges_are_the_true_extremes(
    sliding: bool, dimensions: int
):
    model = untrained(SHAPE)
    windows_w = house(2000).mains_w[:1980].reshape(-1, 33)
    windows_w[7, 11] = 9000
    small = quantise(build_graph(model, sliding, dimensions), windows_w, ["output"], "output")
    constants = {c.name: numpy_helper.to_array(c) for c in small.graph.initializer}
    assert constants["hidden.weight_quantized"].dtype == np.int8
    weight = model.network.hidden.weight.detach().numpy()
    np.testing.assert_allclose(
        constants["hidden.weight_scale"], np.abs(weight).max(axis=1) / 127, rtol=1e-5
    )
    assert constants["signal_scale"] * 255 == pytest.approx(9000, rel=1e-5)
    assert constants["output.weight"].dtype == np.float32
    onnx.checker.check_model(small, full_check=True)


def test_the_answer_is_not_rounded_to_256_steps(export: Export):
    recording = house(6000)
    power_w = export(untrained(SHAPE), int8=True, calibrate=recording, limits=ALL).predict_w(
        recording
    )
    assert len(np.unique(power_w[np.isfinite(power_w)])) > 1000


@pytest.mark.parametrize("sliding", [False, True])
@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("rank", [None, 4])
def test_an_int8_file_is_near_the_native_model_and_says_how_it_was_made(
    sliding: bool, outputs: int, rank, export: Export
):
    model = untrained(SHAPE.model_copy(update={"outputs": outputs, "rank": rank}))
    recording = house(9000, outputs=outputs)
    opened = export(model, sliding=sliding, int8=True, calibrate=recording, limits=ALL)
    native_w, power_w = model.predict_w(recording), opened.predict_w(recording)
    assert np.nanmean(np.abs(power_w - native_w)) < 0.05 * np.nanmax(native_w)
    quantization = opened.metadata.quantization
    assert quantization is not None
    assert list(quantization["calibration"]["windows_on"]) == [a.name for a in model.appliances]
    assert 0.4 < quantization["calibration"]["share_on"] < 0.8


def candidate(name: str, on_mae_w: float, size: int, sae: float = 0.1) -> Candidate:
    return Candidate((name,), (ApplianceLoss(on_mae_w, sae),), bytes(size))


@pytest.mark.parametrize(
    ("candidates", "taken"),
    [
        ([candidate("best", 100, 90), candidate("smaller", 103, 50)], "best"),
        ([candidate("as good", 100, 90), candidate("smaller", 100.5, 50)], "smaller"),
        ([candidate("wastes energy", 90, 50, sae=0.2), candidate("sound", 100, 90)], "sound"),
        ([candidate("bad", 200, 50), candidate("less bad", 150, 90)], "less bad"),
    ],
)
def test_the_candidate_that_loses_least_is_taken_then_the_smallest(
    candidates: list[Candidate], taken: str
):
    assert choose_candidate(candidates, [ApplianceLoss(100, 0.1)], Tolerances()).in_float == (
        taken,
    )


def test_what_fails_its_proof_is_not_written_unless_forced(tmp_path: Path):
    model, out = untrained(SHAPE), tmp_path / "model.onnx"
    options = {
        "int8": True,
        "calibrate": house(6000),
        "limits": Tolerances.model_construct(on_mae=-1.0),
    }
    with pytest.raises(
        VerificationError,
        match=r"model\.onnx: not written: the kettle's MAE while on grows .* `force` writes it",
    ):
        deploy.find_target("onnx").export(model, out, ExportOptions(**options))
    assert not list(tmp_path.iterdir())
    exported = deploy.find_target("onnx").export(model, out, ExportOptions(**options, force=True))
    assert exported.report["verification"]["failures"]
    assert runtime.load(out).metadata.quantization


def test_the_held_back_part_must_have_the_appliance_on(tmp_path: Path):
    recording = house(6000)
    recording.appliances_w["kettle"][4000:] = 0
    options = ExportOptions(int8=True, calibrate=recording)
    with pytest.raises(
        DataError, match="the kettle is never on in the last 30%, held back to verify with"
    ):
        deploy.find_target("onnx").export(untrained(SHAPE), tmp_path / "model.onnx", options)
    assert not list(tmp_path.iterdir())
