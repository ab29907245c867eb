"""The readings of one home, whatever holds them: their digest, and the mains that they give."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from seq2point.configuration import ColumnsConfig
from seq2point.errors import DataError, Seq2PointError
from seq2point.fleet.home_table import HomeTable
from seq2point.fleet.homes import HomeInput
from seq2point.fleet.storage import fetch_file
from seq2point.household.mains import HomeMains, open_mains, open_table_mains


class HomeSource(Protocol):
    """The readings of a home. `digest` is their SHA-256."""

    digest: str

    def open_mains(self, columns: ColumnsConfig, period_s: float | None) -> HomeMains:
        """Return the mains. Raises DataError for readings that cannot be used."""

    def explain(self, error: Seq2PointError) -> str:
        """Return an error's text, which names the home as the user knows it."""


class _FileSource:
    def __init__(self, home: HomeInput, path: Path):
        self._home, self._path = home, path
        with path.open("rb") as file:
            self.digest = hashlib.file_digest(file, "sha256").hexdigest()

    def open_mains(self, columns: ColumnsConfig, period_s: float | None) -> HomeMains:
        return open_mains(self._path, columns, period_s)

    def explain(self, error: Seq2PointError) -> str:
        return _name_home(str(error).replace(str(self._path), self._home.label), self._home.label)


class _TableSource:
    def __init__(self, home: HomeInput):
        self._home, self._table = home, HomeTable(home)
        try:
            self.digest = self._table.digest
        except DataError:  # it is damaged until it is written again
            self.digest = hashlib.sha256(home.stamp.encode()).hexdigest()

    def open_mains(self, columns: ColumnsConfig, period_s: float | None) -> HomeMains:
        return open_table_mains(self._table, columns, period_s)

    def explain(self, error: Seq2PointError) -> str:
        return _name_home(str(error), self._home.label)


def _name_home(text: str, label: str) -> str:
    return text if label in text else f"{label}: {text}"


@contextmanager
def read_home(home: HomeInput) -> Iterator[HomeSource]:
    """Yield the readings of a home; a remote file is there while the block runs.

    Raises DataError for a remote file that cannot be fetched, OSError for one that is gone.
    """
    if home.column is None and len(home.parts) == 1:
        with fetch_file(home.parts[0].file.address) as path:
            yield _FileSource(home, path)
    else:
        yield _TableSource(home)
