"""The text of a C source pair: a network in whole numbers, in the templates of c/."""

import hashlib
import re
import zlib
from pathlib import PurePath
from string import Template
from textwrap import wrap
from typing import Any, NamedTuple

import numpy as np

import seq2point
from seq2point.deploy.c_templates import load_template
from seq2point.deploy.fixed_point import STEPS_PER_WATT, FeatureBits, FixedPoint, Integers
from seq2point.limits import ABSURD_W
from seq2point.model.model_file import Model
from seq2point.recording import Recording, Watts
from seq2point.runtime import ExportMetadata
from seq2point.runtime.metadata import IN_TEXT, add_digest

LINE = 120
"""Columns of a line of the C."""
AS_ANY_LAYER = "#define first_linear(state, column) convolve(state, FEATURES, column)"


class CSource(NamedTuple):
    """The texts of source and header."""

    source: str
    header: str


def store_sums(channels: int, units: int, feature_bits: FeatureBits) -> bool:
    """Return whether the first Linear's sums take less memory than its features would.

    A sum takes 4 bytes a unit. The multiply-adds are the same: each column meets the weights of
    every time step either way.
    """
    return 4 * units < channels * feature_bits // 8


def render_source(
    model: Model,
    network: FixedPoint,
    metadata: ExportMetadata,
    calibration: Recording,
    test_mains_w: Watts,
    header_name: str,
    prefix: str,
) -> CSource:
    """Return source and header of a network.

    Their self-test holds the predictions for `test_mains_w`, a gapless stretch in watts.
    """
    units, taps, channels = network.layers[network.features].weights.shape
    waits = store_sums(channels, units, network.feature_bits)
    rings = _Rings.place(network, waits)
    names = ", ".join(sanitise_text(a.label) for a in model.appliances)
    shape = model.architecture
    both = {
        "title": f"{names}: a seq2point network for a reading every {model.period_s:g} s",
        "header": header_name,
        "layers": len(network.layers),
    }
    most_w = network.input_most / 2.0**network.input_shift
    about = _describe_network(model, calibration)
    header = {
        "about": "\n".join(
            f" * {line}"
            for text in about
            for line in wrap(text, LINE - 3, subsequent_indent="    ")
        ),
        "guard": f"{prefix}_{re.sub('[^A-Za-z0-9]', '_', PurePath(header_name).stem)}_h".upper(),
        "period": f"{model.period_s:g}",
        "window": shape.window,
        "target": shape.target_index,
        "delay": shape.window - 1 - shape.target_index,
        "outputs": shape.outputs,
        "fill": metadata.fill,
        "absurd": f"{ABSURD_W:.1f}",
        "appliances": _number_appliances(model, prefix),
        "ring_numbers": rings.numbers,
        "features_memory": _render_features_memory(
            taps, channels, units, network.feature_bits, waits
        ),
        "most_mains": f"{most_w:g}",
    }
    special = "pending.c" if waits else "bytes.c" if network.feature_bits == 8 else None
    tables = _render_tables(
        network,
        rings,
        waits,
        network.quantise_readings(test_mains_w),
        network.predict_steps(test_mains_w),
    )
    source = {
        "features": network.features,
        "widest": max(
            max(layer.weights.shape[0], layer.weights.shape[2]) for layer in network.layers
        ),
        "input_steps": repr(2.0**network.input_shift),
        "input_most": network.input_most,
        "absurd": f"{ABSURD_W:.1f}",
        "output_steps": f"{STEPS_PER_WATT}.0",
        "but_where": ",\n * those of the first Linear [columns][outputs][inputs]" if waits else "",
        "first_linear": load_template(special, prefix) if special else AS_ANY_LAYER,
        **tables,
    }
    header_text = Template(load_template("model.h", prefix)).substitute(both | header) + "\n"
    line = metadata.to_text(
        prefix=prefix, header_sha256=hashlib.sha256(header_text.encode()).hexdigest()
    )
    in_comment = line.replace("*", r"\u002a").replace("?", r"\u003f")
    source_text = (
        Template(load_template("model.c", prefix)).substitute(
            both | source | {"metadata": in_comment}
        )
        + "\n"
    )
    return CSource(add_digest(source_text.encode(), IN_TEXT).decode(), header_text)


def sanitise_text(text: str) -> str:
    """Return a text for a C comment or string, without anything that could end one."""
    return re.sub(r"[^A-Za-z0-9 _.,:;()+-]", "_", text)


