"""Ratios: what `make bench` measures, each of two costs in one run, so that machines can differ.

A benchmark has `measure_ratios(budget_s)`, which yields ratios: how many times cheaper seq2point is
than what it is compared with. Larger is better for all of them. `budget_s` is for the measuring
alone, and is shared among its ratios.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Self

FORMAT = 1


@dataclass(frozen=True)
class Ratio:
    """One ratio of a benchmark: its value in each turn."""

    benchmark: str
    name: str
    turns: tuple[float, ...]

    @property
    def value(self) -> float:
        """The median of the turns."""
        return median(self.turns)

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return f"{self.benchmark}: {self.name}"

    def join(self, other: "Ratio") -> "Ratio":
        """The turns of two runs together."""
        return Ratio(self.benchmark, self.name, (*self.turns, *other.turns))


@dataclass(frozen=True)
class Results:
    """The ratios of a run, what was left out and why by benchmark, and the machine's facts."""

    ratios: tuple[Ratio, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def write(self, path: Path) -> None:
        """Write them as JSON."""
        ratios = [asdict(ratio) | {"value": ratio.value} for ratio in self.ratios]
        content = {"format": FORMAT, **asdict(self), "ratios": ratios}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote; raises ValueError for another format."""
        content = json.loads(path.read_text())
        if content.get("format") != FORMAT:
            raise ValueError(f"{path}: not results of format {FORMAT}")
        ratios = [
            Ratio(each["benchmark"], each["name"], tuple(each["turns"]))
            for each in content["ratios"]
        ]
        return cls(tuple(ratios), content["left_out"], content["machine"], content["seconds"])

    @classmethod
    def join(cls, several: Sequence["Results"]) -> Self:
        """Join the results of several runs: the turns of one ratio count together.

        A benchmark is left out only if it never ran.
        """
        ratios: dict[str, Ratio] = {}
        for ratio in (ratio for results in several for ratio in results.ratios):
            known = ratios.get(ratio.key)
            ratios[ratio.key] = known.join(ratio) if known else ratio
        ran = {ratio.benchmark for ratio in ratios.values()}
        left_out = {
            name: reason
            for results in several
            for name, reason in results.left_out.items()
            if name not in ran
        }
        machine = next((results.machine for results in several if results.machine), {})
        return cls(tuple(ratios.values()), left_out, machine, sum(each.seconds for each in several))


def make_table(results: Results) -> str:
    """The machine's facts, then a line for each ratio: its median, and its turns' range."""
    lines = [f"{name}: {value}" for name, value in results.machine.items()]
    rows = [
        (r.benchmark, r.name, f"{r.value:.3g}", f"{min(r.turns):.3g} to {max(r.turns):.3g}")
        for r in results.ratios
    ]
    lines += ["", *align([("benchmark", "how many times cheaper", "ratio", "in turns"), *rows])]
    lines += [f"{name} left out: {reason}" for name, reason in results.left_out.items()]
    return "\n".join([*lines, "", f"{results.seconds:.0f} s"])


def align(rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows of cells as lines; the first two columns to the left, numbers to the right."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
