"""Raw data sets, as every source gives them: houses of meters, and a meter's readings piece after
piece.

A source knows how a data set lies on disk and what its columns are; it neither puts readings on a
grid nor judges them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2point.data.grid import Times
from seq2point.errors import DataError, UsageError
from seq2point.limits import PLUG_LIMIT_W
from seq2point.recording import Watts

if TYPE_CHECKING:
    from seq2point.configuration import ColumnsConfig

MAINS = "mains"
ALL = "all"


class Piece(NamedTuple):
    """Consecutive readings of one meter, as they stand in its file.

    `times_s` f64[N] are seconds since 1970 (UTC), NaN where one is unreadable; `watts` has f32[N]
    for each of the meter's columns, NaN where the file has no reading. `flagged` bool[N] marks rows
    that the data set itself calls unusable; `no_number` counts, for each column, the cells that
    hold something else than a number; `size` is the bytes that were read.
    """

    times_s: Times
    watts: Sequence[Watts]
    flagged: npt.NDArray[np.bool_] | None = None
    no_number: Sequence[int] = ()
    size: int = 0


@dataclass(frozen=True)
class Meter:
    """One device's readings: every column has the same stamps.

    `columns` names what its columns measure: `mains`, or an appliance. Where several meters of a
    house have `mains`, they are the legs of its supply and are summed. `read` begins at the first
    reading each time; it can be sent to another process. `how` is all that decides what it reads
    beside the file.
    """

    name: str
    path: Path
    columns: tuple[str, ...]
    read: Callable[[], Iterator[Piece]]
    size: int
    how: str = ""


@dataclass(frozen=True)
class RawHouse:
    """A house as its data set has it.

    `name` is the stem of the file it becomes, `title` what people call it, `plug_limit_w` what no
    plug can draw (None: circuits, not plugs), `channels` where each column comes from, `remarks`
    what a user should know. `period_s` is the data set's sampling period, None where only the
    stamps tell.
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

    @property
    def columns(self) -> tuple[str, ...]:
        """The mains, then the appliances in their order in `channels`."""
        return (MAINS, *(name for name in self.channels if name != MAINS))

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that its meters are read from."""
        return tuple(dict.fromkeys(meter.path for meter in self.meters))


@dataclass(frozen=True)
class Selection:
    """What a caller asks of a source; nothing asked means every house, and the appliances of the
    package's table.

    `appliances` may be `("all",)`. The rest is for tables: which columns hold what, the zone of
    times that do not say theirs, a file of mains, files of plugs by appliance, the period of rows
    without times, and what to call the house.
    """

    houses: tuple[str, ...] = ()
    appliances: tuple[str, ...] = ()
    columns: "ColumnsConfig | None" = None
    zone: str | None = None
    mains: Path | None = None
    plugs: Mapping[str, Path] = field(default_factory=dict)
    period_s: float | None = None
    house: str | None = None


@dataclass(frozen=True)
class Source:
    """A raw layout: `houses(root, wanted)` lists what is there and wanted, in order, without
    reading any readings.

    `layout` says in a line what a root of this kind looks like.
    """

    name: str
    layout: str
    houses: Callable[[Path, Selection], Sequence[RawHouse]]


def select_houses(
    found: Iterable[str], wanted: Sequence[str], where: Path, layout: str
) -> list[str]:
    """The houses to take, in the order of their numbers.

    Raises DataError where there are none at all, UsageError where a wanted one is not there.
    """
    there = sorted(found, key=lambda house: (int(house) if house.isdigit() else 0, house))
    if not there:
        raise DataError(f"{where}: no houses here; expected {layout}")
    for house in wanted:
        if house not in there:
            raise UsageError(f"{where}: no house '{house}' (houses: {', '.join(there)})")
    return [house for house in there if not wanted or house in wanted]
