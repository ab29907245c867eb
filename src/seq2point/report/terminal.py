"""Reports as tables on the terminal and as JSON."""

import json
import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions
from rich.style import StyleType
from rich.table import Table
from rich.text import Text

from seq2point.metrics import METRICS
from seq2point.system.console import make_console
from seq2point.wording import format_count

GAP = 2
"""Letters between two columns."""
CYCLES = "cycle_"
"""What the keys of metrics of whole cycles begin with."""


def print_report(report: dict[str, Any], path: Path | None) -> None:
    """Show metrics beside the baselines, and the pruning, where there are any; warn of a model
    pruned to nothing.

    With a path also write the JSON ('-' writes it to standard output instead).
    """
    from seq2point.predictor import warn_of_constants

    console = write_report(report, path)
    warn_of_constants(report["model"].get("constants_w", {}))
    if "metrics" in report:
        metrics, baselines = report["metrics"], report["baselines"]
        several = all(isinstance(value, dict) for value in metrics.values())
        for name in metrics if several else report["model"]["appliances"]:
            columns = {
                "network": metrics,
                "as it was": report.get("before"),
                "by event": report.get("by_event"),
                "zero predictor": baselines["zero"],
                "mean predictor": baselines["mean"],
            }
            given = {heading: m for heading, m in columns.items() if m is not None}
            chosen = {heading: m[name] if several else m for heading, m in given.items()}
            console.print(make_metrics_table(name, chosen))
            print_coverage(report["coverage"][name] if several else report["coverage"], console)
        for sentence in report["warnings"]:
            console.print(f"warning: {sentence}", style="yellow", soft_wrap=True)
    if report.get("pruning", {}).get("sparsity"):
        console.print(make_pruning_table(report["pruning"]["layers"]))
    if report.get("costs"):
        print_costs(report["costs"], console)


def print_coverage(coverage: Mapping[str, Any], console: Console) -> None:
    """How much of the data the numbers speak of."""
    from seq2point.recording.coverage import Coverage

    console.print(str(Coverage.parse(coverage)))


def write_report(report: dict[str, Any], path: Path | None) -> Console:
    """Write a report's JSON where a path is given ('-' is standard output), and say where words go:
    not among the JSON.
    """
    from seq2point.system.atomic_files import write_json

    if path is not None and str(path) == "-":
        print(json.dumps(report, indent=2))
        return make_console(to_stderr=True)
    if path is not None:
        write_json(report, path)
    return make_console()


def print_costs(costs: Mapping[str, Any], console: Console) -> None:
    """Print what the models cost side by side, what each stage reached, and the notes."""
    from seq2point.report.costs import make_accuracy_rows, make_cost_rows

    threads = format_count(costs["threads"], "thread")
    lines = make_cost_rows(costs)
    title = f"costs, measured on {threads}; (nx): n times better than the first"
    console.print(make_table(title, lines, wrap=range(len(lines[0]))))
    if costs["accuracy"]:
        console.print(make_table("accuracy", make_accuracy_rows(costs)))
    for note in costs["notes"]:
        print_prose(console, note)


