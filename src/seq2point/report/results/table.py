"""The cells of a report's tables: what stands in them, and what they are sorted by."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from seq2point.metrics import METRICS, Metrics
from seq2point.report.results.result import Result
from seq2point.wording import format_number

UNKNOWN = "–"
"""Stands where a result does not hold a number."""
BASELINES = ("zero", "mean")
MAIN = ("nde", "sae", "f1")
BY_HOUR_AND_EVENT = (
    "sae_delta_w",
    "energy_per_day_wh",
    "event_f1",
    "event_precision",
    "event_recall",
    "cycle_precision",
    "cycle_recall",
)


class Column(NamedTuple):
    """A column: its heading, whether its cells are words, and whether they can be chosen from."""

    heading: str
    is_text: bool = False
    is_choice: bool = False


class Cell(NamedTuple):
    """What stands in a table, and what it is sorted by; `key` is '' where that is the text."""

    text: str
    key: str = ""


class Row(NamedTuple):
    """A row of a table: the number of its result, what it is called, and its cells."""

    number: int
    head: str
    cells: list[Cell]


class ResultTable(NamedTuple):
    """A table: its columns after the first one, and its rows."""

    columns: list[Column]
    rows: list[Row]


def make_main_table(results: Sequence[Result], tests: Mapping[str, str]) -> ResultTable:
    """Return a row for each result; `tests` has the name of each test, by `scored_alike`."""
    mae = METRICS["mae_w"]
    columns = [
        Column("appliance", True, True),
        *([Column("tested on", True, True)] if len(tests) > 1 else []),
        Column("network", True, True),
        Column("pruner", True, True),
        Column("sparsity, %"),
        Column("seed"),
        Column(mae.heading),
        *(Column(f"{name}, {mae.unit}") for name in BASELINES),
        *(Column(METRICS[key].label) for key in MAIN),
        Column("coverage, %"),
        Column("weights"),
        Column("multiply-adds"),
        Column("file, KB"),
        Column("latency, ms"),
    ]
    rows = [Row(i, each.name, _list_cells(each, tests)) for i, each in enumerate(results)]
    return ResultTable(columns, rows)


def make_hour_and_event_table(results: Sequence[Result]) -> ResultTable | None:
    """Return the errors by hour and by event; None where no result holds any.

    A result with decisions by event has a second row.
    """
    told: list[tuple[int, str, Metrics]] = []
    for i, each in enumerate(results):
        told.append((i, each.name, each.metrics))
        if each.by_event is not None:
            told.append((i, f"{each.name}, decided by event", each.by_event))
    keys = [key for key in BY_HOUR_AND_EVENT if any(m.get(key) is not None for *_, m in told)]
    rows = [Row(i, name, [_cell_of_metric(key, m) for key in keys]) for i, name, m in told]
    return ResultTable([Column(METRICS[key].heading) for key in keys], rows) if keys else None


def _list_cells(result: Result, tests: Mapping[str, str]) -> list[Cell]:
    size, baselines = result.size, result.baselines
    appliance = result.appliance.replace("_", " ")
    where = tests[result.scored_alike].removeprefix(f"{appliance}, ")
    return [
        Cell(appliance),
        *([Cell(where)] if len(tests) > 1 else []),
        Cell(result.network),
        Cell(result.pruner_label),
        _cell(result.sparsity, lambda share: f"{100 * share:.3g}"),
        _cell(result.seed, str),
        _cell_of_metric("mae_w", result.metrics),
        *(_cell_of_metric("mae_w", baselines[name]) for name in BASELINES),
        *(_cell_of_metric(key, result.metrics) for key in MAIN),
        _cell(result.scored, lambda share: f"{100 * share:.3g}"),
        _cell(size.weights, lambda count: f"{count:,}"),
        _cell(size.multiply_adds, lambda count: f"{count:,}"),
        _cell(size.file_bytes, lambda count: format_number(count / 1024)),
        _cell(size.latency_ms, format_number),
    ]


def _cell_of_metric(key: str, metrics: Metrics) -> Cell:
    decimals = METRICS[key].decimals
    return _cell(metrics.get(key), lambda value: f"{value:,.{decimals}f}")


def _cell(value: Any, show: Callable[[Any], str]) -> Cell:
    return Cell(UNKNOWN, "") if value is None else Cell(show(value), f"{value:.6g}")
