"""The results of a study's folder: the parts of a protocol's run, or the trainings of a grid."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from seq2point.architecture import name_shape
from seq2point.model.shown_days import DAYS_FILE
from seq2point.recording import format_house, shorten_houses
from seq2point.report.results.card import (
    describe_coverage,
    describe_model,
    describe_test,
    describe_training,
)
from seq2point.report.results.commands import write_protocol_command, write_study_command
from seq2point.report.results.result import (
    UNPRUNED,
    DataHash,
    Problem,
    Result,
    Size,
    find_file,
)
from seq2point.studies.part_words import USUAL, describe_failed
from seq2point.studies.result_cache import UNFINISHED, Record, ResultCache

REPORT, STUDY = "report.json", "study.json"
PARTS, WEIGHTS = "parts", "model.safetensors"
MAKERS = ("network", "pruned", "training")
"""What the parts are that make networks; a 'test' names one of them."""


class _Made(NamedTuple):
    """A network of a study: the part that made it, and the unpruned one that it began from."""

    part: Record
    network: Record

    @property
    def pruning(self) -> Mapping[str, Any]:
        """How it was pruned; empty where it was not."""
        return dict(self.part.decides.get("pruning") or {})


def find_parts(folder: Path) -> Path | None:
    """Return where a study's folder holds its parts; None for a folder that is of no study.

    A study whose parts all failed has its table alone.
    """
    for place in (folder / PARTS, folder):
        if any(place.glob("*/result.json")) or any(place.glob(f"*/{UNFINISHED}")):
            return place
    return folder / PARTS if _list_failed(folder) else None


def _list_failed(folder: Path) -> list[Problem]:
    """Return why parts of a study failed."""
    failed = _read_json(folder / STUDY).get("failed")
    try:
        reasons = describe_failed(failed if isinstance(failed, list) else [])
    except (KeyError, TypeError, ValueError):
        return []  # no table of ours
    return [Problem(folder, reason) for reason in reasons]


def read_study_folder(folder: Path, parts: Path) -> Iterator[Result | Problem]:
    """Yield the results of a study, and what of it cannot be shown, with the reason.

    Of a part that several versions made, the latest one's result counts. A network that another
    part began from needs no test.
    """
    cache = ResultCache(parts)
    unusable = cache.find_unusable()
    yield from _list_failed(folder)
    yield from (Problem(path, reason) for path, reason in unusable.items())
    records = sorted(cache.list_records(without=unusable), key=lambda each: each.version)
    by_key = {record.key: record for record in records}
    maker = _find_maker(folder)
    needed = {str(r.decides.get("start") or r.decides.get("of")) for r in records}
    for record in by_key.values():
        what = record.decides.get("what")
        if what == "test":
            yield _read_test(record, by_key, maker)
        elif what not in MAKERS:
            yield Problem(record.folder, f"of another kind of study ('{what}'), see its own report")
        elif record.key not in needed:
            yield Problem(record.folder, "trained, and not tested")


class _Maker(NamedTuple):
    """What made a study's folder, and the command: '' where the folder does not tell.

    `protocol` is the one that it is a run of, None for another study. `rows` are those of a
    study's table by the key of their part.
    """

    folder: Path
    name: str
    command: str = ""
    protocol: str | None = None
    rows: Mapping[str, Mapping[str, Any]] = {}


def _find_maker(folder: Path) -> _Maker:
    """Return what made a folder, by the reports in it."""
    protocol, study = _read_json(folder / REPORT), _read_json(folder / STUDY)
    if "protocol" in protocol:
        return _Maker(folder, "a protocol's run", protocol=str(protocol["protocol"]))
    if "study" in study:
        name = str(study["study"])
        command = str(study.get("command") or write_study_command(name, folder))
        listed = study.get("rows")
        rows = {str(row.get("key")): row for row in listed} if isinstance(listed, list) else {}
        return _Maker(folder, f"the study '{name}'", command, rows=rows)
    return _Maker(folder, "a study")


def _name_network(row: Mapping[str, Any], shape: str) -> str:
    """Return what a study calls a network, with its recipe where that is not the usual one."""
    recipe = [] if row["recipe"] == USUAL else [str(row["recipe"])]
    return ", ".join([str(row["network"]), *recipe]) if row["network"] != USUAL else shape


def _read_json(path: Path) -> Mapping[str, Any]:
    """Return what a report holds; nothing where it cannot be read."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return report if isinstance(report, dict) else {}


def _read_test(test: Record, by_key: Mapping[str, Record], maker: _Maker) -> Result | Problem:
    part = by_key.get(test.decides.get("of", ""))
    if part is None:
        return Problem(test.folder, "a test of a network whose folder is gone")
    network = by_key.get(part.decides.get("of", "")) if part.decides["what"] == "pruned" else part
    if network is None:
        return Problem(test.folder, "a test of a pruned network whose first training is gone")
    made = _Made(part, network)
    try:
        if part.decides["what"] == "training":
            return _make_grid_result(test, made)
        return _make_protocol_result(test, made, maker)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        reason = f"damaged ({type(error).__name__}: {error}); remove its folder to make it again"
        return Problem(test.folder, reason)


