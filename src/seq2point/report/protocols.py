"""The report of a protocol: all that a store knows of it, with spreads over seeds, baselines and
the published rows.

A row stays what it is when another run adds to it: its key is that of its method and sparsity, and
of its settings where two runs differ in more than that.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from seq2point.errors import UsageError
from seq2point.recording import format_house
from seq2point.recording.coverage import Coverage
from seq2point.report.plots import SparsityPanel, save_sparsity_plot
from seq2point.studies.protocols import houses
from seq2point.studies.protocols.library import NamedProtocol
from seq2point.studies.protocols.protocol_file import ROLES, Metric, Protocol, Published
from seq2point.studies.protocols.rows import (
    Row,
    ScoredNetworks,
    collect_rows,
    find_current,
    name_differences,
)
from seq2point.studies.protocols.steps import ProtocolSteps
from seq2point.studies.result_cache import ResultCache, source_hash
from seq2point.studies.spread import MeanAndSd, find_mean_and_sd, format_spread, render_table
from seq2point.wording import format_number

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


REPORT, TABLE, PICTURE = "report.json", "report.md", "report.png"
LABELS = ("appliance, tested on", "network", "sparsity asked")
COSTS = (
    "seeds", "weights left", "file, KB", "compacted, KB", "compacted, gzipped, KB", "latency, ms", "compacted, latency, ms"
)  # fmt: skip
DAGGER = "†"
OTHER_CODE = f"{DAGGER} by another version of the code."
NOTES = (
    (
        "Weights left are those that are not zero, and their share of the unpruned network. A"
        " method's sparsity is a share of what it removes, so compare methods by what is left, not"
        " by what was asked."
    ),
    (
        "The file of a pruned model holds its masks. The compacted one is without the units,"
        " channels and taps that are gone; a dash stands where none is, since scattered zeros save"
        " bytes through gzip alone."
    ),
)


def require_own(folder: Path, source: NamedProtocol, store: ResultCache) -> None:
    """Refuse a folder in which the report of a run would replace what it does not hold.

    Raises UsageError for another protocol's report, for one whose parts are gone, and for files of
    its name that are none.
    """
    path = folder / REPORT
    others = [folder / name for name in (TABLE, PICTURE) if (folder / name).exists()]
    if not path.exists() and not others:
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        name = before["protocol"]
        keys = {
            seed["key"]: seed["folder"]
            for of in _collect_scored(before)
            for seeds in of["parts"].values()
            for seed in seeds
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(
            f"{(others or [path])[0]}: is of no protocol's run and would be replaced; choose"
            " another folder"
        ) from None
    if name != source.name:
        raise UsageError(
            f"{path}: is the report of '{name}' and would be replaced; choose another folder for"
            f" '{source.name}'"
        )
    gone = set(keys) - {record.key for record in store.records()}
    if gone:
        raise UsageError(
            f"{path}: has results whose parts are gone, as {keys[min(gone)]}, and would lose them;"
            " choose another folder"
        )


def _collect_scored(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """All that a report tells, by what was scored alike."""
    return [
        scored for of in found["appliances"].values() for scored in (of, *of.get("elsewhere", []))
    ]


def make_report(
    source: NamedProtocol,
    variants: Sequence[ProtocolSteps],
    store: ResultCache,
    appliances: Sequence[str],
) -> dict[str, Any]:
    """The report as JSON: the protocol as it was run, hashes, and by appliance all rows that the
    store knows.

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
    by_appliance = _by_appliance(collect_rows(store.records()), variants, appliances)
    found: dict[str, Any] = {
        "protocol": source.name,
        "title": protocol.title,
        "hashes": {"protocol": source.sha256, "code": source_hash(), "data": files},
        "as_run": _as_run(variants),
        "appliances": by_appliance,
        "mean": _means(by_appliance) if len(by_appliance) > 1 else None,
        "published": [row.model_dump(exclude_defaults=True) for row in protocol.published],
        "differs": list(protocol.differs),
    }
    return found | {"markdown": render_markdown(source.protocol, protocol, found)}


def _as_run(variants: Sequence[ProtocolSteps]) -> dict[str, Any]:
    """The protocol of a run, with all its prunings."""
    told = {"published", "differs", "title", "pruning"}
    prunings = [parts.protocol.pruning for parts in variants]
    return variants[0].protocol.model_dump(mode="json", exclude=told, exclude_defaults=True) | {
        "pruning": [
            p.model_dump(mode="json", exclude_defaults=True) for p in prunings if p is not None
        ]
    }


