"""Magnitude pruning decides what the real TensorFlow Model Optimization Toolkit decided, stored by
`tfmot_magnitude.py`.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seq2point.compression.pruning import StepInfo
from seq2point.compression.pruning.magnitude import Magnitude
from seq2point.network import Architecture, masks

STORED = json.loads(Path(__file__).with_name("tfmot_magnitude.json").read_text())
SHAPES = {name: tuple(shape) for name, shape in STORED["shapes"].items()}
PLANNED = 10_000


def pruner_of(kind: str, settings: dict[str, Any]) -> Magnitude:
    if kind == "ConstantSparsity":
        names = {
            "target_sparsity": "sparsity",
            "begin_step": "begin_step",
            "end_step": "end_step",
            "frequency": "frequency",
        }
        return Magnitude(**{ours: settings[theirs] for theirs, ours in names.items()})
    names = {"initial_sparsity": "initial", "final_sparsity": "sparsity"}
    return Magnitude(
        schedule="polynomial",
        **{names.get(theirs, theirs): value for theirs, value in settings.items()},
    )


def weights_at(step: int) -> dict[str, torch.Tensor]:
    """The oracle's weights, in torch's order of axes."""
    rng = np.random.default_rng(STORED["seed"])
    moved = {}
    for name, shape in SHAPES.items():
        start, drift = rng.standard_normal((2, *shape), dtype=np.float32)
        moved[f"{name}.weight"] = torch.from_numpy(
            (start + np.float32(0.05 * step) * drift).T.copy()
        )
    return moved


def unpacked(name: str, hexadecimal: str) -> torch.Tensor:
    shape = SHAPES[name]
    bits = np.unpackbits(
        np.frombuffer(bytes.fromhex(hexadecimal), dtype=np.uint8), count=int(np.prod(shape))
    )
    return torch.from_numpy(bits.reshape(shape).T.astype(bool))


@pytest.mark.parametrize("course", STORED["courses"])
def test_the_masks_are_the_toolkits_at_every_step(course: str):
    told = STORED["courses"][course]
    pruner = pruner_of(told["kind"], told["settings"])
    network = Architecture(window=33, channels=(4, 4), kernels=(5, 3), hidden=8).build()
    state, theirs, expected = pruner.begin(network), dict(told["masks"]), None
    for step, _, _ in told["schedule"]:
        network.load_state_dict(weights_at(step), strict=False)
        masks.apply_(network, state.masks)
        state = pruner.update(network, state, StepInfo(step, PLANNED, 0.0))
        expected = theirs.get(step, expected)
        assert bool(state.masks) == (expected is not None)
        for name in SHAPES if expected else ():
            assert torch.equal(state.masks[f"{name}.weight"], unpacked(name, expected[name])), (
                step,
                name,
            )
    assert expected is not None


@pytest.mark.parametrize("course", STORED["courses"])
def test_the_schedule_is_the_toolkits_at_every_step(course: str):
    told = STORED["courses"][course]
    schedule = pruner_of(told["kind"], told["settings"]).make_schedule(PLANNED)
    for step, due, sparsity in told["schedule"]:
        assert schedule.updates_at(step) == due
        if due or told["kind"] == "PolynomialDecay":
            assert schedule.sparsity_at(step) == pytest.approx(sparsity, abs=2e-6)
