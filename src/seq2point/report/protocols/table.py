"""The report of a protocol in Markdown: its rows, the baselines and the published rows."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

from seq2point.metrics import METRICS
from seq2point.recording.coverage import Coverage
from seq2point.report.protocols.wording import DAGGER, format_houses, format_name, list_tables
from seq2point.studies.protocols.protocol_file import Protocol, PublishedResult
from seq2point.studies.spread import MeanAndSd, format_spread, render_table
from seq2point.wording import format_count, format_number

LABELS = ("appliance, tested on", "network", "sparsity asked")

COSTS = (
    "seeds",
    "weights left",
    "file, KB",
    "compacted, KB",
    "compacted, gzipped, KB",
    "latency, ms",
    "compacted, latency, ms",
)

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


def render_markdown(source: Protocol, protocol: Protocol, report: Mapping[str, Any]) -> str:
    """Return the report as Markdown: an overview of the error of several appliances, and one table
    of everything.

    PublishedResult rows stand beside what was tested on the houses of the protocol itself,
    `source`.
    """
    tables = list(list_tables(report))
    lines = [
        line
        for name, tested, ours in tables
        for line in _make_rows(
            name, tested, _find_published(source, protocol, name, ours), protocol
        )
    ]
    headings = [*LABELS, *COSTS, *(METRICS[metric].heading for metric in protocol.metrics)]
    out = [f"## {protocol.title}", ""]
    if report["mean"]:
        overview = list(_make_overview_rows(report, protocol.published))
        out += [
            *render_table(
                [
                    METRICS["mae_w"].heading,
                    LABELS[-1],
                    *map(format_name, report["appliances"]),
                    "mean",
                ],
                overview,
                labels=2,
            ),
            "",
        ]
    out += [*(f"- {_describe_test(name, tested)}" for name, tested, _ in tables), ""]
    out += [*render_table(headings, lines, labels=len(LABELS)), ""]
    rows = [row for _, tested, _ in tables for row in tested["rows"].values()]
    notes = [OTHER_CODE] if any(row["label"].endswith(DAGGER) for row in rows) else []
    notes += [*NOTES, _describe_latency(rows)] if any(row["method"] for row in rows) else []
    return "\n".join([*out, *(f"- {note}" for note in notes), *([""] if notes else [])])


def _find_published(
    source: Protocol, protocol: Protocol, name: str, ours: bool
) -> list[PublishedResult]:
    """The published rows of an appliance, where it was tested in the houses that they are of."""
    own = (
        ours and name in source.appliances and source.roles(name).test == protocol.roles(name).test
    )
    return [row for row in protocol.published if name in row.mae_w] if own else []


def _describe_latency(rows: Sequence[Mapping[str, Any]]) -> str:
    threads = sorted({n for row in rows for n in row["costs"]["threads"]})
    on = " or ".join(format_count(n, "thread") for n in threads)
    return (
        f"Latency: of one window, on {on}; (nx): n times faster than the unpruned network, which"
        " took turns with it."
    )


def _describe_test(name: str, tested: Mapping[str, Any]) -> str:
    """Where an appliance was tested, in words."""
    where = ", ".join(tested["tested_on"]) + (
        "" if tested["role_tested_on"] == "test" else ", on which it was validated"
    )
    parts = [Coverage.parse(part["coverage"]) for part in tested["data"] if "coverage" in part]
    days = sum(part["days"] for part in tested["data"])
    amount = str(Coverage.combine(parts)) if parts else f"{format_number(days)} days"
    return f"{format_name(name)}: tested on {where} ({amount})"


def _make_overview_rows(
    report: Mapping[str, Any], published: Sequence[PublishedResult]
) -> Iterator[list[str]]:
    appliances, means = report["appliances"], report["mean"]
    for key in dict.fromkeys(key for tested in appliances.values() for key in tested["rows"]):
        rows = [tested["rows"].get(key) for tested in appliances.values()]
        first = next(row for row in rows if row)
        spreads = [row["metrics"]["mae_w"] if row else None for row in rows] + [
            means["mae_w"].get(key)
        ]
        yield [_make_label(first), first["sparsity_asked"] or "", *map(_format_spread, spreads)]
    for baseline, mean_w in means["baselines"].items():
        maes = (
            format_spread(tested["baselines"][baseline]["mae_w"]) for tested in appliances.values()
        )
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


def _format_spread(spread: MeanAndSd | None) -> str:
    return format_spread(spread["mean"], spread["sd"]) if spread else "-"


def _make_label(row: Mapping[str, Any]) -> str:
    return f"└ {row['label']}" if row["method"] else str(row["label"])


def _make_rows(
    name: str, tested: Mapping[str, Any], published: Sequence[PublishedResult], protocol: Protocol
) -> Iterator[list[str]]:
    """The lines of an appliance: its rows, the baselines, and what is published."""
    where, metrics = f"{format_name(name)}, {format_houses(tested)}", protocol.metrics
    nothing = [""] * len(COSTS)
    for row in tested["rows"].values():
        reached = [_format_spread(row["metrics"][metric]) for metric in metrics]
        yield [
            where,
            _make_label(row),
            row["sparsity_asked"] or "",
            *_make_cost_cells(row),
            *reached,
        ]
    for baseline, values in tested["baselines"].items():
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


def _make_cost_cells(row: Mapping[str, Any]) -> list[str]:
    """What a network costs: weights, bytes and milliseconds, as it was trained and compacted."""
    models: Mapping[str, Any] = row["costs"]["models"]
    dense, small = models.get("network"), models.get("compacted")
    trained = models.get("pruned") if row["method"] else dense

    def kilobytes(model: Mapping[str, Any] | None, key: str) -> str:
        return format_number(model[key]["mean"] / 1024) if model else "-"

    def milliseconds(model: Mapping[str, Any] | None) -> str:
        if not model:
            return "-"
        ms = model["latency_ms"]["mean"]
        if dense is None or model is dense:
            return format_number(ms)
        return f"{format_number(ms)} ({dense['latency_ms']['mean'] / ms:,.1f}x)"

    return [
        str(len(row["weights_left"]["values"])),
        f"{row['weights_left']['mean']:,.0f} ({format_number(100 * row['share_left']['mean'])} %)",
        kilobytes(trained, "file_bytes"),
        kilobytes(small, "file_bytes"),
        kilobytes(small or trained, "gzipped_bytes"),
        milliseconds(trained),
        milliseconds(small),
    ]
