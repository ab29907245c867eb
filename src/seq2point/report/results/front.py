"""Errors against what a network takes, as points of a picture with the Pareto front."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from seq2point.metrics import METRICS
from seq2point.report.household.stacked_bars import find_step
from seq2point.report.results.result import Result
from seq2point.wording import format_number

WIDTH, HEIGHT = 400, 280
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 10, 40
LETTERS_WIDTH = 45
"""What a mark of the lower axis takes, with room beside it."""
LEAST_SPAN, LEAST_SPAN_W = 1e-3, 0.01
"""What an axis of errors shows at least: a share of the error, and watts."""
SHAPES = 9
"""Colours and marks of pruners; more of them begin anew."""


class Quantity(NamedTuple):
    """A cost of a network, for an axis: its key, its name, and how to find it."""

    key: str
    label: str
    find: Callable[[Result], float | None]


QUANTITIES = (
    Quantity("weights", "weights that are not zero", lambda each: each.size.weights),
    Quantity("multiply-adds", "multiply-adds a window", lambda each: each.size.multiply_adds),
    Quantity("latency", "milliseconds a window", lambda each: each.size.latency_ms),
)


class Point(NamedTuple):
    """A result in a picture: its number among all results, its place, its mark."""

    number: int
    x: float
    y: float
    mark: int
    on_front: bool
    label: str


class Tick(NamedTuple):
    """A mark of an axis."""

    at: float
    label: str


class Chart(NamedTuple):
    """A picture: its points and axes, the front as a path, and the line of always zero."""

    quantity: Quantity
    points: list[Point]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    front: str
    zero_y: float | None
    front_names: list[str]


def find_front(places: Sequence[tuple[float, float]]) -> list[int]:
    """Return the places that no other is as good as in both, and better in one; least cost first.

    Lower is better in both. Of equal places the first one stands for all.
    """
    front, best = [], math.inf
    for i in sorted(range(len(places)), key=lambda i: (*places[i], i)):
        if places[i][1] < best:
            front.append(i)
            best = places[i][1]
    return front


def draw_chart(
    quantity: Quantity, results: Mapping[int, Result], marks: Mapping[str, int]
) -> Chart | None:
    """Return the picture of results by their numbers; None for fewer than two that were measured.

    `marks` has the mark of each pruner.
    """
    known = [
        (i, each, float(cost), mae_w)
        for i, each in results.items()
        if (cost := quantity.find(each)) and (mae_w := each.metrics.get("mae_w")) is not None
    ]
    if len(known) < 2:
        return None
    costs, errors_w = [cost for _, _, cost, _ in known], [error_w for *_, error_w in known]
    zeros_w = [w for _, each, *_ in known if (w := each.baselines["zero"].get("mae_w")) is not None]
    x_ticks, place_x = _scale_cost(costs)
    zero_w = zeros_w[0] if zeros_w and zeros_w[0] <= 1.5 * max(errors_w) else None
    y_ticks, place_y = scale_error([*errors_w, *([zero_w] if zero_w is not None else [])])
    front = find_front(list(zip(costs, errors_w, strict=True)))
    points = [
        Point(
            i,
            round(place_x(cost), 1),
            round(place_y(error_w), 1),
            marks[each.pruner_label],
            j in front,
            _describe(each, quantity, cost, error_w),
        )
        for j, (i, each, cost, error_w) in enumerate(known)
    ]
    return Chart(
        quantity,
        sorted(points, key=lambda point: point.on_front),
        x_ticks,
        y_ticks,
        _join([points[j] for j in front]),
        None if zero_w is None else round(place_y(zero_w), 1),
        [points[j].label for j in front],
    )


def _describe(result: Result, quantity: Quantity, cost: float, error_w: float) -> str:
    return (
        f"{result.name}, {result.pruning}: {METRICS['mae_w'].describe(error_w)},"
        f" {format_number(cost)} {quantity.label}"
    )


def _join(front: Sequence[Point]) -> str:
    """Return the front as steps: from a point the error holds until the next one's cost."""
    if not front:
        return ""
    first, *others = front
    steps = "".join(f"H{point.x:g}V{point.y:g}" for point in others)
    return f"M{first.x:g} {TOP}V{first.y:g}{steps}H{WIDTH - RIGHT}"


def _scale_cost(costs: Sequence[float]) -> tuple[list[Tick], Callable[[float], float]]:
    """Return the marks of a logarithmic axis, and where a cost stands on it."""
    low, high = math.log10(min(costs)), math.log10(max(costs))
    room = max(0.06 * (high - low), 0.04)
    low, high = low - room, high + room

    def place(cost: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log10(cost) - low) / (high - low)

    factors = (1.0,) if high - low > 3 else (1.0, 3.0) if high - low > 1.2 else (1.0, 2.0, 5.0)
    decades = range(math.floor(low), math.ceil(high) + 1, 1 if high - low < 7 else 3)
    round_values = [
        f * 10.0**d for d in decades for f in factors if low <= math.log10(f * 10.0**d) <= high
    ]
    values = round_values if len(round_values) > 1 else [min(costs), max(costs)]
    if place(values[-1]) - place(values[0]) < LETTERS_WIDTH:
        values = values[:1]
    return [
        Tick(round(place(v), 1), _shorten(v, 2 if v in round_values else 3)) for v in values
    ], place


def scale_error(errors_w: Sequence[float]) -> tuple[list[Tick], Callable[[float], float]]:
    """Return the marks of an even axis, and where an error stands on it."""
    low, high = min(errors_w), max(errors_w)
    span = max(high - low, LEAST_SPAN * high, LEAST_SPAN_W)
    step = find_step(1.2 * span)
    first = max(math.floor((low - 0.05 * span) / step), 0)
    last = max(math.ceil((high + 0.05 * span) / step), first + 1)

    def place(error_w: float) -> float:
        share = (error_w / step - first) / (last - first)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    return [
        Tick(round(place(i * step), 1), f"{i * step:,g}") for i in range(first, last + 1)
    ], place


def _shorten(value: float, digits: int) -> str:
    """Return a cost in few letters: '200', '1.5 k', '3 M'."""
    for factor, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= factor:
            return f"{format_number(value / factor, digits)}{unit}"
    return format_number(value, digits)
