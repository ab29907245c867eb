"""The costs of models, side by side: weights, multiply-adds, bytes and milliseconds.

Times are medians of runs in which the models take turns, since machines are noisy. They compare the
models of one table only, on the machine and the threads that measured them.
"""

import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from seq2point.metrics import Metrics
from seq2point.model.model_file import Model
from seq2point.network import masks, sliding
from seq2point.wording import format_number

ZEROS = (
    "Zeros alone make nothing faster: only weights that are removed save time. They shrink the"
    " gzipped file; their masks add to the file itself."
)
BATCHES = (1, 256)
SERIES = 16_384
"""Windows of the series whose sliding evaluation is timed."""
LEAST_S = 0.01
"""Seconds that a timed run takes at least, so that the clock can tell."""
TURNS, MOST_TURNS = 5, 25
TURNS_S = 0.5
"""Seconds of all turns together, between TURNS and MOST_TURNS of them."""
METRICS = ("mae_w", "on_mae_w", "sae", "f1")


def measure_costs(
    models: Mapping[str, Model],
    accuracy: Mapping[str, Mapping[str, Metrics]] | None = None,
    notes: Sequence[str] = (),
    tested_on: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the costs of models by their labels, as JSON.

    `accuracy` has the metrics by appliance of every stage that was measured: 'before pruning',
    'after pruning', 'after fine-tuning'. `tested_on` are the houses that it was measured on.
    `notes` are sentences for under the table. Times are measured on the networks' device, with
    torch's number of threads.
    """
    times = [measure_latencies_ms(models, batch) for batch in BATCHES]
    with _evaluation_mode(models):
        rates = _measure_sliding_rates(models)
    costs: dict[str, Any] = {}
    for name, model in models.items():
        by_batch = {
            str(batch): by_name[name] for batch, by_name in zip(BATCHES, times, strict=True)
        }
        costs[name] = count_sizes(model) | {
            "latency_ms": by_batch,
            "sliding_samples_per_s": rates[name],
        }
    pruned = any(masks.measure_sparsity(model.network, model.masks) for model in models.values())
    stages = {
        stage: _select_metrics(by_appliance) for stage, by_appliance in (accuracy or {}).items()
    }
    return {
        "models": costs,
        "accuracy": stages,
        "tested_on": list(tested_on),
        "threads": torch.get_num_threads(),
        "notes": [*([ZEROS] if pruned else []), *notes],
    }


@contextmanager
def _evaluation_mode(models: Mapping[str, Model]) -> Iterator[None]:
    """Set the networks to evaluation mode, and afterwards back to the mode they were in."""
    modes = {name: model.network.training for name, model in models.items()}
    for model in models.values():
        model.network.eval()
    try:
        yield
    finally:
        for name, model in models.items():
            model.network.train(modes[name])


def _select_metrics(by_appliance: Mapping[str, Metrics]) -> dict[str, Any]:
    """Return the metrics of the table; by appliance only where there are several."""
    chosen = {
        name: {metric: metrics[metric] for metric in METRICS}
        for name, metrics in by_appliance.items()
    }
    return dict(chosen) if len(chosen) > 1 else next(iter(chosen.values()))


def count_sizes(model: Model) -> dict[str, Any]:
    """Return the numbers of weights, multiply-adds and bytes of a model, as JSON."""
    file_bytes, gzipped_bytes = _measure_file_sizes(model)
    nonzero = sum(int(torch.count_nonzero(p)) for p in model.network.parameters())
    return {
        "architecture": model.architecture.model_dump(mode="json"),
        "layers": [row._asdict() for row in masks.count_weights(model.network, model.masks)],
        "parameters": model.architecture.parameters,
        "nonzero_parameters": nonzero,
        "multiply_adds": model.architecture.multiply_adds,
        "file_bytes": file_bytes,
        "gzipped_bytes": gzipped_bytes,
    }


def _measure_file_sizes(model: Model) -> tuple[int, int]:
    """Return the bytes of the model's file with its masks, plain and gzipped."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        model.save(path)
        return path.stat().st_size, count_gzipped_bytes(path)


def count_gzipped_bytes(path: Path) -> int:
    """Return the bytes of a file through gzip."""
    packer, packed = zlib.compressobj(wbits=31), 0
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            packed += len(packer.compress(piece))
    return packed + len(packer.flush())


def measure_latencies_ms(models: Mapping[str, Model], batch: int = 1) -> dict[str, float]:
    """Return the milliseconds that a batch of windows takes each network, measured in turns."""

    def make_work(model: Model) -> Callable[[], Tensor]:
        windows = _make_ramp(model, batch * model.architecture.window).view(batch, -1)
        return lambda: model.network(windows).cpu()

    with _evaluation_mode(models):
        medians_s = measure_medians_s({name: make_work(model) for name, model in models.items()})
        return {name: 1e3 * median_s for name, median_s in medians_s.items()}


def _measure_sliding_rates(models: Mapping[str, Model]) -> dict[str, float]:
    """Return the samples per second of sliding evaluation of a series."""

    def make_work(model: Model) -> Callable[[], Tensor]:
        series = _make_ramp(model, SERIES + model.architecture.window - 1)
        return lambda: sliding.predict(model.network, series).cpu()

    medians_s = measure_medians_s({name: make_work(model) for name, model in models.items()})
    return {name: SERIES / median_s for name, median_s in medians_s.items()}


def _make_ramp(model: Model, length: int) -> Tensor:
    weight = next(model.network.parameters())
    return torch.linspace(-1, 3, length, dtype=weight.dtype, device=weight.device)


@torch.inference_mode()
def measure_medians_s(works: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Return the median seconds of each work, measured in turns.

    A fast work is repeated within its turn, until the clock can tell.
    """
    repeats, turn_s = {}, 0.0
    for name, work in works.items():
        work()
        once_s = _measure_s(work, 1)
        repeats[name] = min(max(int(LEAST_S / once_s), 1), 1000)
        turn_s += once_s * repeats[name]
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(min(max(int(TURNS_S / max(turn_s, 1e-6)), TURNS), MOST_TURNS)):
        for name, work in works.items():
            times[name].append(_measure_s(work, repeats[name]))
    return {name: median(seconds) for name, seconds in times.items()}


def _measure_s(work: Callable[[], object], times: int) -> float:
    start_s = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - start_s) / times


def make_cost_rows(costs: Mapping[str, Any]) -> list[list[str]]:
    """The table in words: a heading with the models' labels, then a row for each cost.

    Beside a cost stands how many times better it is than the first model's.
    """
    models = list(costs["models"].values())
    return [["", *costs["models"]], *_shape_rows(models), *_layer_rows(models), *_cost_rows(models)]


def make_total_rows(costs: Mapping[str, Any]) -> list[list[str]]:
    """As `rows`, without the layers: what the whole models take."""
    return [["", *costs["models"]], *_cost_rows(list(costs["models"].values()))]


def make_accuracy_rows(costs: Mapping[str, Any]) -> list[list[str]]:
    """What was reached at every stage, in words: a heading, which names the houses, and a row for
    each stage and appliance.
    """
    houses = f"on {', '.join(costs['tested_on'])}" if costs.get("tested_on") else ""
    lines = [[houses, "MAE", "MAE while on", "SAE", "F1"]]
    for stage, found in costs["accuracy"].items():
        by_appliance = {"": found} if METRICS[0] in found else found
        for name, metrics in by_appliance.items():
            styles = {metric: ",.1f" if metric.endswith("_w") else ".3f" for metric in METRICS}
            cells = [
                "-" if metrics[metric] is None else format(metrics[metric], styles[metric])
                for metric in METRICS
            ]
            cells[:2] = [cell if cell == "-" else f"{cell} W" for cell in cells[:2]]
            lines.append([", ".join(filter(None, (stage, name))), *cells])
    return lines


def _shape_rows(models: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    shapes = [model["architecture"] for model in models]
    ranked = any(shape.get("rank") for shape in shapes)
    return [
        [
            "window, sample predicted",
            *(f"{shape['window']}, {shape['target_index']}" for shape in shapes),
        ],
        ["channels", *(" ".join(map(str, shape["channels"])) for shape in shapes)],
        ["kernels", *(" ".join(map(str, shape["kernels"])) for shape in shapes)],
        ["hidden units", *(f"{shape['hidden']:,}" for shape in shapes)],
        *([["rank", *(str(shape.get("rank") or "full") for shape in shapes)]] if ranked else []),
    ]


def _layer_rows(models: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Weights kept of those that are there, and how many are exactly zero."""
    layers = [{layer["name"]: layer for layer in model["layers"]} for model in models]
    names = dict.fromkeys(name for model in sorted(layers, key=len, reverse=True) for name in model)

    def cell(layer: Mapping[str, Any] | None) -> str:
        if layer is None:
            return "-"
        kept = (
            f"{layer['kept']:,}"
            if layer["kept"] == layer["total"]
            else f"{layer['kept']:,} of {layer['total']:,}"
        )
        return f"{kept} ({layer['zeros']:,} zero)" if layer["zeros"] else kept

    return [[name, *(cell(model.get(name)) for model in layers)] for name in names]


def _cost_rows(models: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    def row(
        name: str,
        values: Sequence[float],
        show: Callable[[float], str],
        more_is_better: bool = False,
    ) -> list[str]:
        cells, first = [name], values[0]
        for i, value in enumerate(values):
            cell = show(value)
            if i:
                cell += f" ({format_number(value / first if more_is_better else first / value)}x)"
            cells.append(cell)
        return cells

    def whole(value: float) -> str:
        return f"{value:,.0f}"

    def milliseconds(value: float) -> str:
        return f"{format_number(value)} ms"

    return [
        row("parameters", [m["parameters"] for m in models], whole),
        row("not zero", [m["nonzero_parameters"] for m in models], whole),
        row("multiply-adds a window", [m["multiply_adds"] for m in models], whole),
        row("file, bytes", [m["file_bytes"] for m in models], whole),
        row("gzipped, bytes", [m["gzipped_bytes"] for m in models], whole),
        *(
            row(f"latency, batch {b}", [m["latency_ms"][str(b)] for m in models], milliseconds)
            for b in BATCHES
        ),
        row(
            "sliding, samples/s",
            [m["sliding_samples_per_s"] for m in models],
            whole,
            more_is_better=True,
        ),
    ]
