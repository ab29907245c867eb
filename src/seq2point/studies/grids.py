"""Run the points of a study through a result cache, and report each as it is done.

Every study is a grid of points: appliances, seeds, pruners, sparsities, days of labels. A point
takes one or more steps; a step is a cached result and the function that makes it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from seq2point.errors import Seq2PointError
from seq2point.studies.result_cache import CachedResult, Make, ResultCache

Point = TypeVar("Point")
Result = dict[str, Any]
Report = Callable[[str], None]


class Step(NamedTuple):
    """A result that a point needs, and the function that makes it."""

    part: CachedResult
    make: Make


def run_grid(
    cache: ResultCache,
    points: Sequence[Point],
    list_steps: Callable[[Point], Sequence[Step]],
    describe: Callable[[Point, Mapping[str, Any]], str],
    report: Report = lambda _: None,
    skip_errors: bool = False,
) -> list[Result | None]:
    """Make or find the result of every point, its steps' results joined; None for a skipped one.

    `report` gets a line for each point: '[3/12] kettle, seed 0: ... (was there)'. With
    `skip_errors` a point that raises a Seq2PointError is reported and skipped; it is tried again
    in the next run.
    """
    results: list[Result | None] = []
    for number, point in enumerate(points, 1):
        place = f"[{number}/{len(points)}]"
        try:
            steps = list_steps(point)
            cached = bool(steps) and all(cache.find(step.part) is not None for step in steps)
            result: Result = {}
            for step in steps:
                result |= cache.find_or_make(step.part, step.make)
        except Seq2PointError as error:
            if not skip_errors:
                raise
            report(f"{place} skipped: {error}")
            results.append(None)
            continue
        report(f"{place} {describe(point, result)}{' (was there)' if cached else ''}")
        results.append(result)
    return results
