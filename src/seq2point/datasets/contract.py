"""Raw data sets: houses of meters, and a meter's readings piece after piece.

A source knows how a data set lies on disk and what its columns are. It does not check readings and
does not place them on a grid.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from seq2point.data.grid import Times
from seq2point.datasets.unreadable import OnUnreadable, warn_of_unreadable
from seq2point.errors import DataError, UsageError
from seq2point.limits import PLUG_LIMIT_W
from seq2point.recording import Watts

if TYPE_CHECKING:
    from seq2point.configuration import ColumnsConfig

MAINS = "mains"
ALL = "all"


class Piece(NamedTuple):
    """Consecutive readings of one meter, as its file has them.

    `times_s` f64[N] are seconds since 1970, UTC, NaN where one is unreadable. `watts` has f32[N]
    for each of the meter's columns, NaN where the file has no reading. `flagged` bool[N] marks rows
    that the data set itself calls unusable. `no_number` counts for each column the cells that are
    neither empty nor a number, `marks` those that mean a missing reading, by mark. `size` is the
    bytes that were read.
    """

    times_s: Times
    watts: Sequence[Watts]
    flagged: npt.NDArray[np.bool_] | None = None
    no_number: Sequence[int] = ()
    size: int = 0
    marks: Sequence[Mapping[float, int]] = ()


@dataclass(frozen=True)
class Meter:
    """One device's readings. Its columns share their times.

    `columns` are 'mains' or names of appliances. Where several meters of a house have 'mains', they
    are the legs of its supply and are summed. `read` begins at the first reading each time and can
    be sent to another process. `how` holds all that decides what it reads beside the file. `hold_s`
    is how long a reading holds, None for a meter that reports at regular times. `unzoned` says that
    its times are of a clock whose zone is unknown.
    """

    name: str
    path: Path
    columns: tuple[str, ...]
    read: Callable[[], Iterator[Piece]]
    size: int
    how: str = ""
    hold_s: float | None = None
    unzoned: bool = False


@dataclass(frozen=True)
class RawHouse:
    """A house of a data set.

    `name` is the stem of the converted file, `title` the name in messages. `plug_limit_w` is more
    than any plug draws; None where the meters are on circuits. `channels` says where each column
    comes from, `remarks` what a user should know. `period_s` is the data set's sampling period,
    None where only the times show it. `interpretation` is what was understood of its table, as
    JSON.
    """

    dataset: str
    house: str
    name: str
    title: str
    meters: tuple[Meter, ...]
    period_s: float | None
    channels: Mapping[str, str]
    licence: str = "unknown"
    plug_limit_w: float | None = PLUG_LIMIT_W
    nominal_time: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    interpretation: Mapping[str, Any] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """The mains, then the appliances in their order in `channels`."""
        return (MAINS, *(name for name in self.channels if name != MAINS))

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of its meters."""
        return tuple(dict.fromkeys(meter.path for meter in self.meters))


@dataclass(frozen=True)
class Selection:
    """The houses and appliances to read: by default every house, and the known appliances.

    `appliances` may be `("all",)`. `zone` is that of local times. The rest is for tables. `columns`
    says which column holds what, `mains` is a file of mains, `plugs` are files by appliance; each
    may be FILE:COLUMN[unit]. `period_s` is that of rows without times, `house` a name for the
    house. `keep_issues` is for REFIT: rows that it marks with issues are kept.
    """

    houses: tuple[str, ...] = ()
    appliances: tuple[str, ...] = ()
    columns: "ColumnsConfig | None" = None
    zone: str | None = None
    mains: str | None = None
    plugs: Mapping[str, str] = field(default_factory=dict)
    period_s: float | None = None
    house: str | None = None
    keep_issues: bool = False


class ListHouses(Protocol):
    """Lists the houses of a data set."""

    def __call__(
        self, root: Path, selection: Selection, on_unreadable: OnUnreadable = warn_of_unreadable
    ) -> Sequence[RawHouse]:
        """Return the selected houses in order, without their readings.

        `on_unreadable` is called with each house that cannot be opened. Raises DataError or
        UsageError where a house by name cannot be, and where none can.
        """


@dataclass(frozen=True)
class Source:
    """A raw layout of data sets. `layout` describes a root folder in a line."""

    name: str
    layout: str
    list_houses: ListHouses


def select_houses(
    present: Iterable[str], selected: Sequence[str], root: Path, layout: str
) -> list[str]:
    """Return the selected houses in the order of their numbers; all for an empty selection.

    Raises DataError where none is present, UsageError for a selected one that is not.
    """
    houses = sorted(present, key=lambda house: (int(house) if house.isdigit() else 0, house))
    if not houses:
        raise DataError(f"{root}: no houses here; expected {layout}")
    for house in selected:
        if house not in houses:
            raise UsageError(f"{root}: no house '{house}' (houses: {', '.join(houses)})")
    return [house for house in houses if not selected or house in selected]
