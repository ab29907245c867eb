"""Models and recordings to put on a microcontroller, and C programs made of them."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from seq2point import Architecture, Model, Recording
from seq2point.appliances import find_appliance
from seq2point.deploy.c_program import compile_program
from seq2point.deploy.c_sizes import Sizes, measure_sizes
from seq2point.deploy.microcontroller import CExport, build_c_export
from seq2point.recording.scaling import Scale
from seq2point.system.c_compiler import find_compiler

STRICT = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror")
SANITIZERS = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")

Build = Callable[..., Path]
Feed = Callable[..., np.ndarray]


@pytest.fixture(scope="session")
def house() -> Callable[..., Recording]:
    """A kettle and a washing machine now and then, over a base load with noise."""

    def make(samples: int, seed: int) -> Recording:
        rng = np.random.default_rng(seed)
        kettle_w, washing_w = np.zeros((2, samples), dtype=np.float32)
        for at in range(60, samples - 310, 400):
            kettle_w[at : at + int(rng.integers(12, 25))] = 2500
            washing_w[at - 10 : at + 300] = 300
        mains_w = kettle_w + washing_w + rng.gamma(4, 60, samples).astype(np.float32)
        return Recording(
            f"house {seed}", 6.0, mains_w, {"kettle": kettle_w, "washing_machine": washing_w}
        )

    return make


@pytest.fixture(scope="session")
def make_model() -> Callable[..., Model]:
    """A model with random weights whose predictions move by hundreds of watts."""

    def make(shape: Architecture, seed: int = 0) -> Model:
        torch.manual_seed(seed)
        appliances = (find_appliance("kettle"), find_appliance("washing_machine"))[: shape.outputs]
        model = Model(shape.build().eval(), Scale.published(appliances), appliances, 6.0)
        with torch.no_grad():
            for layer in (*model.network.convolutions, model.network.hidden):
                layer.bias.normal_(0, 0.2)
            model.network.output.weight *= 2
        return model

    return make


class Written(NamedTuple):
    """A source pair in a folder, and the network that it holds."""

    source: Path
    header: Path
    made: CExport
    sizes: dict[str, Sizes | str]


@pytest.fixture(scope="session")
def write() -> Callable[..., Written]:
    """A model as model.c and model.h in a folder."""

    def run(
        model: Model, folder: Path, calibration: Recording, stem: str = "model", **options: Any
    ) -> Written:
        source, header = folder / f"{stem}.c", folder / f"{stem}.h"
        made = build_c_export(model, calibration, header.name, **options)
        made.write(source, header)
        return Written(source, header, made, measure_sizes(header, options.get("prefix", "s2p")))

    return run


@pytest.fixture(scope="session")
def build() -> Build:
    """A program of a source pair, warnings being errors."""
    if find_compiler() is None:
        pytest.skip("no C compiler here")

    def run(source: Path, *flags: str, sanitized: bool = False) -> Path:
        return compile_program(
            source,
            "s2p",
            source.parent,
            (*STRICT, *(SANITIZERS if sanitized else ("-O2",)), *flags),
        )

    return run


@pytest.fixture(scope="session")
def placed() -> Callable[..., np.ndarray]:
    """The records of program.c at the readings that they belong to, half a window earlier: f32[T,
    A], NaN where there is none.
    """

    def run(answers: bytes, readings: int, shape: Architecture) -> np.ndarray:
        records = np.frombuffer(
            answers, dtype=[("answered", "u1"), ("power_w", "<f4", (shape.outputs,))]
        )
        assert len(records) == readings
        late = shape.window - 1 - shape.target_index
        assert not records["answered"][:late].any()
        power_w = np.full((readings, shape.outputs), np.nan, dtype=np.float32)
        power_w[: readings - late] = np.where(
            records["answered"][late:, None] == 1, records["power_w"][late:], np.nan
        )
        return power_w

    return run


@pytest.fixture(scope="session")
def feed(placed: Callable[..., np.ndarray]) -> Feed:
    """Return the predictions of a program for a series of readings."""

    def run(program: Path, mains_w: np.ndarray, shape: Architecture) -> np.ndarray:
        done = subprocess.run(
            [str(program)], input=mains_w.astype("<f4").tobytes(), capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return placed(done.stdout, len(mains_w), shape)

    return run
