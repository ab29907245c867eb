"""Writing files whole or not at all."""

import errno
import hashlib
import json
import os
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from seq2point.errors import Seq2PointError

PART = re.compile(
    r"\.(?P<stem>.*)\.(?:(?P<host>[0-9a-f]{8})-)?(?P<process>\d+)\.part(?P<suffix>\.[^.]*)?",
    re.DOTALL,
)


@contextmanager
def explain_write_errors(place: str | Path) -> Iterator[None]:
    """Turn what the system says against writing into a Seq2PointError that names the place, or the
    file that it named.
    """
    try:
        yield
    except OSError as error:
        raise Seq2PointError(
            f"{error.filename or place}: cannot be written ({error.strerror or error})"
        ) from error


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """A path beside `path` to write to, renamed onto it when the block ends well and removed when
    it does not.

    The suffix is kept, so that writers that look at it still know the format. What a killed process
    has left half-written in the folder is removed.
    Raises Seq2PointError when the folder cannot be written.
    """
    given, path = (
        path,
        Path(os.path.realpath(path)),
    )  # what a link points to is replaced, not the link
    beside = path.with_name(f".{path.stem}.{_host()}-{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.exists() and not path.is_file():
            raise OSError(errno.EINVAL, "a device or a pipe, no file")
        _remove_leftovers(path)
        yield beside
        with beside.open("rb") as written:
            os.fsync(written.fileno())
        umask = os.umask(0)
        os.umask(umask)
        beside.chmod(0o666 & ~umask)
        beside.replace(path)
    except OSError as error:
        raise Seq2PointError(f"{given}: cannot be written ({error.strerror or error})") from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _remove_leftovers(path: Path) -> None:
    """Remove the half-written files in a folder whose process, on this machine, is gone.

    One without a machine's mark was written by an earlier version, and goes only where it is of the
    same file.
    """
    for found in path.parent.iterdir():
        part = PART.fullmatch(found.name)
        if part is None or _is_running(int(part["process"])):
            continue
        same_file = (part["stem"], part["suffix"] or "") == (path.stem, path.suffix)
        if part["host"] == _host() or (part["host"] is None and same_file):
            with suppress(OSError):
                found.unlink()


@cache
def _host() -> str:
    """A mark of this machine, since numbers of processes mean nothing on another that shares the
    folder.
    """
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
    """Write a report, whole or not at all."""
    with atomic_write(path) as beside:
        beside.write_text(json.dumps(report, indent=2) + "\n")
