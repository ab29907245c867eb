"""Tables and notes of exports and of their proofs, from the numbers of deploy."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from seq2point.metrics import METRICS
from seq2point.wording import format_count, format_number

Report = Mapping[str, Any]
Rows = list[list[str]]

SIDES = ("native", "exported")
PROVED = ("mae_w", "on_mae_w", "sae", "f1")
SEARCHED = ("on_mae_w", "sae")
DIGITS = 4
"""Significant digits of what is compared: the two models differ little."""

COSTS = (
    ("latency_ms", "latency, batch 1", 3, " ms"),
    ("peak_mb", "peak memory of the process", 3, " MB"),
    ("file_bytes", "file", 1, " bytes"),
    ("gzipped_bytes", "gzipped", 1, " bytes"),
)


def list_export_tables(out: Path, report: Report) -> Iterator[tuple[str, Rows]]:
    """Return the tables of an export, each with its title; the first row is the heading.

    Of a target of your own, whose report lacks what a table shows, there is none.
    """
    if report.get("sizes"):
        yield "bytes on the device", make_size_rows(report)
    proof = report.get("verification")
    if not proof or not proof["metrics"]:
        return
    if report.get("quantization") is not None:
        title = "layers that stay float32, and what is lost on the calibration part"
        yield title, make_search_rows(report["quantization"])
    yield make_proof_title(out, proof), make_proof_rows(proof)


def list_export_notes(report: Report) -> Iterator[str]:
    """Return what there is to say under the tables of an export, a sentence each."""
    from seq2point.deploy.calibration import SimulatedParts

    proof = report.get("verification")
    if not proof:
        return
    yield from proof["failures"]
    if not proof["metrics"]:
        yield _describe_random_proof(proof)
        return
    if "feature_bits" in report:
        yield from describe_arithmetic(report)
    if note := SimulatedParts(**report["simulated"]).note():
        yield note


def make_proof_title(out: Path, proof: Report) -> str:
    """Return the title of a proof's table."""
    return f"{out.name} beside the native model, {format_count(proof['windows'], 'window')}"


def make_proof_rows(proof: Report) -> Rows:
    """Return the table of a proof: a heading, then a row for each number of both models.

    `proof` is a Verification as JSON.
    """
    lines = [["", *SIDES]]
    names = list(proof["metrics"].get("native", {}))
    for name in names:
        suffix = f", {name.replace('_', ' ')}" if len(names) > 1 else ""
        for key in PROVED:
            values = [proof["metrics"][side][name][key] for side in SIDES]
            lines.append([METRICS[key].label + suffix, *(_format(key, value) for value in values)])
    for key, label, digits, unit in COSTS if proof["costs"] else ():
        values = [proof["costs"][side][key] for side in SIDES]
        cells = ["-" if v is None else f"{format_number(v, digits)}{unit}" for v in values]
        lines.append([label, *cells])
    relative = format_number(proof["relative_difference"], 2)
    largest_w = format_number(proof["largest_difference_w"])
    return [*lines, ["largest difference", "", f"{largest_w} W ({relative} relative)"]]


def make_search_rows(quantization: Report) -> Rows:
    """Return the table of a search for float layers: a heading, float32, then each choice."""
    lines = [["float32", *(METRICS[key].label for key in SEARCHED), "bytes", ""]]
    for candidate in [quantization["float32"], *quantization["candidates"]]:
        losses = candidate["losses"].values()
        chosen = candidate["layers_in_float"] == quantization["layers_in_float"]
        lines.append(
            [
                _shorten_layers(candidate["layers_in_float"]),
                ", ".join(_format("on_mae_w", loss["on_mae_w"]) for loss in losses),
                ", ".join(METRICS["sae"].format(loss["sae"]) for loss in losses),
                f"{candidate['graph_bytes']:,}",
                "chosen" if chosen else "",
            ]
        )
    return lines


def make_size_rows(report: Report) -> Rows:
    """Return a microcontroller's bytes: a heading, each compiler's sections, and as counted."""
    rows = [["", "flash: text", "data", "RAM: bss"]]
    for name, size in report["sizes"].items():
        rows.append(
            [name, size, "", ""]
            if isinstance(size, str)
            else [name, *(f"{size[section]:,}" for section in ("text", "data", "bss"))]
        )
    flash, ram = (f"{report[key]:,}" for key in ("flash_bytes", "ram_bytes"))
    return [*rows, ["as counted, with the stack", flash, "", ram]]


def describe_arithmetic(report: Report) -> list[str]:
    """Return how a microcontroller's C computes, and how near it comes to the float model."""
    distances = ", ".join(
        f"{format_number(difference_w)} W in {bits} bits"
        for bits, difference_w in report["difference_on_w"].items()
    )
    return [
        (
            f"{report['multiply_adds']:,} multiply-adds a reading; features in"
            f" {report['feature_bits']} bits"
        ),
        (
            "mean distance from the float model while on, where the calibration is busiest:"
            f" {distances}"
        ),
    ]


def _format(key: str, value: float | None) -> str:
    """Write a metric to the digits that a comparison needs."""
    return "-" if value is None else METRICS[key].add_unit(format_number(value, DIGITS))


def _describe_random_proof(proof: Report) -> str:
    sentence = (
        f"the native model's answers in {format_count(proof['windows'], 'window')} of "
        f"random mains, to {format_number(proof['relative_difference'], 1)} of the largest"
    )
    if not proof["highest_answer_w"]:
        sentence += "; but all are zero there, which proves little: give recordings to verify on"
    return sentence


def _shorten_layers(layers: Sequence[str]) -> str:
    """Layers in few words: a run of numbered ones by its ends."""
    shown = []
    for numbered, run in groupby(layers, key=lambda name: name.rpartition(".")[0]):
        names = list(run)
        shown += [" to ".join(dict.fromkeys([names[0], names[-1]]))] if numbered else names
    return ", ".join(shown) or "none"
