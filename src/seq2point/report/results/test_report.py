"""Results from the report of `seq2point test`, as JSON."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seq2point.architecture import name_shape
from seq2point.recording import format_house
from seq2point.report.results.card import describe_coverage, describe_model, describe_test
from seq2point.report.results.commands import write_test_command
from seq2point.report.results.result import (
    UNPRUNED,
    DataHash,
    Result,
    Size,
    find_file,
    identify_test,
)

KEYS = {"metrics", "baselines", "coverage", "model", "data"}
"""What every report of a test has."""
BY_APPLIANCE = ("by_event", "by_hour", "activations")
"""What a report may have besides, of each appliance."""


def read_test_report(path: Path, report: Mapping[str, Any]) -> list[Result]:
    """Return the results of a test, one for each appliance of the model.

    Raises KeyError, TypeError or ValueError for a report that lacks something.
    """
    return [_make_result(path, name, report, each) for name, each in list_appliances(report)]


def list_appliances(report: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each appliance of a report with what is told of it alone.

    A report of several appliances has its metrics, baselines and coverage by appliance.
    """
    names = report["model"]["appliances"]
    for name in names:
        if len(names) == 1:
            yield name, report
        else:
            yield (
                name,
                {
                    "metrics": report["metrics"][name],
                    "baselines": {key: each[name] for key, each in report["baselines"].items()},
                    "coverage": report["coverage"][name],
                    **{key: report[key][name] for key in BY_APPLIANCE if key in report},
                },
            )


def describe_houses(report: Mapping[str, Any]) -> str:
    """Return the houses of a test in words."""
    return ", ".join(dict.fromkeys(format_house(str(each["house"])) for each in report["data"]))


def _make_result(
    path: Path, name: str, report: Mapping[str, Any], told: Mapping[str, Any]
) -> Result:
    model, metrics, baselines = report["model"], told["metrics"], told["baselines"]
    shape, coverage = model["architecture"], told["coverage"]
    return Result(
        name=str(path),
        made_by="a test",
        appliance=name,
        scored_alike=identify_test(name, report["data"]),
        tested_on=describe_houses(report),
        network=f"{name_shape(shape)}, window {shape['window']}",
        pruner=UNPRUNED,
        sparsity=None,
        seed=None,
        metrics=metrics,
        baselines=baselines,
        size=Size(model["parameters"], model["multiply_adds"], None, None),
        coverage=coverage,
        by_hour=told.get("by_hour"),
        activations=told.get("activations"),
        days_file=_find_days(path, report),
        by_event=told.get("by_event"),
        card=[
            describe_model(name, model["period_s"], shape),
            describe_test(metrics, baselines),
            *describe_coverage(coverage),
            *report["warnings"],
        ],
        command=report.get("command") or write_test_command(report),
        hashes=list_test_hashes(name, report),
    )


def list_test_hashes(name: str, report: Mapping[str, Any]) -> list[DataHash]:
    """Return the SHA-256 of the recordings of a test, of one appliance and the mains.

    A report of an earlier version has none.
    """
    return [
        DataHash("test", format_house(str(each["house"])), _choose(each["sha256"], name))
        for each in report["data"]
        if "sha256" in each
    ]


def _choose(sha256: Any, name: str) -> str:
    return str(sha256[name] if isinstance(sha256, Mapping) else sha256)


def _find_days(path: Path, report: Mapping[str, Any]) -> Path | None:
    """Return the file of days that a report names: where it was, or beside the report."""
    name = report.get("days_file")
    return find_file(Path(name)) or find_file(path.parent / Path(name).name) if name else None
