"""The microcontroller target: C of two files, int8 weights, no allocation, reading by reading
(docs/guides/microcontroller.md).
"""

import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from seq2point.configuration import ExportOptions
from seq2point.configuration.export import FLASH_BYTES, PREFIX, RAM_BYTES
from seq2point.deploy import ExportResult, c_source, refuse_options
from seq2point.deploy.c_sizes import Sizes, measure_sizes
from seq2point.deploy.calibration import (
    CALIBRATED_ON,
    Flags,
    find_windows,
    split_recordings,
    spread_evenly,
)
from seq2point.deploy.fixed_point import FeatureBits, FixedPoint, measure_ranges, quantise
from seq2point.deploy.proof import make_metadata, prove, warn_of_pruning
from seq2point.errors import Seq2PointError, UsageError
from seq2point.model.model_file import Model
from seq2point.network import Architecture
from seq2point.recording import Recording, Watts
from seq2point.recording.windows import find_gapless_spans
from seq2point.system.atomic_files import atomic_write
from seq2point.system.c_compiler import find_compiler

WIDTHS: tuple[FeatureBits, ...] = (8, 16)
RANGE_WINDOWS = (10_000, 10_000)
"""Windows to measure ranges on: with an appliance on, and evenly over all."""
TEST_ANSWERS = 8
"""Predictions of the self-test."""
BUSIEST = 20_000
"""Samples of the busiest part of the calibration, on which the widths of features are compared."""
MOST_WINDOW = (1 << 16) - 1
CODE_BYTES = 2 << 10
HELD_BYTES = 8
"""The last reading, and how many are missing since."""
STACK_BYTES = 256


class DeviceCost(NamedTuple):
    """Bytes of flash, bytes of RAM with the stack, multiply-adds a reading.

    They are counted from the shape, before any compiler.
    """

    flash_bytes: int
    ram_bytes: int
    multiply_adds: int


@dataclass(frozen=True)
class CExport:
    """A model as a source and a header, its network in whole numbers, and its counted cost.

    `differences_w` are mean distances from the float model in watts while an appliance is on, by
    the features' width in bits.
    """

    pair: c_source.CSource
    network: FixedPoint
    cost: DeviceCost
    differences_w: dict[FeatureBits, float]

    def write(self, source: Path, header: Path) -> None:
        """Write the two texts."""
        source.write_text(self.pair.source)
        header.write_text(self.pair.header)

    def report(self) -> dict[str, Any]:
        """Return the cost and the arithmetic as JSON."""
        return {
            **self.cost._asdict(),
            "feature_bits": self.network.feature_bits,
            "difference_on_w": {
                str(bits): difference_w for bits, difference_w in self.differences_w.items()
            },
        }


def export(model: Model, out: Path, options: ExportOptions) -> ExportResult:
    """Write a model as `out`.c and `out`.h, or model.c and model.h in a folder, once it is proved.

    It is proved on recordings that did not calibrate it. Raises UsageError for options that do not
    fit, for a prefix or a file name that C cannot have, and for too little flash or RAM. Raises
    DataError for recordings that do not fit, and Seq2PointError without a C compiler to prove it
    with. Raises VerificationError where the C is worse than the limits allow, unless
    `options.force`. Then nothing is written.
    """
    refuse_options(options, "microcontroller", "sliding")
    source, header = name_paths(out)
    flash_bytes = options.flash_bytes or FLASH_BYTES
    ram_bytes = options.ram_bytes or RAM_BYTES
    prefix = options.prefix or PREFIX
    _count_fitting_costs(model.architecture, flash_bytes, ram_bytes)
    if find_compiler() is None:
        raise Seq2PointError(
            "there is no C compiler to prove the C with before it is written; install gcc or clang"
        )
    calibration, recordings, simulated = split_recordings(model, options, int8=True)
    assert calibration is not None
    warn_of_pruning(model)
    with atomic_write(header) as h, atomic_write(source) as c, TemporaryDirectory() as folder:
        h.touch()
        c.touch()
        made = build_c_export(
            model, calibration, header.name, flash_bytes, ram_bytes, prefix, simulated.calibration
        )
        tried = Path(folder) / source.name
        made.write(tried, tried.with_suffix(".h"))
        found = prove(tried, source, model, recordings, options)
        sizes = measure_sizes(tried.with_suffix(".h"), prefix)
        made.write(c, h)
    report = {
        "verification": found.as_json(),
        "simulated": simulated._asdict(),
        **made.report(),
        "sizes": _as_json(sizes),
    }
    return ExportResult({"source": source, "header": header}, report)


