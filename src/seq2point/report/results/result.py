"""One result: a network that was tested, whatever made it, and what decides it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from seq2point.metrics import Metrics

UNPRUNED = "none"
"""The pruner of a network that was not pruned."""


class Problem(NamedTuple):
    """What cannot be shown, and why."""

    path: Path
    reason: str


class Size(NamedTuple):
    """What a network takes; None where it was not measured.

    Of a pruned network it is that of the compacted one, where there is one. `latency_ms` is the
    time of one window.
    """

    weights: int | None
    multiply_adds: int | None
    file_bytes: int | None
    latency_ms: float | None


class DataHash(NamedTuple):
    """A recording or file that a result comes from: its role, its name, and its SHA-256."""

    role: str
    name: str
    sha256: str


@dataclass(frozen=True)
class Result:
    """A network that was tested.

    `scored_alike` is the same text for results whose errors can be compared: the same appliance in
    the same recordings. `sparsity` is the share of the prunable weights that is gone. `baselines`
    has the metrics of 'zero' and 'mean'; `by_event` those of decisions by event, where there are
    any. `coverage`, `by_hour` and `activations` are those of a test's report, None where it holds
    none. `days_file` has the days to look at. `history` has a row for each validation, `layers` the
    weights kept of each layer.
    `command` names options as fields in backticks, '' where no command makes the result.
    """

    name: str
    made_by: str
    appliance: str
    scored_alike: str
    tested_on: str
    network: str
    pruner: str
    sparsity: float | None
    seed: int | None
    metrics: Metrics
    baselines: Mapping[str, Metrics]
    size: Size
    coverage: Mapping[str, Any] | None = None
    by_hour: Mapping[str, Any] | None = None
    activations: Mapping[str, Any] | None = None
    days_file: Path | None = None
    by_event: Metrics | None = None
    history: Sequence[Mapping[str, float]] = ()
    layers: Sequence[Mapping[str, Any]] = ()
    card: Sequence[str] = ()
    command: str = ""
    settings: Mapping[str, Any] | None = None
    hashes: Sequence[DataHash] = ()

    @property
    def scored_share(self) -> float | None:
        """The share of the recordings that was scored."""
        return None if self.coverage is None else self.coverage.get("scored")

    @property
    def pruner_label(self) -> str:
        """The pruner in words: 'global magnitude'; 'unpruned'."""
        return "unpruned" if self.pruner == UNPRUNED else self.pruner.replace("_", " ")

    @property
    def pruning(self) -> str:
        """The pruner with the sparsity: 'magnitude 50 %'; 'unpruned'."""
        if self.pruner == UNPRUNED or self.sparsity is None:
            return self.pruner_label
        return f"{self.pruner_label} {100 * self.sparsity:.3g} %"


def find_file(path: Path) -> Path | None:
    """Return a file's path where it is there."""
    return path if path.exists() else None


def identify_test(appliance: str, data: Sequence[Mapping[str, Any]]) -> str:
    """Return the same text for tests on recordings of the same houses, lengths and periods."""
    parts = [(each["house"], each["samples"], each["period_s"]) for each in data]
    return f"{appliance} {parts}"
