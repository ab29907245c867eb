"""Unreadable houses: one house that cannot be opened does not close its whole data set."""

import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from seq2point.errors import Seq2PointError, UsageError

House = TypeVar("House")
Opened = TypeVar("Opened")


class UnreadableHouse(NamedTuple):
    """A house that is left out, by its title, and the reason in a line."""

    house: str
    reason: str

    def __str__(self) -> str:
        return f"{self.house} is left out: {self.reason}; choose others with `houses`"

    def as_json(self) -> dict[str, str]:
        """Return the house and the reason as JSON."""
        return self._asdict()


OnUnreadable = Callable[[UnreadableHouse], None]


def warn_of_unreadable(house: UnreadableHouse) -> None:
    """Warn that a house is left out."""
    warnings.warn(str(house), stacklevel=2)


def open_readable(
    houses: Sequence[House],
    open_house: Callable[[House], Opened],
    make_title: Callable[[House], str],
    by_name: bool,
    on_unreadable: OnUnreadable,
) -> list[Opened]:
    """Return what `open_house` returns for each house that can be opened, in order.

    `on_unreadable` is called with each of the others. `by_name` says that the caller has named the
    houses: then each must open. Raises the first house's error for one by name that cannot be
    opened, and where none can.
    """
    opened: list[Opened] = []
    failures: list[tuple[House, Seq2PointError]] = []
    for house in houses:
        try:
            opened.append(open_house(house))
        except Seq2PointError as error:
            if by_name:
                raise _add_advice(error, "choose others with `houses`") from error
            failures.append((house, error))
    if failures and not opened:
        first = failures[0][1]
        if len(failures) == 1:
            raise first
        raise _add_advice(first, f"none of the {len(failures)} `houses` can be read") from first
    for house, failure in failures:
        on_unreadable(UnreadableHouse(make_title(house), str(failure)))
    return opened


def _add_advice(error: Seq2PointError, advice: str) -> Seq2PointError:
    """Return an error of the same kind with more advice."""
    text = f"{error}; {advice}"
    return UsageError(text) if isinstance(error, UsageError) else type(error)(text)
