"""The report of a protocol: every number with its spread over seeds, beside the baselines and the published rows."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from seq2point.experiment.store import source_hash
from seq2point.protocols import houses
from seq2point.protocols.library import Source
from seq2point.protocols.model import ROLES, Metric, Published
from seq2point.protocols.parts import Parts
from seq2point.protocols.run import Results

Spread = dict[str, Any]

HEADINGS: dict[Metric, str] = {
    "mae_w": "MAE, W",
    "on_mae_w": "MAE while on, W",
    "sae": "SAE",
    "sae_delta_w": "SAE by the hour, W",
    "nde": "NDE",
    "energy_per_day_wh": "energy error a day, Wh",
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "mcc": "MCC",
    "accuracy": "accuracy",
    "event_f1": "F1 of events",
    "event_precision": "precision of events",
    "event_recall": "recall of events",
}


def spread(values: Sequence[float | None]) -> Spread:
    """Mean and sample standard deviation over seeds; None where a seed has no value, and the deviation of one seed."""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return {"mean": None, "sd": None, "values": list(values)}
    return {"mean": fmean(known), "sd": stdev(known) if len(known) > 1 else None, "values": known}


def report(source: Source, parts: Parts, results: Results) -> dict[str, Any]:
    """The report as JSON: the protocol as it was run, hashes, and by appliance the rows' spread, the baselines and the parts."""
    protocol = parts.protocol
    files = {
        path.name: houses.sha256(path)
        for name in results
        for role in ROLES
        for house in getattr(protocol.roles(name), role)
        for path in houses.paths_of(protocol, house, parts.data)
    }
    found: dict[str, Any] = {
        "protocol": source.name,
        "title": protocol.title,
        "hashes": {"protocol": source.sha256, "code": source_hash(), "data": files},
        "as_run": protocol.model_dump(mode="json", exclude={"published", "differs", "title"}, exclude_defaults=True),
        "appliances": {name: _of_appliance(parts, name, rows) for name, rows in results.items()},
        "mean": _means(results) if len(results) > 1 else None,
        "published": [row.model_dump(exclude_defaults=True) for row in protocol.published],
        "differs": list(protocol.differs),
    }
    return found | {"markdown": markdown(parts, found)}


def _of_appliance(parts: Parts, name: str, rows: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    roles = parts.protocol.roles(name)
    on, role = (roles.test, "test") if roles.test else (roles.validation, "validation")
    first = rows["network"][0]
    return {
        "tested_on": [house.label for house in on] or ["the last 20 % of each training house"],
        "role_tested_on": role,
        "data": first["data"],
        "rows": {
            row: {
                "label": label_of(parts, row, seeds),
                "parameters": spread([seed["parameters"] for seed in seeds]),
                "metrics": {metric: spread([seed["metrics"][metric] for seed in seeds]) for metric in HEADINGS},
            }
            for row, seeds in rows.items()
        },
        "baselines": first["baselines"],
        "parts": {
            row: [{what: value for what, value in seed.items() if what not in ("metrics", "baselines", "data")} for seed in seeds]
            for row, seeds in rows.items()
        },
    }


def label_of(parts: Parts, row: str, seeds: Sequence[Mapping[str, Any]]) -> str:
    """What a row is called in the table."""
    of = f"{len(seeds)} seed{'s' if len(seeds) > 1 else ''}"
    if row == "network":
        named = parts.protocol.network
        return f"{named if isinstance(named, str) else 'seq2point of its own shape'}, window {parts.protocol.window}, {of}"
    pruned = parts.pruner.name if parts.pruner else "pruned"
    removed = fmean(seed["sparsity"] for seed in seeds)
    return f"{pruned}, {removed:.0%} of the weights removed{', compacted' if any(s['compacted'] for s in seeds) else ''}, {of}"


def _means(results: Results) -> dict[str, Any]:
    """The MAE, mean over the appliances, by row and baseline."""
    by_row: dict[str, list[list[float]]] = {}
    for of in results.values():
        for row, seeds in of.items():
            by_row.setdefault(row, []).append([seed["metrics"]["mae_w"] for seed in seeds])
    rows = {row: spread([fmean(seed) for seed in zip(*values, strict=True)]) for row, values in by_row.items()}
    baselines = {
        name: fmean(of["network"][0]["baselines"][name]["mae_w"] for of in results.values()) for name in ("zero", "mean")
    }
    return {"mae_w": rows, "baselines": baselines}


def shown(value: float | None, sd: float | None = None) -> str:
    """A number as the table has it, with its spread where there is one."""
    if value is None:
        return "-"
    digits = 0 if abs(value) >= 100 else 2
    return f"{value:.{digits}f}" + (f" ± {sd:.{digits}f}" if sd is not None else "")


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _table(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    return [_line(headings), _line(["---", *["---:"] * (len(headings) - 1)]), *map(_line, lines)]


def markdown(parts: Parts, found: Mapping[str, Any]) -> str:
    """The tables of a report: the MAE of all appliances where there are several, and every metric of each."""
    protocol = parts.protocol
    out = [f"## {protocol.title}", ""]
    if found["mean"]:
        out += [*_table(["MAE, W", *map(_words, found["appliances"]), "mean"], list(_overview(found, protocol.published))), ""]
    for name, of in found["appliances"].items():
        where = ", ".join(of["tested_on"]) + ("" if of["role_tested_on"] == "test" else ", on which it was validated")
        headings = [_words(name), "weights", *(HEADINGS[metric] for metric in protocol.metrics)]
        out += [f"Tested on {where}:", "", *_table(headings, list(_details(name, of, protocol.metrics, protocol.published))), ""]
    return "\n".join(out)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _overview(found: Mapping[str, Any], published: Sequence[Published]) -> Iterator[list[str]]:
    appliances, means = found["appliances"], found["mean"]
    for row, of_all in means["mae_w"].items():
        spreads = [of["rows"][row]["metrics"]["mae_w"] for of in appliances.values()] + [of_all]
        yield [_label(row, next(iter(appliances.values()))), *(shown(s["mean"], s["sd"]) for s in spreads)]
    for baseline, mean_w in means["baselines"].items():
        yield [f"{baseline} predictor", *(shown(of["baselines"][baseline]["mae_w"]) for of in appliances.values()), shown(mean_w)]
    for row in published:
        values = [row.mae_w.get(name) for name in appliances]
        known = [value for value in values if value is not None]
        yield [f"*{row.model}*", *map(shown, values), shown(fmean(known) if len(known) == len(values) else None)]


def _label(row: str, of: Mapping[str, Any]) -> str:
    label = str(of["rows"][row]["label"])
    return label if row == "network" else f"└ {label}"


def _details(name: str, of: Mapping[str, Any], metrics: Sequence[Metric], published: Sequence[Published]) -> Iterator[list[str]]:
    for row, got in of["rows"].items():
        weights = f"{got['parameters']['mean']:,.0f}"
        yield [_label(row, of), weights, *(shown(got["metrics"][m]["mean"], got["metrics"][m]["sd"]) for m in metrics)]
    for baseline, values in of["baselines"].items():
        yield [f"{baseline} predictor", "", *(shown(values[metric]) for metric in metrics)]
    for row in published:
        if name in row.mae_w:
            yield [f"*{row.model}*", "", *(shown(row.metrics.get(metric, {}).get(name)) for metric in metrics)]
