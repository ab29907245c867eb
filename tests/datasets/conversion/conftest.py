"""Meters whose readings are in memory, and a house of them converted and read back."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from seq2point.data.table import load_recording
from seq2point.datasets.contract import Meter, Piece, RawHouse
from seq2point.datasets.conversion.conversion_report import ConversionReport
from seq2point.datasets.conversion.house import ConversionConfig, convert_house
from seq2point.recording import Recording

START_S = 1_400_000_000.0


def make_meter(
    seconds: Sequence[float],
    pieces: int = 1,
    flags: Sequence[bool] | None = None,
    **columns: Sequence[float],
) -> Meter:
    """A meter with readings at seconds after START_S, in so many pieces."""
    times_s = START_S + np.array(seconds, dtype=float)
    watts = [np.array(values, dtype=np.float32) for values in columns.values()]
    flagged = None if flags is None else np.array(flags, dtype=bool)
    parts = np.array_split(np.arange(len(times_s)), pieces)
    read = [
        Piece(times_s[p], [w[p] for w in watts], None if flagged is None else flagged[p], (), 10)
        for p in parts
    ]
    return Meter("a meter", Path("meter.csv"), tuple(columns), lambda: iter(read), 10 * pieces)


def make_raw_house(*meters: Meter, plug_limit_w: float | None = 4000.0) -> RawHouse:
    channels = {name: "a column" for meter in meters for name in meter.columns}
    return RawHouse(
        "test", "1", "house1", "house 1", meters, None, channels, plug_limit_w=plug_limit_w
    )


class Result(NamedTuple):
    recording: Recording
    report: ConversionReport


Convert = Callable[..., Result]


@pytest.fixture
def convert_meters(tmp_path: Path) -> Convert:
    def convert(
        *meters: Meter,
        period_s: float = 6.0,
        plug_limit_w: float | None = 4000.0,
        **settings: float,
    ) -> Result:
        house, path = make_raw_house(*meters, plug_limit_w=plug_limit_w), tmp_path / "house.parquet"
        report = convert_house(house, period_s, ConversionConfig(**settings), path, lambda _: None)
        return Result(load_recording(path, list(house.columns[1:])), report)

    return convert