def build_c_export(
    model: Model,
    calibration: Recording,
    header_name: str,
    flash_bytes: int = FLASH_BYTES,
    ram_bytes: int = RAM_BYTES,
    prefix: str = PREFIX,
    simulated: bool = False,
) -> CExport:
    """Return a model in whole numbers and in C.

    The ranges of activations are the extremes over `calibration`, a recording in which the
    appliance is on. The inputs of the first Linear are 8 or 16 bits wide. Of the widths that
    `ram_bytes` allow, the one nearest to the float model while the appliance is on is taken.
    `prefix` replaces 's2p' in the C names, so that one program can hold several models. `simulated`
    says whether `calibration` is of simulated homes.
    Raises UsageError for a prefix that C cannot have, and for too little flash or RAM. Raises
    DataError for a calibration without an on-state.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", prefix):
        raise UsageError(
            f"prefix '{prefix}' does not fit: C names begin with a small letter; small letters,"
            " digits and _ follow"
        )
    costs = _count_fitting_costs(model.architecture, flash_bytes, ram_bytes)
    starts, on_by_appliance = find_windows(calibration, model, CALIBRATED_ON)
    any_on = np.logical_or.reduce(on_by_appliance)
    chosen = np.unique(
        np.concatenate(
            [
                spread_evenly(starts[any_on], RANGE_WINDOWS[0]),
                spread_evenly(starts, RANGE_WINDOWS[1]),
            ]
        )
    )
    ranges = measure_ranges(model, calibration, chosen)
    networks = {bits: quantise(model, ranges, bits) for bits in costs}
    on = np.zeros(len(calibration), dtype=bool)
    on[starts[any_on] + model.architecture.target_index] = True
    first, end = _find_busiest(on, model.window)
    busy, on = calibration.slice(first, end), on[first:end]
    predictions_w = {bits: network.predict_w(busy) for bits, network in networks.items()}
    float_w = model.predict_w(busy)
    differences_w = {
        bits: float(np.nanmean(np.abs(power_w - float_w)[on]))
        for bits, power_w in predictions_w.items()
    }
    bits = min(costs, key=lambda bits: differences_w[bits])
    metadata = make_metadata(
        model,
        sliding=True,
        quantization={
            "layers_in_float": [],
            "calibration": {"windows": len(chosen), "days": round(calibration.days, 2)},
        },
        simulated=simulated,
    )
    stretch = _choose_test_stretch(busy, predictions_w[bits], networks[bits])
    pair = c_source.render_source(
        model, networks[bits], metadata, calibration, stretch, header_name, prefix
    )
    return CExport(pair, networks[bits], costs[bits], differences_w)


def count_cost(shape: Architecture, feature_bits: FeatureBits) -> DeviceCost:
    """Count an architecture's cost on a microcontroller, which computes each column once."""
    layers, first_linear = shape.layers(), shape.first_linear
    weights = sum(layer.weights for layer in layers)
    constants = sum(layer.outputs for layer in layers)
    test = 2 * (shape.window + TEST_ANSWERS - 1) + 4 * TEST_ANSWERS * shape.outputs
    flash = weights + 9 * constants + 28 * len(layers) + test + CODE_BYTES
    rings = sum(2 * layer.inputs * layer.taps for layer in layers if layer != first_linear)
    channels, units = first_linear.inputs, first_linear.outputs
    waiting = (
        4 * units
        if c_source.store_sums(channels, units, feature_bits)
        else channels * feature_bits // 8
    )
    widest = max(max(layer.inputs, layer.outputs) for layer in layers)
    ram = (
        4 * len(layers)
        + HELD_BYTES
        + rings
        + first_linear.taps * waiting
        + 6 * widest
        + STACK_BYTES
    )
    return DeviceCost(flash, ram, weights)


def _count_fitting_costs(
    shape: Architecture, flash_bytes: int, ram_bytes: int
) -> dict[FeatureBits, DeviceCost]:
    """Return the costs by feature width, for the widths that fit; raise UsageError if none does."""
    if shape.window > MOST_WINDOW:
        raise UsageError(
            f"window {shape.window:,} is too long for a microcontroller: it can have"
            f" {MOST_WINDOW:,} readings at most"
        )
    costs = {bits: count_cost(shape, bits) for bits in WIDTHS}
    least = costs[8]
    if least.flash_bytes > flash_bytes:
        raise UsageError(
            f"the model needs {_format_kb(least.flash_bytes)} of flash, {_format_kb(flash_bytes)}"
            " are there: prune hidden units and channels and compact it, or raise `flash_bytes`"
        )
    fitting = {bits: cost for bits, cost in costs.items() if cost.ram_bytes <= ram_bytes}
    if not fitting:
        raise UsageError(
            f"the model needs {_format_kb(least.ram_bytes)} of RAM, {_format_kb(ram_bytes)} are"
            " there: prune channels of the last convolution and compact it, or raise `ram_bytes`"
        )
    return fitting


def _format_kb(count: int) -> str:
    return f"{count / 1024:,.1f} KB"


def name_paths(path: Path) -> tuple[Path, Path]:
    """Return the .c and the .h of an output; raises UsageError for a name that C cannot have."""
    path = path / "model" if path.is_dir() else path
    stem = path.stem if path.suffix in (".c", ".h") else path.name
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", stem):
        raise UsageError(
            f"{path}: the name of a C file has letters, digits, '_', '-' and '.', for example"
            " out/kettle"
        )
    return path.with_name(f"{stem}.c"), path.with_name(f"{stem}.h")


def _find_busiest(on: Flags, window: int) -> tuple[int, int]:
    """Return the span of at most BUSIEST targets, with their windows, of the most on-states."""
    before = np.concatenate(([0], np.cumsum(on)))
    first = int(np.argmax(before[BUSIEST:] - before[:-BUSIEST])) if len(on) > BUSIEST else 0
    return max(first - window, 0), min(first + BUSIEST + window, len(on))


def _choose_test_stretch(recording: Recording, power_w: Watts, network: FixedPoint) -> Watts:
    """Return readings for the self-test: the window of the highest prediction, and some more.

    They end before the next gap.
    """
    start = int(np.nanargmax(power_w.sum(axis=1))) - network.target_index
    end = next(end for first, end in find_gapless_spans(recording) if first <= start < end)
    return recording.filled_mains_w[start : min(start + network.window + TEST_ANSWERS - 1, end)]


def _as_json(sizes: dict[str, Sizes | str]) -> dict[str, Any]:
    return {name: size if isinstance(size, str) else size._asdict() for name, size in sizes.items()}
