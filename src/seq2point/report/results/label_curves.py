"""The curves of transfers: the error in a house against the days of labels from it, as pictures."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from seq2point.metrics import METRICS
from seq2point.recording import format_house
from seq2point.report.curve_points import find_point, list_choices
from seq2point.report.results.front import LEFT, RIGHT, WIDTH, Tick, scale_error
from seq2point.report.results.result import Problem
from seq2point.studies.transfer_choices import describe_choice, format_days

CURVE = "curve.json"
UNKNOWN = "–"


class CurveLine(NamedTuple):
    """A choice's line: its name, its mark, its path, its points, and the range of the seeds."""

    label: str
    mark: int
    path: str
    points: list[tuple[float, float]]
    ranges: str


class LabelCurve(NamedTuple):
    """A curve: what it is of, its picture, and its numbers as a table."""

    title: str
    facts: list[str]
    lines: list[CurveLine]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    zero_y: float | None
    headings: list[str]
    rows: list[list[str]]
    command: str


def is_curve(path: Path) -> bool:
    """Return whether a folder is that of a transfer's curve."""
    return path.is_dir() and (path / CURVE).exists()


def read_curves(paths: Sequence[Path]) -> tuple[list[LabelCurve], list[Problem]]:
    """Return the curves in the folders that have one, and those that cannot be shown."""
    curves, problems = [], []
    for path in dict.fromkeys(path.resolve() for path in paths if is_curve(path)):
        try:
            curves.append(_make_curve(json.loads((path / CURVE).read_text(encoding="utf-8"))))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            reason = f"damaged ({type(error).__name__}: {error}); make it again"
            problems.append(Problem(path / CURVE, reason))
    return curves, problems


def _make_curve(report: Mapping[str, Any]) -> LabelCurve:
    choices, all_days = list_choices(report), sorted({p["days"] for p in report["points"]})
    errors: dict[str, dict[float, Mapping[str, Any]]] = {
        choice: {
            days: point["metrics"]["mae_w"]
            for days in all_days
            if (point := find_point(report, choice, days))
            and point["metrics"]["mae_w"]["mean"] is not None
        }
        for choice in choices
    }
    zero_w = report["baselines"]["zero"]["mae_w"]
    known = [w for line in errors.values() for each in line.values() for w in each["values"]]
    if not known:
        raise ValueError("no point of it has an error")
    shown_zero_w = zero_w if zero_w is not None and zero_w <= 1.5 * max(known) else None
    y_ticks, place_y = scale_error([*known, *([] if shown_zero_w is None else [shown_zero_w])])
    step = (WIDTH - LEFT - RIGHT) / max(len(all_days), 1)
    place_x = {days: round(LEFT + step * (i + 0.5), 1) for i, days in enumerate(all_days)}
    lines = []
    for mark, choice in enumerate(choices):
        points = [(place_x[d], round(place_y(e["mean"]), 1)) for d, e in errors[choice].items()]
        ranges = "".join(
            f"M{place_x[d]:g} {place_y(min(e['values'])):.1f}V{place_y(max(e['values'])):.1f}"
            for d, e in errors[choice].items()
            if len(e["values"]) > 1
        )
        path = "M" + "L".join(f"{x:g} {y:g}" for x, y in points) if points else ""
        lines.append(CurveLine(describe_choice(choice), mark, path, points, ranges))
    appliance, seeds = report["appliance"].replace("_", " "), len(report["seeds"])
    tested = ", ".join(f"{format_house(t['house'])} ({t['days']:.3g} days)" for t in report["test"])
    return LabelCurve(
        f"{appliance}, days of labels from {format_house(report['train']['house'])}",
        [
            f"from a model of {report['model']['of'].replace('_', ' ')} with"
            f" {report['model']['parameters']:,} weights, tested on {tested}",
            f"mean of {seeds} seeds, with their range" if seeds > 1 else "one seed",
            f"always zero has {METRICS['mae_w'].describe(zero_w)}",
            *report["notes"],
        ],
        lines,
        [Tick(place_x[days], f"{days:g}") for days in all_days],
        y_ticks,
        None if shown_zero_w is None else round(place_y(shown_zero_w), 1),
        ["labels", *map(describe_choice, choices)],
        [
            [format_days(days), *(_describe_cell(errors[choice].get(days)) for choice in choices)]
            for days in all_days
        ],
        report.get("command", ""),
    )


def _describe_cell(error: Mapping[str, Any] | None) -> str:
    if error is None:
        return UNKNOWN
    spread = f" ± {error['sd']:.1f}" if error["sd"] is not None else ""
    return f"{error['mean']:.1f}{spread}"
