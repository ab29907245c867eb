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


HOURS_AND_ACTIVATIONS = ("worst hour", "error in it, W", "activations", "their energy found, %")
"""Columns of where the errors are."""


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
    located = any(each.by_hour or each.activations for each in results)
    columns = [Column(METRICS[key].heading) for key in keys]
    columns += [Column(heading) for heading in HOURS_AND_ACTIVATIONS if located]
    rows = [
        Row(
            i,
            name,
            [_cell_of_metric(key, metrics) for key in keys]
            + (_locate_errors(results[i]) if located else []),
        )
        for i, name, metrics in told
    ]
    return ResultTable(columns, rows) if columns else None


def make_coverage_table(results: Sequence[Result]) -> ResultTable | None:
    """Return how much of each test's recordings counts; None where no result tells."""
    known = [(i, each, each.coverage) for i, each in enumerate(results) if each.coverage]
    rows = [
        Row(
            i,
            each.name,
            [
                Cell(each.tested_on),
                *(
                    _cell(coverage.get(key), lambda days: f"{days:,.1f}")
                    for key in ("days", "predicted_days", "scored_days")
                ),
                _cell(coverage.get("scored"), lambda share: f"{100 * share:.3g}"),
                *(
                    _cell(coverage.get(key), lambda count: f"{count:,}")
                    for key in ("filled_readings", "bridged_readings")
                ),
            ],
        )
        for i, each, coverage in known
    ]
    headings = ("days", "days predicted", "days scored", "scored, %", "filled", "bridged")
    return ResultTable([Column("tested on", True), *map(Column, headings)], rows) if rows else None


def find_worst_hour(by_hour: Mapping[str, Any] | None) -> tuple[int, float] | None:
    """Return the hour of the day with the greatest error, and that error in watts."""
    known = [(w, hour) for hour, w in enumerate((by_hour or {}).get("mae_w", ())) if w is not None]
    if not known:
        return None
    error_w, hour = max(known)
    return hour, error_w


def find_energy_share(activations: Mapping[str, Any] | None) -> float | None:
    """Return the energy that was estimated in the true activations, as a share of the true one."""
    used_wh = sum((activations or {}).get("truth_wh", ()))
    return sum((activations or {})["estimate_wh"]) / used_wh if used_wh else None


def _locate_errors(result: Result) -> list[Cell]:
    hour, error_w = find_worst_hour(result.by_hour) or (None, None)
    return [
        _cell(hour, lambda hour: f"{hour}:00"),
        _cell(error_w, lambda w: f"{w:,.1f}"),
        _cell((result.activations or {}).get("count"), lambda count: f"{count:,}"),
        _cell(find_energy_share(result.activations), lambda share: f"{100 * share:.0f}"),
    ]


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
        _cell(result.scored_share, lambda share: f"{100 * share:.3g}"),
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
