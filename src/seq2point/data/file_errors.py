"""Errors of other libraries on damaged or crafted files, as a DataError of one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seq2point.errors import DataError, Seq2PointError

LONGEST_CELL = 40  # letters of a cell that a message shows

RUST = "pyo3_runtime"
"""The module of a panic in Polars, which is a BaseException and no Exception."""

LONGEST_REASON = 200  # letters of a library's error in a message


@contextmanager
def refuse_damage(path: Path, problem: str) -> Iterator[None]:
    """Turn every error of the block into a DataError: '<path>: <problem> (<reason>)'.

    No list of a library's errors on damaged files is complete, so all are caught. Put little more
    than the library's call into the block: a mistake of ours would be called damage too.
    """
    try:
        yield
    except Seq2PointError:
        raise
    except Exception as error:
        raise DataError(f"{path}: {problem} ({describe_failure(error)})") from error
    except BaseException as error:
        if type(error).__module__ != RUST:
            raise
        raise DataError(f"{path}: {problem} ({describe_failure(error)})") from error


def describe_failure(error: BaseException) -> str:
    """Return the text of an error, in one short line."""
    text = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
    return str(text).splitlines()[0][:LONGEST_REASON]
