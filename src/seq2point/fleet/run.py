"""A run over a fleet: the homes that need work, worked off, with a row in the manifest for each."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

from seq2point.fleet.homes import HomeInput
from seq2point.fleet.manifest import Manifest
from seq2point.fleet.result_files import list_result_names
from seq2point.fleet.task import FleetJob, HomeResult, Status, check_home, process_home

OnResult = Callable[[HomeResult], None]


class HomeTask(NamedTuple):
    """A home to work on, and what an earlier run has recorded of it."""

    home: HomeInput
    known: HomeResult | None = None


class Workers(Protocol):
    """What works off homes: a pool of processes or a cluster."""

    def run(self, tasks: Iterable[HomeTask]) -> Iterator[HomeResult]:
        """Yield the result of each task, in the order in which they end."""


MakeWorkers = Callable[[Callable[[HomeTask], HomeResult]], Workers]


class FleetResult(NamedTuple):
    """How many homes are done, of which `unchanged` were before; and those that are not."""

    homes: int
    done: int
    unchanged: int
    set_aside: tuple[HomeResult, ...]
    failed: tuple[HomeResult, ...]


def run_fleet(
    homes: Sequence[HomeInput],
    job: FleetJob,
    state: Path,
    make_workers: MakeWorkers,
    retry: bool = False,
    on_result: OnResult = lambda _: None,
) -> FleetResult:
    """Tell the appliances of all homes apart; return what became of them.

    Homes whose readings, models and settings are those of an earlier run are not worked on again,
    those that it has set aside neither, unless `retry`. `state` is the folder of the manifest,
    whose lock the caller holds. `on_result` is called with each result, in any order.
    Raises OutputError where the output cannot be written. What is done until then stays. However
    the run ends, what processes that died have half written goes.
    """
    results: dict[str, HomeResult] = {}
    with ExitStack() as stack:
        stack.callback(job.output.remove_leftovers)
        manifest = stack.enter_context(Manifest(state, job.models.digest, job.settings_digest))
        known = manifest.read()
        current = _find_current(homes, job, known, retry)
        for result in current.values():
            on_result(result)
        results |= current
        tasks = [
            HomeTask(home, None if retry else known.get(home.house))
            for home in homes
            if home.house not in current
        ]
        workers = make_workers(partial(_process, job))
        for result in workers.run(tasks) if tasks else ():
            manifest.add(result)
            results[result.house] = result._replace(summary=None)  # the manifest has it
            on_result(result)
    return _summarise(results)


def check_fleet(
    homes: Sequence[HomeInput],
    job: FleetJob,
    make_workers: MakeWorkers,
    on_result: OnResult = lambda _: None,
) -> list[HomeResult]:
    """Check the data of all homes and predict nothing; return a result for each, by name."""
    results = []
    for result in make_workers(partial(_check, job)).run(HomeTask(home) for home in homes):
        results.append(result)
        on_result(result)
    return sorted(results)


def _process(job: FleetJob, task: HomeTask) -> HomeResult:
    return process_home(task.home, job, task.known)


def _check(job: FleetJob, task: HomeTask) -> HomeResult:
    return check_home(task.home, job)


def report_death(task: HomeTask) -> HomeResult:
    """Return the result of a home whose process died twice: too little memory, most often."""
    reason = (
        f"{task.home.label}: its process died twice; give it more memory, with fewer `processes`,"
        " or leave the home out"
    )
    return HomeResult(task.home.house, Status.FAILED, stamp=task.home.stamp, reason=reason)


def _find_current(
    homes: Sequence[HomeInput], job: FleetJob, known: dict[str, HomeResult], retry: bool
) -> dict[str, HomeResult]:
    """Return the rows of homes that need no work: files, models and settings are those they had.

    A home whose files have another time is no longer here: its task compares their content.
    """
    if not known:
        return {}
    names = job.output.list_names("energy")
    names |= job.output.list_names("power") if job.with_power else set()
    current = {}
    for home in homes:
        row = known.get(home.house)
        if row is None or not row.key or row.stamp != home.stamp:
            continue
        written = names.issuperset(list_result_names(home.house, job.with_power))
        if (row.status is Status.DONE and written) or (
            row.status is Status.SET_ASIDE and not retry
        ):
            current[home.house] = row._replace(unchanged=True)
    return current


def _summarise(results: dict[str, HomeResult]) -> FleetResult:
    by_name = [results[house] for house in sorted(results)]
    done = [result for result in by_name if result.status is Status.DONE]
    return FleetResult(
        len(by_name),
        len(done),
        sum(result.unchanged for result in done),
        tuple(result for result in by_name if result.status is Status.SET_ASIDE),
        tuple(result for result in by_name if result.status is Status.FAILED),
    )
