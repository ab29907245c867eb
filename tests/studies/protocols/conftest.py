"""Simulated houses as files, and a small protocol on them that runs in seconds."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from seq2point.data.parquet_file import write_recording
from seq2point.recording import Recording
from seq2point.simulator import simulate_house
from seq2point.studies.protocols.library import NamedProtocol, parse_protocol

SMALL = """
title = "Small: houses that never were"
source = "the tests"
dataset = "ukdale"
period_s = 6
window = 31
network = { channels = [4, 4], kernels = [5, 3], hidden = 8 }
training = { steps = 3, engine = "windows", batch_size = 40 }

[houses]
train = [1, { house = 2, block = [0.0, 0.5] }]
validation = [{ house = 2, block = [0.5, 1.0] }]
test = [5]

[appliances.kettle]
thresholds = { on_power_w = 1500 }

[appliances.fridge]

[[published]]
model = "someone's network"
source = "a paper"
mae_w = { kettle = 7.4 }
nde = { kettle = 0.25 }
"""


@pytest.fixture(scope="session")
def houses() -> dict[str, Recording]:
    start = datetime(2013, 3, 31, tzinfo=UTC)
    return {
        str(n): simulate_house(
            n, days=0.4, appliances=["kettle", "fridge"], start=start, house=str(n)
        )
        for n in (1, 2, 5)
    }


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory, houses: dict[str, Recording]) -> Path:
    """A folder of houses 1, 2 (in two files) and 5."""
    folder = tmp_path_factory.mktemp("data")
    whole = houses["2"]
    write_recording(houses["1"], folder / "ukdale_house1_6s.parquet")
    write_recording(whole.slice(0, 2000), folder / "ukdale_house2_6s_a.parquet")
    write_recording(whole.slice(2000, len(whole)), folder / "ukdale_house2_6s_b.parquet")
    write_recording(houses["5"], folder / "ukdale_house5_6s.parquet")
    return folder


@pytest.fixture(scope="session")
def small() -> Callable[..., NamedProtocol]:
    """The small protocol, with some of its text replaced."""

    def small(**replaced: Any) -> NamedProtocol:
        text = SMALL
        for old, new in replaced.pop("texts", {}).items():
            assert old in text
            text = text.replace(old, new)
        return NamedProtocol("small", "small.toml", text, parse_protocol(text, "small.toml"))

    return small
