"""A model as C for a microcontroller: two files, int8 weights, no allocation, one reading at a time (docs/microcontroller.md)."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2point.deploy import c_source
from seq2point.deploy.c_sizes import Sizes, measured
from seq2point.deploy.fixed_point import FeatureBits, FixedPoint, chosen_windows, quantised, ranges
from seq2point.errors import DataError, UsageError
from seq2point.evaluation import check
from seq2point.files import written_whole
from seq2point.metrics import on_state
from seq2point.model_file import Model
from seq2point.network import Architecture
from seq2point.recording import Recording, Watts
from seq2point.windows import gapless_spans, window_runs

FLASH_BYTES, RAM_BYTES = 256 << 10, 64 << 10
WIDTHS: tuple[FeatureBits, ...] = (8, 16)
TEST_ANSWERS = 8
BUSIEST = 20_000
MOST_WINDOW = (1 << 16) - 1
CODE_BYTES = 2 << 10
STACK_BYTES = 256


class Cost(NamedTuple):
    """Bytes of flash, bytes of RAM with the stack, multiply-adds for a reading: counted from the shape, before any compiler."""

    flash_bytes: int
    ram_bytes: int
    multiply_adds: int


@dataclass(frozen=True)
class Written:
    """The two files, the network in whole numbers that they hold, what it costs as counted and as compiled.

    `differences_w` are mean distances from the float model in watts while an appliance is on, by the features' width in bits.
    """

    source: Path
    header: Path
    network: FixedPoint
    cost: Cost
    sizes: dict[str, Sizes | str]
    differences_w: dict[FeatureBits, float]

    def report(self) -> dict[str, Any]:
        """All of it as JSON."""
        sizes = {name: size if isinstance(size, str) else size._asdict() for name, size in self.sizes.items()}
        return {
            "files": {"source": str(self.source), "header": str(self.header)},
            **self.cost._asdict(),
            "feature_bits": self.network.feature_bits,
            "difference_on_w": {str(bits): difference_w for bits, difference_w in self.differences_w.items()},
            "sizes": sizes,
        }

    def rows(self) -> list[list[str]]:
        """The same as a table: a heading, then what it costs and what compilers make of it."""
        rows = [
            ["", "bytes"],
            ["flash, as counted", f"{self.cost.flash_bytes:,}"],
            ["RAM with the stack, as counted", f"{self.cost.ram_bytes:,}"],
        ]
        for name, size in self.sizes.items():
            said = size if isinstance(size, str) else f"text {size.text:,}  data {size.data:,}  bss {size.bss:,}"
            rows.append([name, said])
        return rows

    def notes(self) -> list[str]:
        """What there is to say about the arithmetic."""
        tried = ", ".join(f"{difference_w:.3g} W in {bits} bits" for bits, difference_w in self.differences_w.items())
        return [
            f"{self.cost.multiply_adds:,} multiply-adds a reading; features in {self.network.feature_bits} bits",
            f"mean distance from the float model while on, where the calibration is busiest: {tried}",
        ]


def write(
    model: Model,
    path: str | Path,
    calibration: Recording | None = None,
    *,
    flash_bytes: int = FLASH_BYTES,
    ram_bytes: int = RAM_BYTES,
    prefix: str = "s2p",
) -> Written:
    """Write a model as `path`.c and `path`.h (model.c and model.h in a folder).

    The ranges of activations are the true extremes over `calibration`, a recording in which the appliance is on. The features
    that the first Linear reads get the width, among those that `ram_bytes` allow, that comes nearest to the float model while
    the appliance is on. `prefix` replaces 's2p' in the C names, so that one program can hold several models.
    Raises UsageError without a calibration, for a prefix or a file name that C cannot have, and where flash or RAM do not
    suffice; DataError for a calibration of another period, or without an on-state.
    """
    source, header = _paths(Path(path))
    if not re.fullmatch(r"[a-z][a-z0-9_]*", prefix):
        raise UsageError(f"prefix '{prefix}': C names begin with a small letter; small letters, digits and _ follow")
    costs = _that_fit(model.architecture, flash_bytes, ram_bytes)
    if calibration is None:
        names = " and the ".join(a.label for a in model.appliances)
        raise UsageError(f"a microcontroller's whole numbers need --calibrate FILE: a recording in which the {names} is on")
    on = _on(model, calibration)
    starts = chosen_windows(calibration, model, on)
    found = ranges(model, calibration, starts)
    networks = {bits: quantised(model, found, bits) for bits in costs}
    busy = _busiest(calibration, on, model.architecture.window)
    answers_w = {bits: network.predict_w(calibration.slice(*busy)) for bits, network in networks.items()}
    float_w, on = model.predict_w(calibration.slice(*busy)), on[slice(*busy)]
    differences_w = {bits: float(np.nanmean(np.abs(answer_w - float_w)[on])) for bits, answer_w in answers_w.items()}
    bits = min(costs, key=lambda bits: differences_w[bits])
    stretch = _test_stretch(calibration.slice(*busy), answers_w[bits], networks[bits])
    pair = c_source.pair(model, networks[bits], calibration, stretch, header.name, prefix)
    with written_whole(header) as h, written_whole(source) as c:
        h.write_text(pair.header)
        c.write_text(pair.source)
    return Written(source, header, networks[bits], costs[bits], measured(header, prefix), differences_w)


def cost(shape: Architecture, feature_bits: FeatureBits) -> Cost:
    """What an architecture costs on a microcontroller, each convolution column computed once."""
    layers = _layers(shape)
    features = len(shape.channels)
    weights = sum(inputs * columns * outputs for inputs, columns, outputs in layers)
    constants = sum(outputs for _, _, outputs in layers)
    test = 2 * (shape.window + TEST_ANSWERS - 1) + 4 * TEST_ANSWERS * shape.outputs
    flash = weights + 9 * constants + 28 * len(layers) + test + CODE_BYTES
    rings = sum(2 * inputs * columns for i, (inputs, columns, _) in enumerate(layers) if i != features)
    channels, taps, units = layers[features]
    waiting = 4 * units if c_source.sums_wait(channels, units, feature_bits) else channels * feature_bits // 8
    widest = max(max(inputs, outputs) for inputs, _, outputs in layers)
    ram = 4 * len(layers) + rings + taps * waiting + 6 * widest + STACK_BYTES
    return Cost(flash, ram, weights)


def _layers(shape: Architecture) -> list[tuple[int, int, int]]:
    """Inputs, columns and outputs of every layer."""
    convolutions = list(zip((1, *shape.channels[:-1]), shape.kernels, shape.channels, strict=True))
    first = [(shape.channels[-1], shape.taps, shape.rank or shape.hidden)]
    second = [(shape.rank, 1, shape.hidden)] if shape.rank else []
    return [*convolutions, *first, *second, (shape.hidden, 1, shape.outputs)]


def _that_fit(shape: Architecture, flash_bytes: int, ram_bytes: int) -> dict[FeatureBits, Cost]:
    """The costs by feature width where they fit."""
    if shape.window > MOST_WINDOW:
        raise UsageError(f"a window of {shape.window:,} readings is too long for a microcontroller: {MOST_WINDOW:,} at most")
    costs = {bits: cost(shape, bits) for bits in WIDTHS}
    least = costs[8]
    if least.flash_bytes > flash_bytes:
        raise UsageError(
            f"the model needs {_kb(least.flash_bytes)} of flash, {_kb(flash_bytes)} are there: prune hidden units and channels "
            "and compact it, or give more with --flash"
        )
    fitting = {bits: it for bits, it in costs.items() if it.ram_bytes <= ram_bytes}
    if not fitting:
        raise UsageError(
            f"the model needs {_kb(least.ram_bytes)} of RAM, {_kb(ram_bytes)} are there: prune channels of the last convolution "
            "and compact it, or give more with --ram"
        )
    return fitting


def _kb(count: int) -> str:
    return f"{count / 1024:,.1f} KB"


def _paths(path: Path) -> tuple[Path, Path]:
    path = path / "model" if path.is_dir() else path
    stem = path.stem if path.suffix in (".c", ".h") else path.name
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", stem):
        raise UsageError(f"{path}: letters, digits, '_', '-' and '.' make the name of a C file; write out/kettle")
    return path.with_name(f"{stem}.c"), path.with_name(f"{stem}.h")


def _on(model: Model, recording: Recording) -> npt.NDArray[np.bool_]:
    """Whether any of the appliances is on in a window's target, bool[T]; DataError for one that never is."""
    check([recording], model.period_s, model.appliances)
    shape = model.architecture
    answered = np.zeros(len(recording), dtype=bool)
    runs = window_runs(recording, shape.window)
    answered[runs.starts(np.arange(runs.total)) + shape.target_index] = True
    on = np.zeros(len(recording), dtype=bool)
    for appliance in model.appliances:
        power_w = recording.appliance_w(appliance.name)
        states = [on_state(power_w[first:end], appliance, recording.period_s) for first, end in recording.pieces()]
        its = np.concatenate(states) & answered
        if not its.any():
            raise DataError(
                f"house {recording.house}: the {appliance.label} is never on in a full window of {shape.window} readings; "
                f"calibrate with a recording in which it takes more than {appliance.on_power_w:g} W"
            )
        on |= its
    return on


def _busiest(recording: Recording, on: npt.NDArray[np.bool_], window: int) -> tuple[int, int]:
    """The span of at most 20,000 targets, with the windows around them, in which an appliance is on for longest."""
    before = np.concatenate(([0], np.cumsum(on)))
    first = int(np.argmax(before[BUSIEST:] - before[:-BUSIEST])) if len(on) > BUSIEST else 0
    return max(first - window, 0), min(first + BUSIEST + window, len(on))


def _test_stretch(recording: Recording, power_w: Watts, network: FixedPoint) -> Watts:
    """Readings for the self-test: the window that is answered with the most power, and a few more up to the next gap."""
    start = int(np.nanargmax(power_w.sum(axis=1))) - network.target_index
    end = next(end for first, end in gapless_spans(recording) if first <= start < end)
    return recording.mains_w[start : min(start + network.window + TEST_ANSWERS - 1, end)]
