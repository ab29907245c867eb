"""What a search for a device's network has made: how accurate each is, and which are best."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from seq2point.architecture import Architecture
from seq2point.choices import Criterion
from seq2point.metrics import METRICS
from seq2point.model.pretrained.card import is_useful
from seq2point.wording import format_number

SHOWN = ("mae_w", "nde", "f1")


class GridPoint(NamedTuple):
    """A point of the grid: the shares of hidden units and of channels that go."""

    units: float
    channels: float


class Candidate(NamedTuple):
    """What a point gave: its result where it was trained, and why it does not fit where it does
    not.
    """

    point: GridPoint
    shape: Architecture
    result: Mapping[str, Any] | None
    too_much: str | None

    @property
    def metrics(self) -> Mapping[str, float | None]:
        """Those of what was exported; empty where nothing was."""
        return self.result["metrics"] if self.result else {}

    @property
    def flash_bytes(self) -> int:
        """Bytes of flash, or of the file, where it was made."""
        assert self.result is not None
        return int(self.result["flash_bytes"])

    @property
    def is_useful(self) -> bool:
        """Whether what was made is of use at all, see `is_useful`."""
        assert self.result is not None
        return is_useful(self.metrics, self.result["baselines"]["zero"]["mae_w"])

    def describe(self) -> str:
        """Return the candidate in words."""
        channels = ", ".join(map(str, self.shape.channels))
        size = f"{self.shape.hidden} units, channels {channels}"
        if self.result is None:
            return f"{size}: {self.too_much}"
        known = ((METRICS[key], self.metrics[key]) for key in SHOWN)
        reached = ", ".join(
            f"{metric.label} {metric.add_unit(format_number(value))}"
            for metric, value in known
            if value is not None
        )
        return f"{size}: {self.flash_bytes / 1024:,.0f} KB, {reached}" + (
            f"; {self.too_much}" if self.too_much else ""
        )


def find_best(candidates: Sequence[Candidate], criterion: Criterion) -> Candidate | None:
    """Return the most accurate of those that fit, None where none does."""
    fitting = [c for c in candidates if c.too_much is None and _has_score(c, criterion)]
    return min(fitting, key=lambda c: _rank(c, criterion), default=None)


def find_front(candidates: Sequence[Candidate], criterion: Criterion) -> list[Candidate]:
    """Return those that no smaller one equals in accuracy, the smallest first, whether they fit or
    not.
    """
    scored = [c for c in candidates if _has_score(c, criterion)]
    front: list[Candidate] = []
    for candidate in sorted(scored, key=lambda c: (c.flash_bytes, _rank(c, criterion))):
        if not front or _rank(candidate, criterion) < _rank(front[-1], criterion):
            front.append(candidate)
    return front


def _has_score(candidate: Candidate, criterion: Criterion) -> bool:
    return candidate.metrics.get(criterion) is not None


def _rank(candidate: Candidate, criterion: Criterion) -> float:
    score = candidate.metrics[criterion]
    assert score is not None
    return score if METRICS[criterion].lower_is_better else -score
