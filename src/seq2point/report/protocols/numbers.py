"""The numbers of a protocol's report: all that a cache knows of it, with spreads over seeds.

A row stays what it is when another run adds to it: its key is that of its method and sparsity, and
of its settings where two runs differ in more than that.
"""

import hashlib
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from seq2point.metrics import METRICS
from seq2point.recording import format_house
from seq2point.report.protocols.table import render_markdown
from seq2point.report.protocols.wording import DAGGER, format_name
from seq2point.studies.protocols import houses
from seq2point.studies.protocols.library import NamedProtocol
from seq2point.studies.protocols.protocol_file import ROLES
from seq2point.studies.protocols.rows import (
    Row,
    ScoredNetworks,
    collect_rows,
    find_current,
    name_differences,
)
from seq2point.studies.protocols.steps import VERSION, ProtocolSteps
from seq2point.studies.result_cache import ResultCache
from seq2point.studies.spread import MeanAndSd, find_mean_and_sd

NOT_OF_PARTS = ("metrics", "baselines", "coverage", "data", "tested_on", "role_tested_on", "dense")


def make_report(
    source: NamedProtocol,
    variants: Sequence[ProtocolSteps],
    cache: ResultCache,
    appliances: Sequence[str],
) -> dict[str, Any]:
    """Return the report as JSON: the protocol as it was run, hashes, and all rows in the cache.

    Of an appliance the rows come first that are scored as in this run; those scored on other
    readings, with other thresholds or at another stride stand under 'elsewhere'.
    """
    protocol = variants[0].protocol
    files = {
        path.name: houses.hash_file(path)
        for name in appliances
        for role in ROLES
        for house in getattr(protocol.roles(name), role)
        for path in houses.find_files(protocol, house, variants[0].data)
    }
    by_appliance = _describe_appliances(collect_rows(cache.list_records()), variants, appliances)
    report: dict[str, Any] = {
        "protocol": source.name,
        "title": protocol.title,
        "hashes": {"protocol": source.sha256, "data": files},
        "version": VERSION,
        "as_run": _describe_run(variants),
        "appliances": by_appliance,
        "mean": _find_means(by_appliance) if len(by_appliance) > 1 else None,
        "published": [row.model_dump(exclude_defaults=True) for row in protocol.published],
        "differs": list(protocol.differs),
    }
    return report | {"markdown": render_markdown(source.protocol, protocol, report)}


def _describe_run(variants: Sequence[ProtocolSteps]) -> dict[str, Any]:
    """The protocol of a run, with all its prunings."""
    excluded = {"published", "differs", "title", "pruning"}
    prunings = [parts.protocol.pruning for parts in variants]
    return variants[0].protocol.model_dump(mode="json", exclude=excluded, exclude_defaults=True) | {
        "pruning": [
            p.model_dump(mode="json", exclude_defaults=True) for p in prunings if p is not None
        ]
    }


def _describe_appliances(
    all_scored: Sequence[ScoredNetworks], variants: Sequence[ProtocolSteps], run: Sequence[str]
) -> dict[str, Any]:
    """What is told of each appliance, in the protocol's order: this run's test, and others
    'elsewhere'.
    """
    known = dict.fromkeys(scored.appliance for scored in all_scored)
    order = [name for name in variants[0].protocol.appliances if name in known]
    described = {}
    for name in [*order, *(name for name in known if name not in order)]:
        here, rows = find_current(variants, name) if name in run else ("", [])
        several = sorted(
            (s for s in all_scored if s.appliance == name),
            key=lambda scored: scored.identity != here,
        )
        first, *others = [_describe_scored(scored, rows) for scored in several]
        described[name] = first | {"elsewhere": others}
    return described


def _describe_scored(scored: ScoredNetworks, run: Sequence[str]) -> dict[str, Any]:
    """Rows that were scored alike, with houses and baselines; this run's have their plain names."""
    networks = sorted(scored.networks, key=lambda row: row.identity not in run)
    ordered = [row for network in networks for row in (network, *scored.under(network))]
    keys, names, lines = _make_keys(ordered, run), _make_names(ordered), _make_line_names(ordered)
    described = {
        key: _describe_row(row, name, lines[row.line])
        for key, row, name in zip(keys, ordered, names, strict=True)
    }
    result = ordered[0].seeds[0]
    return {
        "tested_on": (
            result.get("tested_on") or [format_house(part["house"]) for part in result["data"]]
        ),
        "role_tested_on": result.get("role_tested_on", "test"),
        "data": result["data"],
        "rows": described,
        "baselines": result["baselines"],
        "parts": {
            key: [
                {key: value for key, value in seed.items() if key not in NOT_OF_PARTS}
                for seed in row.seeds
            ]
            for key, row in zip(keys, ordered, strict=True)
        },
    }


