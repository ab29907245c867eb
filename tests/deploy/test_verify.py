"""Exported beside native: what is told, and what fails."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from tests.deploy.conftest import Export, house, untrained

from seq2point import Architecture, DataError, Model, UsageError
from seq2point.appliances import find_appliance
from seq2point.configuration import Tolerances
from seq2point.deploy.verify import verify
from seq2point.model.evaluation import evaluate
from seq2point.report.deployment import make_proof_rows

SHAPE = Architecture(window=33, channels=(4, 6), kernels=(5, 3), hidden=16)


@pytest.fixture
def model() -> Model:
    return untrained(SHAPE)


def test_metrics_are_those_of_the_evaluation_and_costs_are_measured(
    model: Model, export: Export, tmp_path: Path
):
    export(model)
    recording = house()
    found = verify(tmp_path / "model.onnx", model, [recording], threads=1)
    assert found.failures == ()
    assert found.relative < 1e-5
    assert found.windows == len(recording) - 32
    expected = evaluate(model, [recording]).metrics["kettle"]
    for side in ("native", "exported"):
        assert found.metrics[side]["kettle"]["on_mae_w"] == pytest.approx(
            expected["on_mae_w"], rel=1e-5
        )
        assert found.costs[side]["latency_ms"] > 0
        assert found.costs[side]["file_bytes"] > 1000
    assert found.costs["exported"]["peak_mb"] < found.costs["native"]["peak_mb"]
    words = [row[0] for row in make_proof_rows(found.as_json())]
    assert words[1:7] == [
        "MAE",
        "MAE while on",
        "SAE",
        "F1",
        "latency, batch 1",
        "peak memory of the process",
    ]
    assert words[7:] == ["file", "gzipped", "largest difference"]


@pytest.mark.usefixtures("no_costs")
def test_a_data_frame_calibrates_and_verifies_as_its_recording_does(
    model: Model, export: Export, tmp_path: Path
):
    recording = house(6000)
    frame = pl.DataFrame({"mains": recording.mains_w, "kettle": recording.appliance_w("kettle")})
    reports = []
    for given in (recording, frame):
        power_w = export(
            model, int8=True, calibrate=given, limits=Tolerances(on_mae=9.0, sae=9.0)
        ).predict_w(given)
        reports.append(
            (verify(tmp_path / "model.onnx", model, given, threads=1).metrics, power_w.tobytes())
        )
    assert reports[0] == reports[1]


@pytest.mark.usefixtures("no_costs")
def test_another_models_answers_fail(model: Model, export: Export, tmp_path: Path):
    export(model)
    other = untrained(SHAPE)
    with torch.no_grad():
        other.network.output.bias += 0.01
    (failure,) = verify(tmp_path / "model.onnx", other).failures
    assert failure.startswith("the largest difference is 10 W")
    with torch.no_grad():
        other.network.output.bias -= 3
    failures = verify(tmp_path / "model.onnx", other, [house()]).failures
    assert any("SAE" in failure or "MAE while on" in failure for failure in failures)


@pytest.mark.usefixtures("no_costs")
def test_only_moments_that_both_answer_count(model: Model, export: Export, tmp_path: Path):
    export(model)
    recording = house(500)
    recording.mains_w[200] = np.nan
    longer = untrained(SHAPE.model_copy(update={"window": 65, "target_index": 32}))
    assert (
        verify(tmp_path / "model.onnx", longer, [replace(recording, fill=0)]).windows
        == 500 - 2 * 64 - 1
    )


def test_what_cannot_be_compared_is_refused(model: Model, export: Export, tmp_path: Path):
    export(model)
    out = tmp_path / "model.onnx"
    with pytest.raises(UsageError, match=r"model\.onnx answers for kettle, the model for fridge"):
        verify(out, replace(model, appliances=(find_appliance("fridge"),)))
    with pytest.raises(DataError, match="has a reading every 8 s, the model was trained at 6 s"):
        verify(out, model, [replace(house(), period_s=8.0)])
    with pytest.raises(
        DataError, match="home: no stretch of 33 samples without a gap to verify with"
    ):
        verify(out, model, [house().slice(0, 20)])
