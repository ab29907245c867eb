"""The tables of a store, and the steps that bring an older file up to date."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from seq2point.errors import DataError

APPLICATION = 0x53325031
"""What marks a file as a store: S2P1."""

MIGRATIONS = (
    """
    CREATE TABLE homes (home TEXT PRIMARY KEY, answered_s REAL, state TEXT) WITHOUT ROWID;
    CREATE TABLE counters (
        home TEXT, name TEXT, wh REAL NOT NULL, PRIMARY KEY (home, name)) WITHOUT ROWID;
    CREATE TABLE minutes (
        home TEXT, start INTEGER, name TEXT, wh REAL NOT NULL, known_s REAL NOT NULL,
        PRIMARY KEY (home, start, name)) WITHOUT ROWID;
    """,
    """
    CREATE TABLE hours (
        home TEXT, start INTEGER, name TEXT, wh REAL NOT NULL, known_s REAL NOT NULL,
        total_wh REAL NOT NULL, PRIMARY KEY (home, start, name)) WITHOUT ROWID;
    CREATE TABLE floors (home TEXT, day INTEGER, watts REAL, PRIMARY KEY (home, day)) WITHOUT ROWID;
    CREATE TABLE cycles (
        home TEXT, appliance TEXT, start_s REAL, end_s REAL NOT NULL, wh REAL NOT NULL,
        PRIMARY KEY (home, appliance, start_s)) WITHOUT ROWID;
    """,
    "DROP TABLE floors;",
    "",
)
"""The steps from each version of the file to the next. They are only ever added to. The last one is
of what a start goes on from: see `home_state.upgrade_state`.
"""


def prepare(file: sqlite3.Connection, path: Path, back_up: Callable[[Path], None]) -> None:
    """Make the tables of a new file, or bring an older one up to date, with a copy beside it.

    Raises DataError for a file of another program or of a later version.
    """
    run = file.execute
    run("PRAGMA locking_mode=EXCLUSIVE")
    version = run("PRAGMA user_version").fetchone()[0]
    is_new = run("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if not is_new and run("PRAGMA application_id").fetchone()[0] != APPLICATION:
        raise DataError(f"{path}: a SQLite file of another program; choose another name")
    if version > len(MIGRATIONS):
        raise DataError(
            f"{path}: written by a later seq2point (version {version} of the file, this one knows"
            f" {len(MIGRATIONS)}); update seq2point"
        )
    run("PRAGMA journal_mode=WAL")
    run("PRAGMA synchronous=FULL")
    if version < len(MIGRATIONS) and not is_new:
        back_up(path.with_name(f"{path.name}.version-{version}"))
    with transaction(file):
        for step in MIGRATIONS[version:]:
            for statement in filter(str.strip, step.split(";")):
                run(statement)
        run(f"PRAGMA user_version={len(MIGRATIONS)}")
        run(f"PRAGMA application_id={APPLICATION}")


@contextmanager
def transaction(file: sqlite3.Connection) -> Iterator[None]:
    """Change a file in one step: all that is done in the block, or nothing."""
    file.execute("BEGIN IMMEDIATE")
    try:
        yield
        file.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            file.execute("ROLLBACK")
        raise
