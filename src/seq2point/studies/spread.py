"""Numbers over seeds: their mean and spread, how they are written, and their Markdown tables."""

from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Any

MeanAndSd = dict[str, Any]


def find_mean_and_sd(values: Sequence[float | None]) -> MeanAndSd:
    """Mean and sample standard deviation over seeds; None where a seed has no value, and the
    deviation of one seed.
    """
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return {"mean": None, "sd": None, "values": list(values)}
    return {"mean": fmean(known), "sd": stdev(known) if len(known) > 1 else None, "values": known}


def format_spread(value: float | None, sd: float | None = None) -> str:
    """A number as the table has it, with its spread where there is one."""
    if value is None:
        return "-"
    digits = 0 if abs(value) >= 100 else 2
    return f"{value:,.{digits}f}" + (f" ± {sd:,.{digits}f}" if sd is not None else "")


def render_table(
    headings: Sequence[str], lines: Sequence[Sequence[str]], labels: int = 1
) -> list[str]:
    """The lines of a Markdown table, all but its first columns, the labels, right-aligned."""
    return [
        _line(headings),
        _line(["---"] * labels + ["---:"] * (len(headings) - labels)),
        *map(_line, lines),
    ]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
