"""The manifest: what became of each home, a row each in one SQLite file.

A row is committed once the home's files are there. A run that ends between them and their row loses
nothing: the files have keys of their own.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from seq2point.fleet.storage import OutputError
from seq2point.fleet.task import HomeResult, Status

NAME = "manifest.sqlite"
FORMAT = 1
COLUMNS = (
    "house TEXT PRIMARY KEY",
    "status TEXT NOT NULL",
    "reason TEXT NOT NULL",
    "key TEXT NOT NULL",
    "stamp TEXT NOT NULL",
    "input_sha256 TEXT NOT NULL",
    "models_sha256 TEXT NOT NULL",
    "settings_sha256 TEXT NOT NULL",
    "summary TEXT NOT NULL",
    "finished TEXT NOT NULL",
)


class Manifest:
    """The rows of a folder's homes: one connection, in one thread. A context manager.

    `models_sha256` and `settings_sha256` are those of the run, which each row that is added gets.
    Raises OutputError for a file that is damaged, of a later version, or that cannot be written.
    """

    def __init__(self, folder: Path, models_sha256: str, settings_sha256: str):
        self.path, self._decided = folder / NAME, (models_sha256, settings_sha256)
        with self._explain():
            self._database = sqlite3.connect(self.path, isolation_level=None)
            self._database.execute("PRAGMA journal_mode=WAL")
            # a power cut may take the last rows: their homes are known by their own files
            self._database.execute("PRAGMA synchronous=NORMAL")
            (version,) = self._database.execute("PRAGMA user_version").fetchone()
            if version > FORMAT:
                raise OutputError(
                    f"{self.path}: written by a later version of seq2point; use that one"
                )
            self._database.execute(f"CREATE TABLE IF NOT EXISTS homes ({', '.join(COLUMNS)})")
            self._database.execute(f"PRAGMA user_version={FORMAT}")

    def __enter__(self) -> "Manifest":
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    @contextmanager
    def _explain(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            advice = "" if isinstance(error, sqlite3.OperationalError) else (
                "; remove it: finished homes are known by their own files"
            )  # fmt: skip
            raise OutputError(f"{self.path}: cannot be used ({error}){advice}") from None

    def read(self) -> dict[str, HomeResult]:
        """Return all rows by home. Rows of other models and settings have no key."""
        with self._explain():
            rows = self._database.execute(
                "SELECT house, status, input_sha256, key, stamp, reason, models_sha256,"
                " settings_sha256 FROM homes"
            ).fetchall()
        return {
            house: HomeResult(
                house,
                Status(status),
                input_sha256,
                key if tuple(decided) == self._decided else "",
                stamp,
                reason,
            )
            for house, status, input_sha256, key, stamp, reason, *decided in rows
        }

    def add(self, result: HomeResult) -> None:
        """Add or replace the row of a home. It outlives this process, however that ends."""
        with self._explain():
            self._database.execute(
                f"INSERT OR REPLACE INTO homes VALUES ({', '.join('?' * len(COLUMNS))})",
                (
                    result.house,
                    str(result.status),
                    result.reason,
                    result.key,
                    result.stamp,
                    result.input_sha256,
                    *self._decided,
                    json.dumps(result.summary),
                    datetime.now(UTC).isoformat(timespec="seconds"),
                ),
            )


def find_state_folder(output: str) -> Path:
    """Return the folder on this machine for the manifest of results in a store."""
    from seq2point.system.c_library import CACHE_VARIABLE

    root = Path(os.environ.get(CACHE_VARIABLE) or Path.home() / ".cache" / "seq2point")
    return root / "fleet" / hashlib.sha256(output.rstrip("/").encode()).hexdigest()[:16]
