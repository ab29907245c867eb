"""The houses of the studies, read once each, and the seeds of a run."""

import os
from functools import cache
from pathlib import Path

from seq2point.data.table import load_recording
from seq2point.recording import Recording


def list_seeds(usual: str) -> tuple[int, ...]:
    """Return the seeds to run: SEQ2POINT_SEEDS, as 0,1,2, or the usual ones."""
    return tuple(map(int, os.environ.get("SEQ2POINT_SEEDS", usual).split(",")))


@cache
def load_house(file: str, appliance: str, period_s: float | None = None) -> Recording:
    """Return a house with one appliance, at another period where one is given."""
    path = Path(os.environ["SEQ2POINT_DATA"]) / f"{file}.parquet"
    return load_recording(path, [appliance], period_s)


def load_ukdale1(appliance: str) -> tuple[Recording, Recording]:
    """Return both parts of UK-DALE house 1 at 6 s: to train on, and to test on."""
    first, second = (load_house(f"ukdale_house1_6s_{part}", appliance) for part in "ab")
    return first, second