def _by_appliance(
    all_scored: Sequence[ScoredNetworks], variants: Sequence[ProtocolSteps], run: Sequence[str]
) -> dict[str, Any]:
    """What is told of each appliance, in the protocol's order: this run's test, and others
    'elsewhere'.
    """
    known = dict.fromkeys(scored.appliance for scored in all_scored)
    order = [name for name in variants[0].protocol.appliances if name in known]
    found = {}
    for name in [*order, *(name for name in known if name not in order)]:
        here, rows = find_current(variants, name) if name in run else ("", [])
        several = sorted(
            (s for s in all_scored if s.appliance == name),
            key=lambda scored: scored.identity != here,
        )
        first, *others = [_describe_scored(scored, rows) for scored in several]
        found[name] = first | {"elsewhere": others}
    return found


def _describe_scored(scored: ScoredNetworks, run: Sequence[str]) -> dict[str, Any]:
    """Rows that were scored alike, with houses and baselines; this run's have their plain names."""
    networks = sorted(scored.networks, key=lambda row: row.identity not in run)
    ordered = [row for network in networks for row in (network, *scored.under(network))]
    keys, names, lines = _keys(ordered, run), _names(ordered), _line_names(ordered)
    told = {
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
        "rows": told,
        "baselines": result["baselines"],
        "parts": {
            key: [
                {what: value for what, value in seed.items() if what not in NOT_OF_PARTS}
                for seed in row.seeds
            ]
            for key, row in zip(keys, ordered, strict=True)
        },
    }


NOT_OF_PARTS = ("metrics", "baselines", "coverage", "data", "tested_on", "role_tested_on", "dense")


def _keys(rows: Sequence[Row], run: Sequence[str]) -> list[str]:
    """Method and sparsity of rows, and a hash where that names several: not for this run's row."""
    keys: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: row.identity not in run):
        hashed = hashlib.sha256(row.identity.encode()).hexdigest()[:8]
        keys[row.identity] = f"{row.name}-{hashed}" if row.name in keys.values() else row.name
    return [keys[row.identity] for row in rows]


def _names(rows: Sequence[Row]) -> list[str]:
    """What rows are called in the table: with settings where nothing else tells two apart."""
    alike: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        alike.setdefault((_plain_name(row), row.asked), []).append(row)
    names = {}
    for (name, _), some in alike.items():
        for row, said in zip(some, name_differences(some), strict=True):
            names[row.identity] = ", ".join(filter(None, (name, said)))
    return [names[row.identity] for row in rows]


def _line_names(rows: Sequence[Row]) -> dict[str, str]:
    """What the lines of the picture are called: a pruning at all of its sparsities."""
    first = {row.line: row for row in reversed(rows)}
    alike: dict[str, list[Row]] = {}
    for row in first.values():
        alike.setdefault(_plain_name(row), []).append(row)
    return {
        row.line: ", ".join(filter(None, (name, said)))
        for name, some in alike.items()
        for row, said in zip(some, name_differences(some), strict=True)
    }


def _plain_name(row: Row) -> str:
    return _words(row.method) if row.method else row.shape


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _describe_row(row: Row, name: str, line: str) -> dict[str, Any]:
    seeds = row.seeds
    label = f"{name} {DAGGER}" if row.from_other_code else name
    metrics = {
        metric: find_mean_and_sd([seed["metrics"].get(metric) for seed in seeds])
        for metric in HEADINGS
    }
    return {
        "label": label,
        "line": line,
        "method": row.method,
        "sparsity_asked": row.asked or None,
        "parameters": find_mean_and_sd([seed["parameters"] for seed in seeds]),
        "weights_left": find_mean_and_sd([seed["nonzero_parameters"] for seed in seeds]),
        "share_left": find_mean_and_sd(
            [seed["nonzero_parameters"] / seed["dense"]["parameters"] for seed in seeds]
        ),
        "costs": _costs(row),
        "metrics": metrics,
        "decides": {"network": row.network, "pruned": row.pruned},
    }


def _costs(row: Row) -> dict[str, Any]:
    """Sizes and times over the seeds of 'network' or 'pruned', and 'compacted'; and the threads."""
    measured = [seed["costs"] for seed in row.seeds if "costs" in seed]
    models: dict[str, dict[str, MeanAndSd]] = {}
    for what in ("network", "pruned", "compacted"):
        of = [costs["models"][what] for costs in measured if what in costs["models"]]
        if of and len(of) == len(row.seeds):
            models[what] = {key: find_mean_and_sd([one[key] for one in of]) for key in of[0]}
    return {"threads": sorted({costs["threads"] for costs in measured}), "models": models}


