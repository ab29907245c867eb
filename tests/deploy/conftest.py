"""Models of several shapes, exported; and a house whose appliances go on and off."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from seq2point import Architecture, Model, Recording, deploy, runtime
from seq2point.appliances import APPLIANCES
from seq2point.configuration import ExportOptions
from seq2point.recording.scaling import Scale
from seq2point.runtime import Runtime

Export = Callable[..., Runtime]


def untrained(shape: Architecture, seed: int = 0) -> Model:
    """Return a model of a shape whose predictions lie on both sides of zero watts."""
    torch.manual_seed(seed)
    appliances = tuple(APPLIANCES.values())[: shape.outputs]
    model = Model.untrained("kettle", 6.0, shape)
    return replace(
        model, appliances=appliances, scale=Scale.published(appliances), provenance={"made": "here"}
    )


def house(samples: int = 3000, seed: int = 0, outputs: int = 1) -> Recording:
    """Appliances of their own power, each on for two minutes now and then, over a base load with
    noise.
    """
    rng = np.random.default_rng(seed)
    powers: dict[str, np.ndarray] = {}
    for appliance in tuple(APPLIANCES.values())[:outputs]:
        powers[appliance.name] = np.zeros(samples, dtype=np.float32)
        length = 20 + int(appliance.min_on_s / 6)
        for first in rng.integers(0, samples - length, samples // 300):
            powers[appliance.name][first : first + length] = 0.9 * appliance.max_power_w
    mains_w = sum(powers.values()) + rng.normal(200, 10, samples)
    return Recording("home", 6.0, np.asarray(mains_w, dtype=np.float32), powers)


@pytest.fixture
def export(tmp_path: Path) -> Export:
    """Return a function that exports a model as ONNX and opens the file."""

    def export_model(model: Model, **options: object) -> Runtime:
        out = tmp_path / "model.onnx"
        deploy.find_target("onnx").export(model, out, ExportOptions(**options))  # type: ignore[arg-type]
        return runtime.load(out, threads=1)

    return export_model


@pytest.fixture
def no_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure no costs: the processes whose memory is measured take seconds."""
    monkeypatch.setattr("seq2point.deploy.verify._measure_costs", lambda *_: {})
