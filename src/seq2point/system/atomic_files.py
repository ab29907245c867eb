"""Files that are written whole or not at all."""

import errno
import hashlib
import json
import os
import platform
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from seq2point.errors import Seq2PointError, UsageError

PART = re.compile(
    r"\.(?P<stem>.*)\.(?:(?P<host>[0-9a-f]{8})-)?(?P<process>\d+)\.part(?P<suffix>\.[^.]*)?",
    re.DOTALL,
)


def check_ending(path: Path, content: str, endings: Sequence[str]) -> None:
    """Raise UsageError for a path that has none of the endings; `content` is what it would hold.

    '.pq' is '.parquet' in short.
    """
    if path.suffix.lower() not in endings:
        allowed = " or ".join(ending for ending in endings if ending != ".pq")
        raise UsageError(f"{path}: {content} written as {allowed}; change the ending")


@contextmanager
def explain_write_errors(place: str | Path) -> Iterator[None]:
    """Turn an OSError of writing into a Seq2PointError that names the file, or else `place`."""
    try:
        yield
    except OSError as error:
        raise Seq2PointError(
            f"{error.filename or place}: cannot be written ({error.strerror or error})"
        ) from error


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block succeeds.

    The temporary file is removed if the block fails. It has the suffix of `path`, which some
    writers choose the format by. Half-written files of killed processes are removed from the
    folder. Of a symbolic link the target is replaced, not the link.
    Raises Seq2PointError when the folder cannot be written.
    """
    requested, path = path, Path(os.path.realpath(path))
    beside = path.with_name(f".{path.stem}.{_host()}-{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.exists() and not path.is_file():
            raise OSError(errno.EINVAL, "it is a device or a pipe")
        _remove_leftovers(path)
        yield beside
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        beside.chmod(0o666 & ~umask)
        beside.replace(path)
    except OSError as error:
        reason = error.strerror or error
        raise Seq2PointError(f"{requested}: cannot be written ({reason})") from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _remove_leftovers(path: Path) -> None:
    """Remove the half-written files in a folder whose process on this machine has ended.

    A file without a machine's mark is from an earlier version. It is removed only where it belongs
    to `path`.
    """
    for file in path.parent.iterdir():
        part = PART.fullmatch(file.name)
        if part is None or _is_running(int(part["process"])):
            continue
        same_file = (part["stem"], part["suffix"] or "") == (path.stem, path.suffix)
        if part["host"] == _host() or (part["host"] is None and same_file):
            with suppress(OSError):
                file.unlink()


def remove_leftovers(folder: Path) -> None:
    """Remove the half-written files anywhere below a folder whose process here has ended."""
    for root, _, names in os.walk(folder):
        for name in names:
            part = PART.fullmatch(name)
            if part and part["host"] == _host() and not _is_running(int(part["process"])):
                with suppress(OSError):
                    Path(root, name).unlink()


@cache
def _host() -> str:
    """Return a mark of this machine: process numbers of another mean nothing here."""
    return hashlib.sha256(platform.node().encode(errors="replace")).hexdigest()[:8]


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def write_json(report: dict[str, Any], path: str | Path) -> None:
    """Write a report as JSON, whole or not at all."""
    with atomic_write(path) as beside:
        beside.write_text(json.dumps(report, indent=2) + "\n")
