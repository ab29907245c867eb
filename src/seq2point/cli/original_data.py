"""The data of the original commands: named files, those of a folder or in place, or simulated."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from seq2point.appliances import ALIASES, APPLIANCES, Appliance, canonical_name
from seq2point.errors import DataError

if TYPE_CHECKING:
    from seq2point.recording import Recording

Use = Literal["training", "validation", "test"]

USE_WORDS: dict[Use, frozenset[str]] = {
    "training": frozenset({"training", "train"}),
    "validation": frozenset({"validation", "valid", "val"}),
    "test": frozenset({"test", "testing"}),
}
SUFFIXES = (".csv", ".parquet", ".pq")
MOST_LISTED = 8
SIMULATED_DAYS = 4
SIMULATED_HOUSES: dict[Use, range] = {
    "training": range(40),
    "validation": range(40, 44),
    "test": range(44, 49),
}


class NamedTable(NamedTuple):
    """A table, and the appliances and uses that its file name says."""

    path: Path
    appliances: frozenset[str]
    uses: frozenset[Use]

    @classmethod
    def parse(cls, path: Path, appliance: Appliance) -> "NamedTable":
        """Read a file name; case, spaces and underscores do not matter.

        Appliances are found first, the longest name first: 'dishwasher' holds no 'washer'. What is
        left is split into words, so that 'latest' holds no 'test'.
        """
        kinds = {**{name: name for name in APPLIANCES}, **ALIASES, appliance.name: appliance.name}
        rest, named = path.stem.lower(), set[str]()
        for spelling in sorted(kinds, key=len, reverse=True):
            letters = spelling.replace("_", "")
            rest, count = re.subn(r"[\W_]*".join(map(re.escape, letters)), " ", rest)
            if count:
                named.add(kinds[spelling])
        words = re.split(r"[\W\d_]+", rest)
        uses = (use for use, spellings in USE_WORDS.items() if not spellings.isdisjoint(words))
        return cls(path, frozenset(named), frozenset(uses))

    @property
    def to_snake_case(self) -> str:
        """The file name without its ending, case, spaces and underscores."""
        return re.sub(r"[\W_]", "", self.path.stem.lower())


def find_files(place: Path | None, appliance: Appliance, use: Use) -> list[Path]:
    """Return the files for one use: `place` itself, those of that folder, or those in place.

    In place is where the original commands read: `./kettle/kettle_training_.csv` and the like.
    The list is empty where nothing is in place, and for a validation where the training lies there
    alone.
    Raises DataError for a folder in which no name fits, or more than should.
    """
    if place is None:
        return _find_in_place(appliance, use)
    if not place.is_dir():
        return [place]
    tables = _list_tables(place, appliance)
    if not tables:
        raise DataError(f"{place}: holds no .csv or .parquet file")
    return _choose(tables, appliance, use, str(place))


def _find_in_place(appliance: Appliance, use: Use) -> list[Path]:
    here = sorted(path for path in Path().iterdir() if path.is_dir())
    folders = [path for path in here if canonical_name(path.name) == appliance.name]
    tables = [
        table
        for folder in folders
        for table in _list_tables(folder, appliance)
        if table.uses and appliance.name in table.appliances
    ]
    if not tables or (use == "validation" and not any(use in table.uses for table in tables)):
        return []
    return _choose(tables, appliance, use, ", ".join(map(str, folders)))


def _list_tables(folder: Path, appliance: Appliance) -> list[NamedTable]:
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    return [NamedTable.parse(path, appliance) for path in paths if path.is_file()]


def _choose(tables: Sequence[NamedTable], appliance: Appliance, use: Use, where: str) -> list[Path]:
    """Return the tables whose names hold the use and the appliance, or else the use alone."""
    of_use = [table for table in tables if use in table.uses]
    chosen = [table for table in of_use if appliance.name in table.appliances]
    chosen = chosen or [table for table in of_use if not table.appliances]
    advice = f"name the {use} file itself with --{use}_directory"
    if not chosen:
        example = f"{appliance.name.replace('_', '')}_{use}_.csv"
        problem = f"no file is named like {example}, only {_list_names(tables)}"
        raise DataError(f"{where}: {problem}; rename one, or {advice}")
    unclear = [table for table in chosen if len(table.uses) > 1]
    if unclear:
        problem = f"more than one use is in the name of {_list_names(unclear)}"
        raise DataError(f"{where}: {problem}; rename it, or {advice}")
    plain = [table.to_snake_case for table in chosen]
    same = [table for table in chosen if plain.count(table.to_snake_case) > 1]
    if same:
        raise DataError(f"{where}: several files have one name: {_list_names(same)}; {advice}")
    return [table.path for table in chosen]


def _list_names(tables: Sequence[NamedTable]) -> str:
    listed = ", ".join(str(table.path) for table in tables[:MOST_LISTED])
    left = len(tables) - MOST_LISTED
    return f"{listed} and {left} more" if left > 0 else listed


class OriginalData(NamedTuple):
    """The recordings for one use, and a note on their origin."""

    recordings: "Sequence[Recording]"
    note: str
    simulated: bool = False


class OriginalReader(NamedTuple):
    """Reads or simulates the recordings of one command.

    `period_s` is the sampling period that the user chose. Without it, files with times keep theirs,
    and all other data have `usual_period_s`.
    """

    appliance: "Appliance"
    period_s: float | None
    usual_period_s: float
    crop: int | None

    def read(self, place: Path | None, use: Use) -> OriginalData:
        """Return the data of a place or in place, or simulated houses; no two uses share one."""
        paths = find_files(place, self.appliance, use)
        if not paths:
            return self._simulate(use)
        note = f"{use} data: {', '.join(map(str, paths))}"
        return OriginalData([self._crop(self._load(path)) for path in paths], note)

    def _load(self, path: Path) -> "Recording":
        from seq2point.data.seq2point_csv import is_seq2point_csv, load_seq2point_csv
        from seq2point.data.table import read_table, to_recording

        if is_seq2point_csv(path):
            return load_seq2point_csv(path, self.appliance, self.period_s or self.usual_period_s)
        table = read_table(path, [self.appliance.name])
        return to_recording(table, self.period_s or table.period_s or self.usual_period_s)

    def _simulate(self, use: Use) -> OriginalData:
        from seq2point.simulator import simulate_house

        seeds, period_s = SIMULATED_HOUSES[use], self.period_s or self.usual_period_s
        names = [self.appliance.name]
        houses = [simulate_house(seed, SIMULATED_DAYS, period_s, names) for seed in seeds]
        numbers = f"{seeds[0]} to {seeds[-1]}"
        extent = f"{SIMULATED_DAYS} days each at {period_s:g} s"
        note = f"{use} data: none given or in place, so simulated houses {numbers} ({extent})"
        return OriginalData([self._crop(house) for house in houses], note, simulated=True)

    def _crop(self, recording: "Recording") -> "Recording":
        return recording.slice(0, self.crop) if self.crop else recording


def read_training(
    reader: OriginalReader, training_place: Path | None, validation_place: Path | None
) -> tuple[OriginalData, OriginalData]:
    """Return the training and the validation data, no validation data where a part is held out."""
    training = reader.read(training_place, "training")
    if validation_place is not None:
        return training, reader.read(validation_place, "validation")
    in_place = training_place is None and bool(find_files(None, reader.appliance, "validation"))
    if training.simulated or in_place:
        return training, reader.read(None, "validation")
    return training, OriginalData([], "validation data: the last fifth of the training data")
