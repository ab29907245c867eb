"""The files of the original commands: a named one, those of a folder by name, or those in place."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from seq2point.appliances import ALIASES, APPLIANCES, Appliance, canonical_name
from seq2point.errors import DataError

Use = Literal["training", "validation", "test"]

USE_WORDS: dict[Use, frozenset[str]] = {
    "training": frozenset({"training", "train"}),
    "validation": frozenset({"validation", "valid", "val"}),
    "test": frozenset({"test", "testing"}),
}
SUFFIXES = (".csv", ".parquet", ".pq")
MOST_LISTED = 8


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
    """The files for one use: `place` itself, those of the folder `place`, or those in place.

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
    """The tables whose names say the use and the appliance or, failing that, the use alone."""
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
