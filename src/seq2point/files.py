"""Writing files whole or not at all."""

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from seq2point.errors import Seq2PointError


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """A path beside `path` to write to, renamed onto it when the block ends well and removed when it does not.

    The suffix is kept, so that writers that look at it still know the format.
    Raises Seq2PointError when the folder cannot be written.
    """
    given, path = path, Path(os.path.realpath(path))  # what a link points to is replaced, not the link
    beside = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.exists() and not path.is_file():
            raise OSError(errno.EINVAL, "a device or a pipe, no file")
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


def write_json(report: dict[str, Any], path: str | Path) -> None:
    """Write a report, whole or not at all."""
    with written_whole(path) as beside:
        beside.write_text(json.dumps(report, indent=2) + "\n")
