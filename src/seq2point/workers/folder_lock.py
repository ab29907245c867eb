"""The lock of a folder of results: one process writes there at a time."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seq2point.errors import Seq2PointError

LOCK = "lock.sqlite"


@contextmanager
def lock_folder(folder: Path, verb: str) -> Iterator[None]:
    """Hold the lock of a folder while the block runs; it goes with its process.

    `verb` is who writes there, in words. Raises Seq2PointError where another process holds the
    lock, and where it cannot be made.
    """
    path = folder / LOCK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        raise Seq2PointError(f"{path}: cannot be written ({error.strerror or error})") from None
    database = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        try:
            database.execute("BEGIN EXCLUSIVE")  # a lock of the system on the file, on any system
        except sqlite3.DatabaseError:
            raise Seq2PointError(
                f"{folder}: another {verb} writes there; wait for it, or choose another folder"
            ) from None
        yield
    finally:
        database.close()