@dataclass(frozen=True)
class FittedTable:
    """A table that no console is too narrow for, since nothing in it is cut.

    Words wrap in the columns `wrap`. Columns that then find no room follow below, each time beside
    the first one.
    """

    title: str
    heading: Sequence[str]
    rows: Sequence[Sequence[str]]
    wrap: Collection[int] = (0,)
    left: Collection[int] = (0,)
    styles: Sequence[StyleType] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table | Text]:
        """The table in as many parts as it takes."""
        if self.title:
            yield Text(self.title, style="bold", overflow="fold")
        widths = self._fit_widths(options.max_width)
        for part in self._split(widths, options.max_width):
            yield self._draw(part, widths)
            yield Text()

    def _fit_widths(self, width: int) -> list[int]:
        """What the columns need, less what wrapping can spare where that is too much."""
        columns = list(zip(self.heading, *self.rows, strict=True))
        widths = [max(map(len, column)) for column in columns]
        least = [_find_narrowest(column, i in self.wrap) for i, column in enumerate(columns)]
        while sum(widths) + GAP * (len(widths) - 1) > width and widths != least:
            widest = max(range(len(widths)), key=lambda i: widths[i] if widths[i] > least[i] else 0)
            widths[widest] -= 1
        return widths

    def _split(self, widths: Sequence[int], width: int) -> Iterator[list[int]]:
        """The columns of each part."""
        part = [0]
        for i in range(1, len(widths)):
            if len(part) > 1 and sum(widths[j] + GAP for j in part) + widths[i] > width:
                yield part
                part = [0]
            part.append(i)
        yield part

    def _draw(self, columns: Sequence[int], widths: Sequence[int]) -> Table:
        headed = any(self.heading)
        table = Table(
            box=SIMPLE_HEAD if headed else None, show_header=headed, show_edge=False, pad_edge=False
        )
        table.padding = (0, GAP - headed, 0, 0)
        for i in columns:
            justify: Literal["left", "right"] = "left" if i in self.left else "right"
            table.add_column(self.heading[i], justify=justify, width=widths[i], overflow="fold")
        for i, row in enumerate(self.rows):
            style = self.styles[i] if self.styles else None
            table.add_row(*(Text(row[j], overflow="fold") for j in columns), style=style)
        return table


def _find_narrowest(column: Sequence[str], wrap: bool) -> int:
    """What a column needs whose heading, and where `wrap` is set whose cells, are broken between
    words.
    """
    heading, *cells = column
    return max(
        map(
            len,
            (
                (word for text in column for word in text.split())
                if wrap
                else (*heading.split(), *cells)
            ),
        ),
        default=0,
    )


def make_table(
    title: str, lines: Sequence[Sequence[str]], wrap: Collection[int] = (0,)
) -> FittedTable:
    """Rows of cells under their heading, the first row; words wrap in the columns `wrap`."""
    heading, *rows = lines
    return FittedTable(title, heading, rows, wrap)


def make_facts_table(title: str, facts: Mapping[str, str]) -> FittedTable:
    """What there is to say of one thing, by name."""
    return FittedTable(title, ["", ""], list(facts.items()), wrap=(1,), left=(0, 1))


def print_prose(console: Console, text: str, style: str | None = None) -> None:
    """Print a sentence that wraps between words; paths and other long words stay whole, to be
    copied.
    """
    hanging = "  " if text.startswith("- ") else ""
    lines = textwrap.wrap(
        text,
        console.width,
        subsequent_indent=hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
    console.print(Text("\n".join(lines), style=style or ""), soft_wrap=True)


def make_metrics_table(name: str, columns: Mapping[str, Mapping[str, float | None]]) -> FittedTable:
    """Return the table of an appliance: each metric, a column for each heading.

    Metrics of cycles are left out where the data have no cycle.
    """
    cycles = any(column.get("cycle_recall") is not None for column in columns.values())
    rows = [
        [
            ", ".join(filter(None, (metric.label, metric.remark))),
            *(metric.format(column.get(key)) for column in columns.values()),
        ]
        for key, metric in METRICS.items()
        if cycles or not key.startswith(CYCLES)
    ]
    return FittedTable(name.replace("_", " "), ["", *columns], rows)


def make_pruning_table(layers: Sequence[dict[str, Any]]) -> FittedTable:
    """Kept weights and zeros by layer, and over all."""
    rows = [
        _make_pruning_row(row["name"], *(row[key] for key in ("total", "kept", "zeros")))
        for row in layers
    ]
    rows.append(
        _make_pruning_row(
            "all", *(sum(row[key] for row in layers) for key in ("total", "kept", "zeros"))
        )
    )
    styles = [*[""] * len(layers), "bold"]
    return FittedTable(
        "pruning", ["weights", "total", "kept", "zeros", "removed"], rows, styles=styles
    )


def _make_pruning_row(name: str, total: int, kept: int, zeros: int) -> list[str]:
    return [name, f"{total:,}", f"{kept:,}", f"{zeros:,}", f"{1 - kept / total:.1%}"]


def print_files(listed: dict[str, Path], quiet: bool = False) -> None:
    """Where everything lies."""
    console = make_console(to_stderr=quiet, wrap=False)
    width = max(map(len, listed))
    for label, path in listed.items():
        console.print(f"{label:<{width}}  {path}")