def _describe_network(model: Model, calibration: Recording) -> list[str]:
    """Return lines on the network: its shape, scales, training and digest."""
    shape, scale = model.architecture, model.scale
    digest = hashlib.sha256()
    for name, t in model.network.state_dict().items():
        digest.update(name.encode() + t.detach().cpu().contiguous().numpy().tobytes())
    trained_on = model.provenance.get("training", {}).get("training_data", [])
    houses = (f"{d.get('house')} ({d.get('samples')} readings)" for d in trained_on)
    rank = f", rank {shape.rank}" if shape.rank else ""
    scales = (
        f"{sanitise_text(a.label)} (P - {m:g}) / {s:g}"
        for a, m, s in zip(
            model.appliances, scale.appliance_mean_w, scale.appliance_std_w, strict=True
        )
    )
    return [
        (
            f"Network: channels {shape.channels}, kernels {shape.kernels}, {shape.hidden} hidden"
            f" units{rank}."
        ),
        (
            f"Scales, inside the weights: mains (P - {scale.mains_mean_w:g}) /"
            f" {scale.mains_std_w:g}, {', '.join(scales)}."
        ),
        f"Trained on: {', '.join(map(sanitise_text, houses)) or 'not recorded'}.",
        f"Calibrated on: {sanitise_text(calibration.house)}, {calibration.days:.1f} days.",
        f"SHA-256 of the float weights: {digest.hexdigest()}.",
        f"Made by seq2point {seq2point.__version__}, Apache-2.0.",
    ]


def _number_appliances(model: Model, prefix: str) -> str:
    """Return a macro for each appliance: its place among the outputs."""
    names = [re.sub("[^A-Z0-9]", "_", a.name.upper()) for a in model.appliances]
    if len(set(names)) < len(names):
        names = [f"{name}_{i}" for i, name in enumerate(names)]
    return "\n".join(f"#define {prefix.upper()}_OUTPUT_{name} {i}" for i, name in enumerate(names))


def _render_features_memory(
    taps: int, channels: int, units: int, feature_bits: FeatureBits, waits: bool
) -> str:
    """Return the state's last line, for what is not in its rings."""
    if waits:
        return (
            f"    int32_t pending[{taps * units}]; /* sums of the first Linear, for windows that"
            " are not whole yet */\n"
        )
    if feature_bits == 8:
        return (
            f"    uint8_t features[{taps * channels}]; /* the last columns that the first Linear"
            " reads */\n"
        )
    return ""


class _Rings(NamedTuple):
    """Where each layer's ring of inputs begins in the state, and how many numbers all are."""

    begins: list[int]
    numbers: int

    @classmethod
    def place(cls, network: FixedPoint, waits: bool) -> "_Rings":
        begins, numbers = [], 0
        for i, layer in enumerate(network.layers):
            elsewhere = i == network.features and (waits or network.feature_bits == 8)
            begins.append(0 if elsewhere else numbers)
            numbers += 0 if elsewhere else layer.weights.shape[1] * layer.weights.shape[2]
        return cls(begins, numbers)


def _render_tables(
    network: FixedPoint, rings: _Rings, waits: bool, readings: Integers, predictions: Integers
) -> dict[str, Any]:
    """Return the tables' texts, sizes and checksum by their names in the template."""
    layers = network.layers
    in_order = [
        layer.weights.transpose(1, 0, 2) if waits and i == network.features else layer.weights
        for i, layer in enumerate(layers)
    ]
    weights = np.concatenate([w.ravel() for w in in_order])
    bias = np.concatenate([layer.bias for layer in layers])
    multiplier = np.concatenate([layer.multiplier for layer in layers])
    shift = np.concatenate([layer.shift for layer in layers])
    rows, weight, constant = [], 0, 0
    for layer, ring in zip(layers, rings.begins, strict=True):
        outputs, columns, inputs = layer.weights.shape
        rows.append(
            f"    {{{inputs}, {columns}, {outputs}, {ring}, {weight}, {constant}, {layer.least},"
            f" {layer.most}}},"
        )
        weight, constant = weight + layer.weights.size, constant + outputs
    packed = np.rec.fromarrays(
        [bias, multiplier, shift], dtype=[("b", "<i4"), ("m", "<i4"), ("s", "u1")]
    )
    return {
        "weight_count": len(weights),
        "constant_count": len(bias),
        "checksum": zlib.crc32(weights.tobytes() + packed.tobytes()),
        "test_readings": len(readings),
        "test_answers": len(predictions),
        "layer_table": "\n".join(rows),
        "weight_table": _render_numbers(weights),
        "bias_table": _render_numbers(bias),
        "multiplier_table": _render_numbers(multiplier),
        "shift_table": _render_numbers(shift),
        "readings_table": _render_numbers(readings.ravel()),
        "answers_table": _render_numbers(predictions.ravel()),
    }


def _render_numbers(numbers: Integers) -> str:
    return "\n".join(
        wrap(
            ", ".join(map(str, numbers.tolist())),
            LINE,
            initial_indent="    ",
            subsequent_indent="    ",
        )
    )
