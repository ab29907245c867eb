"""Conversion of many houses, in one process or in several. Files that are up to date are kept."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from seq2point.datasets.contract import RawHouse, Selection, Source
from seq2point.datasets.conversion.conversion_report import ConversionReport
from seq2point.datasets.conversion.house import ConversionConfig, choose_period_s, convert_house
from seq2point.datasets.conversion.manifest import Manifest, hash_inputs
from seq2point.datasets.unreadable import OnUnreadable, open_readable, warn_of_unreadable
from seq2point.errors import DataError, Seq2PointError, UsageError


class ConvertedHouse(NamedTuple):
    """A house's file and report. `unchanged` means that an earlier conversion is up to date."""

    path: Path
    report: ConversionReport
    unchanged: bool


class ConversionJob(NamedTuple):
    """A house to convert, its sampling period, and the path of its file."""

    house: RawHouse
    period_s: float
    path: Path

    @property
    def size(self) -> int:
        """The bytes to read."""
        return sum(meter.size for meter in self.house.meters)


def plan_jobs(
    source: Source,
    root: Path,
    folder: Path,
    selection: Selection,
    settings: ConversionConfig,
    on_unreadable: OnUnreadable = warn_of_unreadable,
) -> list[ConversionJob]:
    """Return the houses to convert, in order. Only their first readings are read.

    `on_unreadable` is called with each house that cannot be opened, or whose period cannot be told.
    Raises UsageError where two houses, or a house and its source, would be the same file, and
    DataError as the source does.
    """
    houses = source.list_houses(root, selection, on_unreadable)
    jobs = open_readable(
        houses,
        lambda house: _plan_job(house, folder, settings),
        lambda house: house.title,
        bool(selection.houses),
        on_unreadable,
    )
    paths: set[Path] = set()
    for job in jobs:
        if any(job.path.resolve() == file.resolve() for file in job.house.files):
            raise UsageError(f"{job.path}: would overwrite its own source; give another folder")
        if job.path in paths:
            raise UsageError(
                f"{job.path}: two houses would be this one file ({job.house.title}); convert them"
                " to different folders"
            )
        paths.add(job.path)
    return jobs


def _plan_job(house: RawHouse, folder: Path, settings: ConversionConfig) -> ConversionJob:
    period_s = choose_period_s(house, settings)
    ending = f"_{period_s:g}s"
    path = folder / f"{house.name.removesuffix(ending)}{ending}.parquet"
    return ConversionJob(house, period_s, path)


def convert_houses(
    jobs: Sequence[ConversionJob],
    settings: ConversionConfig,
    folder: Path,
    processes: int = 1,
    advance: Callable[[int], None] = lambda _: None,
    on_house: Callable[[ConvertedHouse], None] = lambda _: None,
) -> list[ConvertedHouse]:
    """Convert houses to Parquet files and return them in the order of `jobs`.

    Files that are up to date are kept. `advance` is called with the bytes that were read,
    `on_house` with each house once its file is written. The other houses are converted even if one
    fails.
    Raises DataError at the end, with the houses that failed and the reasons.
    """
    manifest = Manifest(folder)
    converted: dict[Path, ConvertedHouse] = {}
    failures: dict[Path, tuple[str, Seq2PointError]] = {}
    hashes = {job.path: hash_inputs(job.house, job.period_s, settings) for job in jobs}
    waiting = []
    for job in jobs:
        report = manifest.find_report(job.path, hashes[job.path])
        if report is None:
            waiting.append(job)
        else:
            advance(job.size)
            converted[job.path] = ConvertedHouse(job.path, report, unchanged=True)
            on_house(converted[job.path])
    for job, report_or_error in _run_jobs(waiting, settings, processes, advance):
        if isinstance(report_or_error, ConversionReport):
            manifest.add(job.path, hashes[job.path], report_or_error)
            converted[job.path] = ConvertedHouse(job.path, report_or_error, unchanged=False)
            on_house(converted[job.path])
        else:
            failures[job.path] = job.house.title, report_or_error
    if failures:
        in_order = [failures[job.path] for job in jobs if job.path in failures]
        raise _join_failures(in_order, len(jobs))
    return [converted[job.path] for job in jobs]


def _join_failures(failures: Sequence[tuple[str, Seq2PointError]], houses: int) -> DataError:
    """Return one error for all houses that failed."""
    reasons = [f"{title}: {error}" for title, error in failures]
    if houses == 1:
        return DataError(reasons[0])
    return DataError(
        f"{len(reasons)} of {houses} houses could not be converted: {'; '.join(reasons)};"
        " choose others with `houses`"
    )


def _run_jobs(
    jobs: Sequence[ConversionJob],
    settings: ConversionConfig,
    processes: int,
    advance: Callable[[int], None],
) -> Iterator[tuple[ConversionJob, ConversionReport | Seq2PointError]]:
    """Yield the jobs as they end, each with its report or its error."""
    if processes == 1 or len(jobs) < 2:
        for job in jobs:
            yield job, _run_job(job, settings, advance)
        return
    processes = min(processes, len(jobs))
    with (
        _share_threads(processes),
        ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool,
    ):
        running: dict[Future[ConversionReport | Seq2PointError], ConversionJob] = {
            pool.submit(_run_job, job, settings): job for job in jobs
        }
        try:
            while running:
                ended, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in ended:
                    job = running.pop(future)
                    advance(job.size)
                    yield job, future.result()
        except BrokenProcessPool:
            raise DataError(
                "a process of the conversion died; with fewer processes it needs less memory"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


def _run_job(
    job: ConversionJob, settings: ConversionConfig, advance: Callable[[int], None] = lambda _: None
) -> ConversionReport | Seq2PointError:
    """Convert one house. A function of the module, since spawned processes find it by name."""
    try:
        return convert_house(job.house, job.period_s, settings, job.path, advance)
    except Seq2PointError as error:
        return error


@contextmanager
def _share_threads(processes: int) -> Iterator[None]:
    """Let processes that begin inside the block share the cores instead of each taking all."""
    before = os.environ.get("POLARS_MAX_THREADS")
    os.environ["POLARS_MAX_THREADS"] = str(max((os.cpu_count() or 1) // processes, 1))
    try:
        yield
    finally:
        os.environ.pop("POLARS_MAX_THREADS")
        if before is not None:
            os.environ["POLARS_MAX_THREADS"] = before
