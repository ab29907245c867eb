"""A study is worked off: what is not there yet, a training a task, failures kept apart.

The unpruned networks come first: every pruning begins from one of them.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from seq2point.choices import Device
from seq2point.errors import Seq2PointError
from seq2point.studies.protocols.runner import Runner
from seq2point.studies.result_cache import ResultCache
from seq2point.studies.study_plan import Failure, StudyPart, StudyPlan, find_results
from seq2point.system.hardware import count_cores
from seq2point.workers.pool import WorkerPool


class PartResult(NamedTuple):
    """What became of a part: its result, or why there is none."""

    part: StudyPart
    result: dict[str, Any] | None
    reason: str = ""


class Workers(Protocol):
    """What works off parts: a pool of processes or a cluster."""

    def run(self, tasks: Iterable[StudyPart]) -> Iterator[PartResult]:
        """Yield the result of each part, in the order in which they end."""


MakeWorkers = Callable[[Callable[[StudyPart], PartResult]], Workers]
OnResult = Callable[[PartResult], None]


@dataclass(frozen=True)
class StudyResults:
    """The results of a study's parts by key, and those that failed."""

    by_key: Mapping[str, dict[str, Any]]
    failed: Sequence[Failure]


def make_workers(jobs: int | None, cluster: str | None, shared: Sequence[Path]) -> MakeWorkers:
    """Return what makes the workers of a study: on a cluster, or on this machine's cores.

    `shared` are the folders that a cluster's nodes all need. Raises UsageError for relative ones.
    """
    if cluster is not None:
        from seq2point.errors import UsageError
        from seq2point.workers.cluster import RayWorkers, require_shared_path

        if jobs is not None:
            raise UsageError("`jobs` are those of one machine; a cluster has its own cores")
        for path in shared:
            require_shared_path(str(path))
        return lambda function: RayWorkers(function, cluster, _report_death)
    return lambda function: WorkerPool(
        function, jobs or count_cores(), _report_death, ahead=1, stops=True
    )


def run_study(
    plan: StudyPlan,
    cache: ResultCache,
    make: MakeWorkers,
    device: Device = "auto",
    on_result: OnResult = lambda _: None,
) -> StudyResults:
    """Make what is not there yet of a study and return all results.

    A part that fails is listed with its reason, and so are the prunings of a network that failed.
    The others go on. `on_result` is called with each part that was worked on, in any order.
    """
    results = find_results(plan, cache)
    failed = list(plan.refused)
    reasons: dict[str, str] = {}
    workers = make(partial(make_part, cache, device))
    for pruned in (False, True):
        waiting: dict[str, StudyPart] = {}  # of parts with one key one is made
        for part in plan.parts:
            if part.point.pruned == pruned and part.key not in results:
                if part.network_key in reasons:
                    reasons[part.key] = f"its network failed: {reasons[part.network_key]}"
                    on_result(PartResult(part, None, reasons[part.key]))
                else:
                    waiting[part.key] = part
        for done in workers.run(waiting.values()) if waiting else ():
            if done.result is None:
                reasons[done.part.key] = done.reason
            else:
                results[done.part.key] = done.result
            on_result(done)
    failed += [
        Failure(part.settings, reasons[part.key]) for part in plan.parts if part.key in reasons
    ]
    return StudyResults(results, failed)


def make_part(cache: ResultCache, device: Device, part: StudyPart) -> PartResult:
    """Make or find one part with one thread; whatever is wrong with it becomes its reason."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            runner = Runner([part.point.variant], cache, device, threads=1, progress=False)
            return PartResult(part, runner.make(part.point))
    except Exception as error:  # the others go on, whatever this one's fault is
        kind = "" if isinstance(error, Seq2PointError) else f"{type(error).__name__}: "
        return PartResult(part, None, f"{kind}{' '.join(str(error).split())}")


def _report_death(part: StudyPart) -> PartResult:
    """Return the result of a part whose process died twice: too little memory, most often."""
    reason = "its process died twice; give it more memory, with fewer `jobs`, or leave it out"
    return PartResult(part, None, reason)
