"""The houses of the studies, read once each, and what a run is asked for."""

import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from seq2point.data.table import load_recording
from seq2point.errors import UsageError
from seq2point.recording import Recording


def list_seeds(usual: str) -> tuple[int, ...]:
    """Return the seeds to run: SEQ2POINT_SEEDS, as 0,1,2, or the usual ones."""
    return tuple(map(int, os.environ.get("SEQ2POINT_SEEDS", usual).split(",")))


def select_names(variable: str, known: Iterable[str], separator: str) -> list[str]:
    """Return the names that an environment variable lists, or all where it is not set."""
    names, asked = list(known), os.environ.get(variable)
    chosen = names if asked is None else asked.split(separator)
    if strange := set(chosen) - set(names):
        raise UsageError(f"{variable}: no {', '.join(sorted(strange))}; choose of {names}")
    return chosen


@cache
def load_house(file: str, appliance: str, period_s: float | None = None) -> Recording:
    """Return a house with one appliance, at another period where one is given."""
    path = Path(os.environ["SEQ2POINT_DATA"]) / f"{file}.parquet"
    return load_recording(path, [appliance], period_s)


def load_ukdale1(appliance: str) -> tuple[Recording, Recording]:
    """Return both parts of UK-DALE house 1 at 6 s: to train on, and to test on."""
    first, second = (load_house(f"ukdale_house1_6s_{part}", appliance) for part in "ab")
    return first, second
