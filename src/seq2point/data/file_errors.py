"""What a library raises for a file that is damaged or crafted, as one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seq2point.errors import DataError, Seq2PointError

RUST = "pyo3_runtime"  # the module of a panic in Polars, which is no Exception


@contextmanager
def refuse_damage(path: Path, what: str) -> Iterator[None]:
    """Raise DataError where a library fails on a file, whatever it fails with: no list of its
    errors is ever complete.

    Put inside what the library does with the file and little else, since a mistake of ours would be
    called damage too.
    """
    try:
        yield
    except Seq2PointError:
        raise
    except Exception as error:
        raise DataError(f"{path}: {what} ({describe_failure(error)})") from error
    except BaseException as error:
        if type(error).__module__ != RUST:
            raise
        raise DataError(f"{path}: {what} ({describe_failure(error)})") from error


def describe_failure(error: BaseException) -> str:
    """What a library says of a failure, in at most one short line."""
    said = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
    return str(said).splitlines()[0][:200]
