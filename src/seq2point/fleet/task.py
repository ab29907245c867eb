"""The task of one home: read it, tell its appliances apart, write its files. No torch."""

import hashlib
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from seq2point.configuration import ColumnsConfig
from seq2point.errors import Seq2PointError
from seq2point.fleet.home_source import read_home
from seq2point.fleet.homes import HomeInput
from seq2point.fleet.models import FleetModels
from seq2point.fleet.result_files import find_summary, remove_result, write_result
from seq2point.fleet.storage import OutputError, OutputFolder
from seq2point.household import HomeEnergy
from seq2point.quality import check_recording
from seq2point.quality.quality_report import FindingLog

VERSION = 2
"""Raise it whenever the same readings, models and settings would give other bytes."""


class Status(StrEnum):
    """What became of a home.

    A home that is set aside cannot be used as it is, and stays so until it changes. One that failed
    met a fault of the machine, such as too little memory: the next run tries it again.
    """

    DONE = "done"
    SET_ASIDE = "set aside"
    FAILED = "failed"


@dataclass(frozen=True)
class FleetJob:
    """What all homes of a run have in common."""

    models: FleetModels
    output: OutputFolder
    columns: ColumnsConfig
    without: tuple[str, ...] = ()
    with_power: bool = True
    period_s: float | None = None

    @property
    def settings_digest(self) -> str:
        """The SHA-256 of all that decides a result beside readings and models."""
        settings = {
            "version": VERSION,
            "columns": self.columns.model_dump(mode="json"),
            "without": sorted(self.without),
            "power": self.with_power,
            "period_s": self.period_s,
        }
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()

    def make_key(self, input_sha256: str) -> str:
        """Return the key of a home's result: it follows from readings, models and settings."""
        parts = (input_sha256, self.models.digest, self.settings_digest)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class HomeResult(NamedTuple):
    """What became of a home, and of which input. `unchanged` says that its files were up to date.

    `summary` is that of `result_files.summarise`, or the findings of `check_home`.
    """

    house: str
    status: Status
    input_sha256: str = ""
    key: str = ""
    stamp: str = ""
    reason: str = ""
    summary: Any = None
    unchanged: bool = False


def process_home(home: HomeInput, job: FleetJob, known: HomeResult | None = None) -> HomeResult:
    """Tell a home's appliances apart and write its files, unless they are up to date.

    `known` is what an earlier run has recorded of it. A home that cannot be read is set aside with
    the reason. Raises OutputError where the output cannot be written.
    """
    return _guard(home, lambda result: _process(home, job, known, result))


def check_home(home: HomeInput, job: FleetJob) -> HomeResult:
    """Check the data of a home's mains and predict nothing.

    The summary has the findings as JSON. A home with an error is set aside, with the first one.
    """
    return _guard(home, lambda result: _check(home, job, result))


def _guard(home: HomeInput, work: Callable[[HomeResult], HomeResult]) -> HomeResult:
    """Return what the work on a home makes of a result that says 'failed', or why it failed."""
    result = HomeResult(home.house, Status.FAILED, stamp=home.stamp)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return work(result)
    except OutputError:
        raise
    except Exception as error:  # the others go on, whatever this one's fault is
        kind = "" if isinstance(error, Seq2PointError) else f"{type(error).__name__}: "
        reason = f"{kind}{_to_line(error)}"
        label = "" if home.label in reason else f"{home.label}: "
        return result._replace(reason=label + reason)


def _process(
    home: HomeInput, job: FleetJob, known: HomeResult | None, result: HomeResult
) -> HomeResult:
    with read_home(home) as source:
        result = result._replace(
            input_sha256=source.digest, key=job.make_key(source.digest), status=Status.SET_ASIDE
        )
        if known is not None and known.key == result.key and known.status is Status.SET_ASIDE:
            return known._replace(stamp=home.stamp, unchanged=True)
        summary = find_summary(job.output, home.house, result.key, job.with_power)
        if summary is not None:
            return result._replace(status=Status.DONE, summary=summary, unchanged=True)
        try:
            mains = source.open_mains(job.columns, job.period_s)
            energy = HomeEnergy.measure(mains, job.models.open_for(mains), None, job.without)
        except Seq2PointError as error:
            remove_result(job.output, home.house)
            return result._replace(reason=source.explain(error))
    summary = write_result(energy, job.output, home.house, result.key, job.with_power)
    return result._replace(status=Status.DONE, summary=summary)


def _check(home: HomeInput, job: FleetJob, result: HomeResult) -> HomeResult:
    with read_home(home) as source:
        result = result._replace(input_sha256=source.digest, status=Status.SET_ASIDE)
        try:
            mains = source.open_mains(job.columns, job.period_s)
            recording = mains.to_recording(mains.period_s)
        except Seq2PointError as error:
            return result._replace(reason=source.explain(error), summary=[])
    log = FindingLog(home.house)
    check_recording(recording, log)
    findings = [finding.model_dump(mode="json") for finding in log.findings]
    fault = next((f for f in log.findings if f.severity == "error"), None)
    if fault is not None:
        reason = f"{home.label}: {fault.figure}; {fault.advice}"
        return result._replace(reason=reason, summary=findings)
    return result._replace(status=Status.DONE, summary=findings)


def _to_line(error: Exception) -> str:
    return " ".join(str(error).split()) or "no reason is known"