def _make_protocol_result(test: Record, made: _Made, maker: _Maker) -> Result:
    """Return a row of a protocol's run, or of a study of a protocol's choices."""
    decides, result, of = made.network.decides, test.result, made.part.result
    houses = result.get("tested_on") or [format_house(str(d["house"])) for d in result["data"]]
    costs = of.get("costs", {}).get("models", {})
    smallest = costs.get("compacted") or costs.get("pruned") or costs.get("network") or {}
    measured = (smallest.get(key) for key in ("multiply_adds", "file_bytes", "latency_ms"))
    pruned = made.part.decides if made.pruning else None
    shape, metrics, baselines = decides["network"], result["metrics"], result["baselines"]
    name, coverage = decides["appliance"]["name"], result.get("coverage")
    network, part = f"{name_shape(shape)}, window {shape['window']}", _name_part(made.part)
    if row := maker.rows.get(made.part.key):
        network = _name_network(row, network)
        part = str(maker.folder / f"{part}, {network}")
    return Result(
        name=part,
        made_by=maker.name,
        appliance=name,
        scored_alike=_identify_test(test),
        tested_on=shorten_houses(houses),
        network=network,
        pruner=made.pruning.get("method", UNPRUNED),
        sparsity=of.get("sparsity", 0.0),
        seed=decides["training"]["seed"],
        metrics=metrics,
        baselines=baselines,
        size=Size(of["nonzero_parameters"], *measured),
        coverage=coverage,
        by_hour=result.get("by_hour"),
        activations=result.get("activations"),
        days_file=find_file(test.folder / DAYS_FILE),
        history=of["history"],
        card=[
            describe_model(name, decides["period_s"], shape),
            describe_training(of),
            f"tested on {', '.join(houses)}",
            describe_test(metrics, baselines),
            *describe_coverage(coverage),
        ],
        command=(
            write_protocol_command(maker.protocol, decides, pruned)
            if maker.protocol
            else maker.command
        ),
        settings={"pruning": made.pruning or None, **made.part.decides["training"]},
        hashes=[
            DataHash(role, f"file {i}", sha256)
            for role, listed in _list_roles(decides, test.decides)
            for i, sha256 in enumerate(_list_hashes(listed), 1)
        ],
    )


def _make_grid_result(test: Record, made: _Made) -> Result:
    """Return a training of a grid, by one of its tests."""
    decides, of, label = made.part.decides, made.part.result, test.decides["label"]
    tested, name, shape = test.result[label], decides["appliance"]["name"], decides["network"]
    metrics, baselines = tested["metrics"], tested["baselines"]
    weights, asked = made.part.folder / WEIGHTS, made.pruning.get("sparsity")
    return Result(
        name=f"{_name_part(made.part)}, {label}",
        made_by="a study",
        appliance=name,
        scored_alike=_identify_test(test),
        tested_on=label,
        network=f"{name_shape(shape)}, window {shape['window']}" if shape else "as it began",
        pruner=made.pruning.get("method", UNPRUNED),
        sparsity=asked if made.pruning else 0.0,
        seed=decides["training"]["seed"],
        metrics=metrics,
        baselines=baselines,
        size=Size(
            of["nonzero_parameters"],
            of["multiply_adds"],
            weights.stat().st_size if weights.exists() else None,
            None,
        ),
        coverage=tested.get("coverage"),
        by_hour=tested.get("by_hour"),
        activations=tested.get("activations"),
        days_file=find_file(test.folder / DAYS_FILE),
        history=of["history"],
        card=[
            f"{name.replace('_', ' ')}, tested on {label}",
            describe_test(metrics, baselines),
            *describe_coverage(tested.get("coverage")),
        ],
        settings={key: decides[key] for key in ("learning", "options", "compacts", "pruning")}
        | dict(decides["training"]),
        hashes=[
            DataHash("training", format_house(str(each["house"])), each["sha256"])
            for each in decides["train"]
        ],
    )


def _name_part(record: Record) -> str:
    """Return a part's name: that of its folder, without key and version."""
    return record.folder.name.rsplit("-", 2)[0]


def _identify_test(test: Record) -> str:
    """Return what tests have in common whose errors can be compared."""
    alike = {key: value for key, value in test.decides.items() if key != "of"}
    return json.dumps(alike, sort_keys=True)


def _list_roles(network: Mapping[str, Any], test: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for role in ("train", "validation", "traces"):
        yield role, network.get(role)
    yield "test", test["on"]


def _list_hashes(listed: Any) -> list[str]:
    """Return the SHA-256 of the files of a role; a share of the training files has none."""
    if not isinstance(listed, list):
        return []
    files = (each["files"] if isinstance(each, Mapping) else [each] for each in listed)
    return [str(sha256) for several in files for sha256 in several]
