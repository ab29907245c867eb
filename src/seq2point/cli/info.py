"""`seq2point info`: show what is in a model file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from seq2point.cli import options
from seq2point.wording import format_count, format_number, format_seconds


def info(
    model: Annotated[
        Path,
        typer.Argument(
            help="A model file, native or exported, or a name: kettle-60s.", metavar="MODEL"
        ),
    ],
    json: options.Json = None,
) -> None:
    """Show what a model is, its training data, its pruning and its metrics."""
    from seq2point import runtime
    from seq2point.cli.find_model import find_model_file

    model = find_model_file(model)
    if runtime.is_exported(model):
        _show_exported(model, json)
    else:
        _show_native(model, json)


def _show_exported(model: Path, json: Path | None) -> None:
    from seq2point import runtime
    from seq2point.predictor import warn_of_constants
    from seq2point.report import terminal

    loaded = runtime.load(model)
    metadata, file_bytes = loaded.metadata, model.stat().st_size
    report = {
        "file": {"path": str(model), "bytes": file_bytes},
        "model": loaded.describe(),
        "provenance": loaded.provenance,
    }
    console = terminal.write_report(report, json)
    warn_of_constants(metadata.constants_w)
    if str(json) == "-":
        return
    floats = metadata.quantization["layers_in_float"] if metadata.quantization else []
    rows = {
        "appliance": ", ".join(a.label for a in metadata.appliances),
        "sampling period": format_seconds(metadata.period_s),
        "window": (
            f"{format_count(metadata.window, 'sample')}"
            f" ({format_number(metadata.window * metadata.period_s / 60, 4)} min), predicts sample"
            f" {metadata.target_index}"
        ),
        "predicts": (
            "all windows of chunks of any length"
            if metadata.sliding
            else "windows, in batches of any size"
        ),
        "numbers": (
            "float32"
            if metadata.quantization is None
            else f"int8, but float32 in {', '.join(floats) or 'no layer'}"
        ),
        "calibrated on": _calibrated_on(metadata.quantization),
        "file": f"{file_bytes:,} bytes",
    }
    console.print(terminal.make_facts_table(str(model), rows))


def _list_houses(model: Path, provenance: Mapping[str, Any]) -> str:
    """Return the houses that a model has learned from, with their days.

    A card names the data sets, too; where the homes are not as many as the recordings, it stands
    for them.
    """
    from seq2point.model.pretrained import find_card
    from seq2point.recording import format_house

    data = provenance.get("training", {}).get("training_data", [])
    card, houses = find_card(model), [format_house(each["house"]) for each in data]
    if card and len(card.trained_on) != len(data):
        return ", ".join(card.trained_on)
    return ", ".join(
        f"{house} ({each['samples'] * each['period_s'] / 86400:.1f} days)"
        for house, each in zip(card.trained_on if card else houses, data, strict=True)
    )


def _describe_origin(provenance: Mapping[str, Any]) -> dict[str, str]:
    """Return rows on the model that this one comes from, none for one from fresh weights."""
    from seq2point.recording import format_house

    rows = {}
    if transfer := provenance.get("transfer"):
        parent = transfer["from"]
        name = parent["provenance"].get("pretrained", {}).get("name")
        appliances = ", ".join(each.replace("_", " ") for each in parent["appliances"])
        rows["transferred from"] = name or f"a model of the {appliances}"
    if adapted := provenance.get("adapted"):
        house = format_house(adapted["data"]["house"])
        rows["adapted"] = (
            f"without labels to {house}, {adapted['days']:.1f} days; transductive: it has seen"
            f" these mains ({adapted['reason']})"
            if adapted["kept"]
            else f"not: left unchanged in {house} ({adapted['reason']})"
        )
    return rows


def _describe_test(provenance: Mapping[str, Any]) -> dict[str, str]:
    """Return a row on the error of the last test, beside the baselines' where they are kept."""
    from seq2point.metrics import METRICS

    mae = METRICS["mae_w"]
    error_w = (provenance.get("metrics") or {}).get("mae_w")
    if error_w is None:
        return {}
    beside = [
        f"{name} {mae.format(baseline['mae_w'], 2)}"
        for name, baseline in provenance.get("baselines", {}).items()
        if baseline.get("mae_w") is not None
    ]
    words = f" ({', '.join(beside)})" if beside else ""
    return {f"{mae.label} when tested": f"{mae.format(error_w, 2)}{words}"}


def _calibrated_on(quantization: dict[str, Any] | None) -> str:
    if quantization is None:
        return "nothing"
    return (
        "simulated homes" if quantization.get("calibration", {}).get("simulated") else "a recording"
    )


def _show_native(model: Path, json: Path | None) -> None:
    import json as jsonlib

    from seq2point.architecture import Architecture
    from seq2point.predictor import warn_of_constants
    from seq2point.report import terminal
    from seq2point.runtime.native import NativeRuntime
    from seq2point.runtime.native_file import read_model_file, split_masks
    from seq2point.system.atomic_files import write_json
    from seq2point.system.console import make_console
    from seq2point.weight_counts import count_by_layer

    header, tensors = read_model_file(model)
    weights, masks = split_masks(tensors)
    loaded = NativeRuntime(model, header, weights, threads=1)
    pruning = count_by_layer(weights, masks)
    report = {
        "file": {"path": str(model), "bytes": model.stat().st_size},
        "model": loaded.describe(),
        "pruning": pruning,
        "provenance": loaded.provenance,
    }
    warn_of_constants(report["model"]["constants_w"])
    if json is not None and str(json) == "-":
        print(jsonlib.dumps(report, indent=2))
        return
    if json is not None:
        write_json(report, json)
    shape = loaded.architecture
    rows = {
        "appliance": ", ".join(a.label for a in loaded.appliances),
        "sampling period": format_seconds(loaded.period_s),
        "window": (
            f"{format_count(shape.window, 'sample')}"
            f" ({format_number(shape.window * loaded.period_s / 60, 4)} min), predicts sample"
            f" {shape.target_index}"
        ),
        "network": (
            f"channels {shape.channels}, kernels {shape.kernels}, hidden {shape.hidden}, dropout"
            f" {shape.dropout:g}" + (f", rank {shape.rank}" if shape.rank else "")
        ),
        "parameters": f"{shape.parameters:,}",
        "multiply-adds a window": f"{shape.multiply_adds:,}",
        "file": f"{model.stat().st_size:,} bytes",
        "trained on": _list_houses(model, loaded.provenance) or "nothing",
        **_describe_origin(loaded.provenance),
    }
    if pruned := loaded.provenance.get("pruned") or loaded.provenance.get("training", {}).get(
        "pruning"
    ):
        settings = ", ".join(
            f"{name} {value}"
            for name, value in pruned.items()
            if name != "method" and value is not None
        )
        rows["pruned by"] = f"{pruned['method']} ({settings})" if settings else pruned["method"]
    for step in loaded.provenance.get("compaction", []):
        rows["compacted from"] = (
            f"{Architecture.model_validate(step['before']).parameters:,} parameters"
        )
    rows |= _describe_test(loaded.provenance)
    console = make_console()
    console.print(terminal.make_facts_table(str(model), rows))
    if pruning["sparsity"]:
        console.print(terminal.make_pruning_table(pruning["layers"]))