def _means(by_appliance: Mapping[str, Any]) -> dict[str, Any]:
    """The MAE by row and baseline, mean over the appliances, where all have the row and the seed."""
    of_all = list(by_appliance.values())
    shared = [row for row in of_all[0]["rows"] if all(row in of["rows"] for of in of_all)]
    rows = {}
    for row in shared:
        maes = [
            {part["seed"]: mae for part, mae in zip(of["parts"][row], _maes(of, row), strict=True)}
            for of in of_all
        ]
        seeds = [seed for seed in maes[0] if all(seed in of for of in maes)]
        if seeds:
            rows[row] = find_mean_and_sd([fmean(of[seed] for of in maes) for seed in seeds])
    baselines = {
        name: fmean(of["baselines"][name]["mae_w"] for of in of_all) for name in ("zero", "mean")
    }
    return {"mae_w": rows, "baselines": baselines}


def _maes(of: Mapping[str, Any], row: str) -> list[float]:
    return list(of["rows"][row]["metrics"]["mae_w"]["values"])


def render_markdown(source: Protocol, protocol: Protocol, found: Mapping[str, Any]) -> str:
    """The report as Markdown: the MAE of all appliances where there are several, and one table of
    everything.

    Published rows stand beside what was tested on the houses of the protocol itself, `source`.
    """
    tables = list(_tables(found))
    lines = [
        line
        for name, of, ours in tables
        for line in _lines(name, of, _published(source, protocol, name, ours), protocol)
    ]
    headings = [*LABELS, *COSTS, *(HEADINGS[metric] for metric in protocol.metrics)]
    out = [f"## {protocol.title}", ""]
    if found["mean"]:
        overview = list(_overview(found, protocol.published))
        out += [
            *render_table(
                ["MAE, W", LABELS[-1], *map(_words, found["appliances"]), "mean"],
                overview,
                labels=2,
            ),
            "",
        ]
    out += [*(f"- {_where(name, of)}" for name, of, _ in tables), ""]
    out += [*render_table(headings, lines, labels=len(LABELS)), ""]
    rows = [row for _, of, _ in tables for row in of["rows"].values()]
    notes = [OTHER_CODE] if any(row["label"].endswith(DAGGER) for row in rows) else []
    notes += [*NOTES, _of_latency(rows)] if any(row["method"] for row in rows) else []
    return "\n".join([*out, *(f"- {note}" for note in notes), *([""] if notes else [])])


