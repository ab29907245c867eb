import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings
from tests import chromium

from seq2point import Architecture, Model, Recording
from seq2point.recording import Jump

settings.register_profile(
    "few",
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("few")

START = datetime(2024, 3, 31, 7, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, for the tests of pages."""
    with chromium.launch() as launched:
        yield launched


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Several threads add numbers up in another order each time."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    folder = os.environ.get("SEQ2POINT_DATA")
    if not folder:
        pytest.skip("SEQ2POINT_DATA names no folder with the real households")
    return Path(folder)


@pytest.fixture(scope="session")
def tiny() -> Architecture:
    return Architecture(window=33, channels=(4, 4), kernels=(5, 3), hidden=8)


@pytest.fixture
def tiny_model(tiny: Architecture) -> Model:
    """An untrained kettle model whose answers lie on both sides of zero watts."""
    torch.manual_seed(7)
    model = Model.untrained("kettle", 6.0, tiny)
    with torch.no_grad():
        model.network.output.bias.fill_(-0.7)
    return model


@pytest.fixture(scope="session")
def make_recording() -> Callable[..., Recording]:
    """A house in memory from lists of watts, a reading every 6 s from 2024-03-31 07:15 UTC on."""

    def make(
        mains: Sequence[float],
        house: str = "home",
        period_s: float = 6.0,
        start: datetime | None = START,
        jumps: Sequence[tuple[int, datetime]] = (),
        **appliances: Sequence[float],
    ) -> Recording:
        columns: Mapping[str, np.ndarray] = {
            name: np.asarray(w, dtype=np.float32) for name, w in appliances.items()
        }
        return Recording(
            house,
            period_s,
            np.asarray(mains, dtype=np.float32),
            columns,
            start,
            tuple(Jump(i, time) for i, time in jumps),
        )

    return make
