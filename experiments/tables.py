"""Cells and tables of the studies, in Markdown."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from seq2point.metrics import METRICS, MetricDefinition
from seq2point.studies.spread import render_table
from seq2point.system.atomic_files import atomic_write

Results = Sequence[Mapping[str, Any]]
DECIMALS = {"mae_w": 2, "on_mae_w": 0}


def make_spread_cell(values: Sequence[float | None], decimals: int) -> str:
    """Return the mean of all seeds with its standard deviation; the value alone for one seed.

    '-' where a seed has no value.
    """
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return "-"
    deviation = f" ± {stdev(known):.{decimals}f}" if len(known) > 1 else ""
    return f"{fmean(known):.{decimals}f}{deviation}"


def make_metric_cells(metrics: Results, keys: Sequence[str]) -> list[str]:
    """Return a cell for each metric, over the metrics of all seeds."""
    return [
        make_spread_cell([of_seed[key] for of_seed in metrics], find_decimals(key, METRICS[key]))
        for key in keys
    ]


def find_decimals(key: str, metric: MetricDefinition) -> int:
    """Return the decimals of a metric in these tables."""
    return DECIMALS.get(key, metric.decimals)


def list_headings(keys: Sequence[str]) -> list[str]:
    """Return the headings of some metrics."""
    return [METRICS[key].heading for key in keys]


def replace_between(page: Path, name: str, lines: Sequence[str]) -> bool:
    """Put lines between the markers of a name on a page; return whether the page has these markers.

    The markers are comments: <!-- begin: NAME --> and <!-- end: NAME -->.
    """
    text = page.read_text(encoding="utf-8")
    begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
    if begin not in text or end not in text:
        return False
    before, _, rest = text.partition(begin)
    after = rest.partition(end)[2]
    whole = "\n".join([f"{before}{begin}", "", *lines, "", f"{end}{after}"])
    with atomic_write(page) as beside:
        beside.write_text(whole, encoding="utf-8")
    return True


def print_table(
    title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], labels: int = 1
) -> None:
    """Print a Markdown table under its title."""
    print(f"\n{title}\n" if title else "")
    print(*render_table(headings, rows, labels), sep="\n", flush=True)