def _tables(found: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """What was scored alike, with its appliance, and whether as in the last run."""
    for name, of in found["appliances"].items():
        yield name, of, True
        for other in of["elsewhere"]:
            yield name, other, False


def _published(source: Protocol, protocol: Protocol, name: str, ours: bool) -> list[Published]:
    """The published rows of an appliance, where it was tested in the houses that they are of."""
    own = (
        ours and name in source.appliances and source.roles(name).test == protocol.roles(name).test
    )
    return [row for row in protocol.published if name in row.mae_w] if own else []


def _of_latency(rows: Sequence[Mapping[str, Any]]) -> str:
    threads = sorted({n for row in rows for n in row["costs"]["threads"]})
    on = " or ".join(_count(n, "thread") for n in threads)
    return (
        f"Latency: of one window, on {on}; (nx): n times faster than the unpruned network, which"
        " took turns with it."
    )


def _where(name: str, of: Mapping[str, Any]) -> str:
    """Where an appliance was tested, in words."""
    where = ", ".join(of["tested_on"]) + (
        "" if of["role_tested_on"] == "test" else ", on which it was validated"
    )
    parts = [Coverage.parse(part["coverage"]) for part in of["data"] if "coverage" in part]
    days = sum(part["days"] for part in of["data"])
    amount = str(Coverage.combine(parts)) if parts else f"{format_number(days)} days"
    return f"{_words(name)}: tested on {where} ({amount})"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _houses(of: Mapping[str, Any]) -> str:
    """The houses of a test in a few words: files by their names alone."""
    return ", ".join(Path(house).name if "/" in house else house for house in of["tested_on"])


def _overview(found: Mapping[str, Any], published: Sequence[Published]) -> Iterator[list[str]]:
    appliances, means = found["appliances"], found["mean"]
    for key in dict.fromkeys(key for of in appliances.values() for key in of["rows"]):
        rows = [of["rows"].get(key) for of in appliances.values()]
        first = next(row for row in rows if row)
        spreads = [row["metrics"]["mae_w"] if row else None for row in rows] + [
            means["mae_w"].get(key)
        ]
        yield [_label(first), first["sparsity_asked"] or "", *map(_spread, spreads)]
    for baseline, mean_w in means["baselines"].items():
        maes = (format_spread(of["baselines"][baseline]["mae_w"]) for of in appliances.values())
        yield [f"{baseline} predictor", "", *maes, format_spread(mean_w)]
    for row in published:
        values = [row.mae_w.get(name) for name in appliances]
        known = [value for value in values if value is not None]
        yield [
            f"*{row.model}*",
            "",
            *map(format_spread, values),
            format_spread(fmean(known) if len(known) == len(values) else None),
        ]


def _spread(of: MeanAndSd | None) -> str:
    return format_spread(of["mean"], of["sd"]) if of else "-"


def _label(row: Mapping[str, Any]) -> str:
    return f"└ {row['label']}" if row["method"] else str(row["label"])


def _lines(
    name: str, of: Mapping[str, Any], published: Sequence[Published], protocol: Protocol
) -> Iterator[list[str]]:
    """The lines of an appliance: its rows, the baselines, and what is published."""
    where, metrics = f"{_words(name)}, {_houses(of)}", protocol.metrics
    nothing = [""] * len(COSTS)
    for row in of["rows"].values():
        reached = [_spread(row["metrics"][metric]) for metric in metrics]
        yield [where, _label(row), row["sparsity_asked"] or "", *_cost_cells(row), *reached]
    for baseline, values in of["baselines"].items():
        yield [
            where,
            f"{baseline} predictor",
            "",
            *nothing,
            *(format_spread(values[metric]) for metric in metrics),
        ]
    for row in published:
        values = [row.metrics.get(metric, {}).get(name) for metric in metrics]
        yield [where, f"*{row.model}*", "", *nothing, *map(format_spread, values)]


def _cost_cells(row: Mapping[str, Any]) -> list[str]:
    """What a network costs: weights, bytes and milliseconds, as it was trained and compacted."""
    models: Mapping[str, Any] = row["costs"]["models"]
    dense, small = models.get("network"), models.get("compacted")
    trained = models.get("pruned") if row["method"] else dense

    def kilobytes(of: Mapping[str, Any] | None, key: str) -> str:
        return format_number(of[key]["mean"] / 1024) if of else "-"

    def milliseconds(of: Mapping[str, Any] | None) -> str:
        if not of:
            return "-"
        ms = of["latency_ms"]["mean"]
        faster = f" ({dense['latency_ms']['mean'] / ms:,.1f}x)" if dense and of is not dense else ""
        return f"{format_number(ms)}{faster}"

    return [
        str(len(row["weights_left"]["values"])),
        f"{row['weights_left']['mean']:,.0f} ({format_number(100 * row['share_left']['mean'])} %)",
        kilobytes(trained, "file_bytes"),
        kilobytes(small, "file_bytes"),
        kilobytes(small or trained, "gzipped_bytes"),
        milliseconds(trained),
        milliseconds(small),
    ]


def save_plot(found: Mapping[str, Any], path: Path) -> bool:
    """Write the picture of a report, MAE against weights left; False where nothing was pruned."""
    panels = [
        _panel(name, of)
        for name, of, _ in _tables(found)
        if any(row["method"] for row in of["rows"].values())
    ]
    if panels:
        save_sparsity_plot(panels, found["title"], path)
    return bool(panels)


def _panel(name: str, of: Mapping[str, Any]) -> SparsityPanel:
    """The MAE of an appliance against the weights left: a line for each method under each network."""
    lines: dict[str, list[tuple[float, Sequence[float]]]] = {}
    networks: dict[str, list[tuple[float, Sequence[float]]]] = {}
    for row in of["rows"].values():
        point = (row["weights_left"]["mean"], row["metrics"]["mae_w"]["values"])
        (lines if row["method"] else networks).setdefault(row["line"], []).append(point)
    title = f"{name[:1].upper()}{_words(name)[1:]}, {_houses(of)}"
    constants = {
        f"{baseline} predictor": values["mae_w"]
        for baseline, values in of["baselines"].items()
        if baseline == "zero"
    }
    return SparsityPanel(title, "MAE, W", lines, networks, constants)
