"""Many houses, one after another or several at once in processes of their own; those that are up to
date are left alone.
"""

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
from seq2point.errors import DataError, Seq2PointError, UsageError


class ConvertedHouse(NamedTuple):
    """A house's file, its report, and whether it was there already, made from the same sources in
    the same way.
    """

    path: Path
    report: ConversionReport
    unchanged: bool


class ConversionJob(NamedTuple):
    """A house, the period to convert it to, and the file that it becomes."""

    house: RawHouse
    period_s: float
    path: Path

    @property
    def size(self) -> int:
        """The bytes to read."""
        return sum(meter.size for meter in self.house.meters)


def plan_jobs(
    source: Source, root: Path, folder: Path, wanted: Selection, settings: ConversionConfig
) -> list[ConversionJob]:
    """The houses to convert, in order, without reading more of them than their first readings.

    Raises UsageError where two of them, or one and its own source, would be the same file, and
    DataError as the source does.
    """
    found: list[ConversionJob] = []
    for house in source.houses(root, wanted):
        period_s = choose_period_s(house, settings)
        ending = f"_{period_s:g}s"
        path = folder / f"{house.name.removesuffix(ending)}{ending}.parquet"
        if any(path.resolve() == file.resolve() for file in house.files):
            raise UsageError(
                f"{path}: would be written over its own source; give another folder with -o"
            )
        if any(job.path == path for job in found):
            raise UsageError(
                f"{path}: two houses would be this one file ({house.title}); convert them to"
                " folders of their own"
            )
        found.append(ConversionJob(house, period_s, path))
    return found


def convert_houses(
    jobs: Sequence[ConversionJob],
    settings: ConversionConfig,
    folder: Path,
    processes: int = 1,
    advance: Callable[[int], None] = lambda _: None,
    on_house: Callable[[ConvertedHouse], None] = lambda _: None,
) -> list[ConvertedHouse]:
    """Convert houses to files of the store, in the order of `jobs`; what is up to date is left as
    it is.

    `advance` is told the bytes read, `on_house` each house as soon as its file is whole. A house
    that fails does not keep the others from being converted.
    Raises DataError, when all others are done, that says which failed and why.
    """
    manifest, done, failed = Manifest(folder), {}, {}
    hashes = {job.path: hash_inputs(job.house, job.period_s, settings) for job in jobs}
    waiting = []
    for job in jobs:
        report = manifest.report_of(job.path, hashes[job.path])
        if report is None:
            waiting.append(job)
        else:
            advance(job.size)
            done[job.path] = ConvertedHouse(job.path, report, unchanged=True)
            on_house(done[job.path])
    for job, report_or_error in _run_jobs(waiting, settings, processes, advance):
        if isinstance(report_or_error, ConversionReport):
            manifest.add(job.path, hashes[job.path], report_or_error)
            done[job.path] = ConvertedHouse(job.path, report_or_error, unchanged=False)
            on_house(done[job.path])
        else:
            failed[job.path] = f"{job.house.title}: {report_or_error}"
    if failed:
        said = [failed[job.path] for job in jobs if job.path in failed]
        raise DataError(
            said[0]
            if len(jobs) == 1
            else f"{len(said)} of {len(jobs)} houses could not be converted: {'; '.join(said)}"
        )
    return [done[job.path] for job in jobs]


def _run_jobs(
    jobs: Sequence[ConversionJob],
    settings: ConversionConfig,
    processes: int,
    advance: Callable[[int], None],
) -> Iterator[tuple[ConversionJob, ConversionReport | Seq2PointError]]:
    """The jobs as they are done, each with its report or with what went wrong."""
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
                "a process of the conversion died; with fewer --jobs it needs less memory"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


def _run_job(
    job: ConversionJob, settings: ConversionConfig, advance: Callable[[int], None] = lambda _: None
) -> ConversionReport | Seq2PointError:
    """One house; module-level, because spawned processes find it by name."""
    try:
        return convert_house(job.house, job.period_s, settings, job.path, advance)
    except Seq2PointError as error:
        return error


@contextmanager
def _share_threads(processes: int) -> Iterator[None]:
    """Processes that begin inside share the cores, instead of each taking all."""
    before = os.environ.get("POLARS_MAX_THREADS")
    os.environ["POLARS_MAX_THREADS"] = str(max((os.cpu_count() or 1) // processes, 1))
    try:
        yield
    finally:
        os.environ.pop("POLARS_MAX_THREADS")
        if before is not None:
            os.environ["POLARS_MAX_THREADS"] = before