def _make_keys(rows: Sequence[Row], run: Sequence[str]) -> list[str]:
    """Method and sparsity of rows, and a hash where that names several: not for this run's row."""
    keys: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: row.identity not in run):
        hashed = hashlib.sha256(row.identity.encode()).hexdigest()[:8]
        keys[row.identity] = f"{row.name}-{hashed}" if row.name in keys.values() else row.name
    return [keys[row.identity] for row in rows]


def _make_names(rows: Sequence[Row]) -> list[str]:
    """What rows are called in the table: with settings where nothing else tells two apart."""
    alike: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        alike.setdefault((_make_plain_name(row), row.removal), []).append(row)
    names = {}
    for (name, _), some in alike.items():
        for row, difference in zip(some, name_differences(some), strict=True):
            names[row.identity] = ", ".join(filter(None, (name, difference)))
    return [names[row.identity] for row in rows]


def _make_line_names(rows: Sequence[Row]) -> dict[str, str]:
    """What the lines of the picture are called: a pruning at all of its sparsities."""
    first = {row.line: row for row in reversed(rows)}
    alike: dict[str, list[Row]] = {}
    for row in first.values():
        alike.setdefault(_make_plain_name(row), []).append(row)
    return {
        row.line: ", ".join(filter(None, (name, difference)))
        for name, some in alike.items()
        for row, difference in zip(some, name_differences(some), strict=True)
    }


def _make_plain_name(row: Row) -> str:
    return format_name(row.method) if row.method else row.shape


def _describe_row(row: Row, name: str, line: str) -> dict[str, Any]:
    seeds = row.seeds
    label = f"{name} {DAGGER}" if row.is_from_another_version else name
    metrics = {
        metric: find_mean_and_sd([seed["metrics"].get(metric) for seed in seeds])
        for metric in METRICS
    }
    return {
        "label": label,
        "line": line,
        "method": row.method,
        "sparsity_asked": row.removal or None,
        "parameters": find_mean_and_sd([seed["parameters"] for seed in seeds]),
        "weights_left": find_mean_and_sd([seed["nonzero_parameters"] for seed in seeds]),
        "share_left": find_mean_and_sd(
            [seed["nonzero_parameters"] / seed["dense"]["parameters"] for seed in seeds]
        ),
        "costs": _describe_costs(row),
        "metrics": metrics,
        "decides": {"network": row.network, "pruned": row.pruned},
    }


def _describe_costs(row: Row) -> dict[str, Any]:
    """Sizes and times over the seeds of 'network' or 'pruned', and 'compacted'; and the threads."""
    measured = [seed["costs"] for seed in row.seeds if "costs" in seed]
    models: dict[str, dict[str, MeanAndSd]] = {}
    for stage in ("network", "pruned", "compacted"):
        stages = [costs["models"][stage] for costs in measured if stage in costs["models"]]
        if stages and len(stages) == len(row.seeds):
            models[stage] = {
                key: find_mean_and_sd([model[key] for model in stages]) for key in stages[0]
            }
    return {"threads": sorted({costs["threads"] for costs in measured}), "models": models}


def _find_means(by_appliance: Mapping[str, Any]) -> dict[str, Any]:
    """The MAE by row and baseline, mean over the appliances, for rows and seeds that all have."""
    of_all = list(by_appliance.values())
    shared = [row for row in of_all[0]["rows"] if all(row in of["rows"] for of in of_all)]
    rows = {}
    for row in shared:
        maes = [
            {
                part["seed"]: mae
                for part, mae in zip(of["parts"][row], _list_maes(of, row), strict=True)
            }
            for of in of_all
        ]
        seeds = [seed for seed in maes[0] if all(seed in of for of in maes)]
        if seeds:
            rows[row] = find_mean_and_sd([fmean(of[seed] for of in maes) for seed in seeds])
    baselines = {
        name: fmean(of["baselines"][name]["mae_w"] for of in of_all) for name in ("zero", "mean")
    }
    return {"mae_w": rows, "baselines": baselines}


def _list_maes(of: Mapping[str, Any], row: str) -> list[float]:
    return list(of["rows"][row]["metrics"]["mae_w"]["values"])
