"""An exported model is compared with the native one: what is reported, and what fails."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from tests.deploy.conftest import Export, house, untrained

from seq2point import Architecture, DataError, Model, UsageError
from seq2point.appliances import find_appliance
from seq2point.compression.compaction import compact
from seq2point.compression.low_rank import factorise
from seq2point.configuration import Tolerances
from seq2point.deploy.verify import require_parent, verify
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
    result = verify(tmp_path / "model.onnx", model, [recording], threads=1)
    assert result.failures == ()
    assert result.relative < 1e-5
    assert result.windows == len(recording) - 32
    expected = evaluate(model, [recording]).metrics["kettle"]
    for side in ("native", "exported"):
        assert result.metrics[side]["kettle"]["on_mae_w"] == pytest.approx(
            expected["on_mae_w"], rel=1e-5
        )
        assert result.costs[side]["latency_ms"] > 0
        assert result.costs[side]["file_bytes"] > 1000
    for side in ("native", "exported"):  # neither holds torch, which alone takes 200 MB
        assert 10 < result.costs[side]["peak_mb"] < 150
    words = [row[0] for row in make_proof_rows(result.as_json())]
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
    for data in (recording, frame):
        power_w = export(
            model, int8=True, calibrate=data, limits=Tolerances(on_mae=9.0, sae=9.0)
        ).predict_w(data)
        reports.append(
            (verify(tmp_path / "model.onnx", model, data, threads=1).metrics, power_w.tobytes())
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
def test_only_samples_that_both_predict_count(model: Model, export: Export, tmp_path: Path):
    longer = untrained(SHAPE.model_copy(update={"window": 65, "target_index": 32}))
    model.provenance["compaction"] = [{"before": longer.architecture.model_dump(mode="json")}]
    export(model)
    recording = house(500)
    recording.mains_w[200] = np.nan
    assert (
        verify(tmp_path / "model.onnx", longer, [replace(recording, fill=0)]).windows
        == 500 - 2 * 64 - 1
    )


def test_a_file_is_held_to_what_it_was_compacted_or_factorised_from(
    model: Model, export: Export, tmp_path: Path
):
    narrow = factorise(compact(model), 2)
    exported = export(narrow)
    for parent in (narrow, model, factorise(model, 2)):
        require_parent(tmp_path / "model.onnx", parent, exported)
    with pytest.raises(UsageError, match="they differ in architecture"):
        require_parent(tmp_path / "model.onnx", factorise(model, 3), exported)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("period_s", lambda model: {"period_s": 8.0}),
        ("scale", lambda model: {"scale": model.scale.model_copy(update={"mains_mean_w": 1.0})}),
        ("provenance", lambda model: {"provenance": {"made": "elsewhere"}}),
        ("architecture", lambda model: {"network": Architecture(window=33).build()}),
    ],
)
def test_a_model_that_the_file_was_not_exported_from_is_refused(
    field: str,
    change: Callable[[Model], dict[str, Any]],
    model: Model,
    export: Export,
    tmp_path: Path,
):
    export(model)
    with pytest.raises(UsageError, match=f"not exported from this model: they differ in {field};"):
        verify(tmp_path / "model.onnx", replace(model, **change(model)))


def test_what_cannot_be_compared_is_refused(model: Model, export: Export, tmp_path: Path):
    export(model)
    out = tmp_path / "model.onnx"
    with pytest.raises(
        UsageError, match=r"model\.onnx: not exported from this model: they differ in appliances"
    ):
        verify(out, replace(model, appliances=(find_appliance("fridge"),)))
    with pytest.raises(DataError, match="has a reading every 8 s, the model was trained at 6 s"):
        verify(out, model, [replace(house(), period_s=8.0)])
    with pytest.raises(DataError, match="home: no stretch of 33 samples is without a gap"):
        verify(out, model, [house().slice(0, 20)])
