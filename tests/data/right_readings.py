"""What is right for a file that is read: watts a period apart, or a refusal in one line."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

FOLDER = Path(__file__).parent / "cases"
Watts = npt.NDArray[np.float64]

DAY = datetime(2023, 11, 5, tzinfo=UTC)
CUT = 480
"""The rows of a file that is cut."""


@dataclass(frozen=True)
class Right:
    """The right reading of a file: watts a period apart from `start` on; NaN is a gap.

    `notes` are patterns of what a command says of it.
    """

    mains_w: Watts
    start: datetime | None = DAY
    period_s: float = 60.0
    appliances_w: Mapping[str, Watts] = field(default_factory=dict)
    within_w: float = 0.05
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Refused:
    """A refusal in one line: patterns that it has, all of them, and one that it has not."""

    patterns: Sequence[str]
    never: str | None = None


@dataclass(frozen=True)
class Case:
    """A file, what its user sets (fields of ColumnsConfig), and what is right.

    Where both `right` and `refused` are given, either will do. `convert` is what is right for a
    conversion, where it differs: it drops bad rows. `doors` are the doors that the case is for.
    `period_s` is that of a file whose times do not say it.
    """

    file: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    right: Right | None = None
    refused: Refused | None = None
    convert: Right | Refused | None = None
    doors: Sequence[str] = ("load", "disaggregate", "convert", "check")
    period_s: float | None = None

    @property
    def name(self) -> str:
        """The case as the name of a test."""
        return " ".join([self.file, *(f"{k}={v}" for k, v in self.settings.items())])

    @property
    def path(self) -> Path:
        """The file."""
        return FOLDER / self.file


def read_column(file: str, column: int, heading: int = 1) -> Watts:
    lines = (FOLDER / file).read_text(encoding="utf-8").splitlines()[heading:]
    cells = [re.split("[,;\t]", line)[column] for line in lines]
    return np.array([float(cell) for cell in cells])


DAY_W = read_column("reference/house.csv", 1)
KETTLE_W = read_column("reference/house.csv", 2)


def make_day(rows: int = CUT, gaps: Sequence[int] | range = (), **settings: Any) -> Right:
    """The first rows of the reference day, with gaps at some."""
    mains_w = DAY_W[:rows].copy()
    mains_w[list(gaps)] = np.nan
    return Right(mains_w, **settings)


def make_house(rows: int = CUT, gaps: Sequence[int] | range = (), **settings: Any) -> Right:
    """The same, with the kettle beside the mains."""
    kettle_w = KETTLE_W[:rows].copy()
    kettle_w[list(gaps)] = np.nan
    return make_day(rows, gaps, appliances_w={"kettle": kettle_w}, **settings)


def read_own(file: str, column: int, **settings: Any) -> Right:
    """What stands in a column of the file."""
    return Right(read_column(file, column), **settings)


def refuse(*patterns: str, never: str | None = None) -> Refused:
    return Refused(patterns, never)


def read_numbers(file: str) -> Watts:
    column = pq.read_table(FOLDER / file).column("mains").to_pylist()
    watts = np.array([np.nan if cell is None else float(cell) for cell in column])
    watts[np.isin(watts, (32767, -32768))] = np.nan
    return watts


def hold_changes() -> Right:
    lines = (FOLDER / "changes-only/mains.csv").read_text().splitlines()[1:]
    cells = [line.split(",") for line in lines]
    minutes = [int(stamp[11:13]) * 60 + int(stamp[14:16]) for _, _, stamp in cells]
    counts = np.diff([*minutes, minutes[-1] + 1])
    return Right(np.repeat([float(state) for _, state, _ in cells], counts))


def make_three_days() -> Right:
    night = np.full(960, np.nan)
    hours = DAY_W[:CUT]
    return Right(np.concatenate([hours, night, hours, night, hours]))


def read_green_button() -> Right:
    text = (FOLDER / "greenbutton/usage.xml").read_text()
    values = [float(value) for value in re.findall("<value>(.*?)</value>", text)]
    return Right(4 * np.array(values), period_s=900.0)


def read_smart_home() -> Right:
    lines = (FOLDER / "smart-home-kw-names/HomeC.csv").read_text().splitlines()[1:-1]
    kw = np.array([[float(cell) for cell in line.split(",")] for line in lines])
    columns = {"dishwasher": 4, "fridge": 5, "microwave": 6, "kettle": 7}
    appliances_w = {name: 1000 * kw[:, column] for name, column in columns.items()}
    return Right(1000 * kw[:, 1], appliances_w=appliances_w, within_w=0.5)
