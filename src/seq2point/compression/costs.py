"""What models cost, side by side: weights, multiply-adds, bytes, milliseconds, and what they reach
for it.

Times are medians of runs in which the models take turns, since machines are noisy: they compare the
models of one table, on the machine and the threads that measured them, and nothing else.
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

ZEROS = (
    "Zeros alone make nothing faster: time is saved only by what is no longer there. They shrink"
    " the gzipped file; their masks add to the file itself."
)
BATCHES = (1, 256)
SERIES = 16_384
LEAST_S = 0.01
TURNS, MOST_TURNS = 5, 25
TURNS_S = 0.5
ACCURACY = ("mae_w", "on_mae_w", "sae", "f1")
"""The metrics that are kept for every stage."""


def measure_costs(
    models: Mapping[str, Model],
    accuracy: Mapping[str, Mapping[str, Metrics]] | None = None,
    notes: Sequence[str] = (),
    tested_on: Sequence[str] = (),
) -> dict[str, Any]:
    """The costs of some models under their labels, as JSON; report/costs.py makes tables of it.

    `accuracy` has an entry for every stage that was measured ('before pruning', 'after pruning',
    'after fine-tuning'): the metrics by appliance, as an Evaluation has them; `name_houses` are the
    houses that it was measured in. `notes` are sentences that belong under the table. Times are
    taken where the networks lie, with torch's number of threads.
    """
    times = [measure_latencies_ms(models, batch) for batch in BATCHES]
    with _evaluation_mode(models):
        rates = _sliding_rates(models)
    found: dict[str, Any] = {}
    for name, model in models.items():
        by_batch = {str(batch): of[name] for batch, of in zip(BATCHES, times, strict=True)}
        found[name] = count_sizes(model) | {
            "latency_ms": by_batch,
            "sliding_samples_per_s": rates[name],
        }
    pruned = any(masks.measure_sparsity(model.network, model.masks) for model in models.values())
    stages = {
        stage: _select_metrics(by_appliance) for stage, by_appliance in (accuracy or {}).items()
    }
    return {
        "models": found,
        "accuracy": stages,
        "tested_on": list(tested_on),
        "threads": torch.get_num_threads(),
        "notes": [*([ZEROS] if pruned else []), *notes],
    }


@contextmanager
def _evaluation_mode(models: Mapping[str, Model]) -> Iterator[None]:
    """The networks in evaluation mode, and afterwards as they were."""
    modes = {name: model.network.training for name, model in models.items()}
    for model in models.values():
        model.network.eval()
    try:
        yield
    finally:
        for name, model in models.items():
            model.network.train(modes[name])


def _select_metrics(by_appliance: Mapping[str, Metrics]) -> dict[str, Any]:
    """The four metrics of the table; by appliance only where there are several."""
    chosen = {
        name: {metric: metrics[metric] for metric in ACCURACY}
        for name, metrics in by_appliance.items()
    }
    return dict(chosen) if len(chosen) > 1 else next(iter(chosen.values()))


def count_sizes(model: Model) -> dict[str, Any]:
    """Weights, work and bytes: what needs no clock."""
    file_bytes, gzipped_bytes = _file_sizes(model)
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


def _file_sizes(model: Model) -> tuple[int, int]:
    """Bytes of the model's file, masks and all, as it is and through gzip."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        model.save(path)
        return path.stat().st_size, count_gzipped_bytes(path)


def count_gzipped_bytes(path: Path) -> int:
    """Bytes of a file through gzip."""
    packer, packed = zlib.compressobj(wbits=31), 0
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            packed += len(packer.compress(piece))
    return packed + len(packer.flush())


def measure_latencies_ms(models: Mapping[str, Model], batch: int = 1) -> dict[str, float]:
    """Milliseconds that a batch of windows takes each network, the networks in turns."""

    def work(model: Model) -> Callable[[], Tensor]:
        windows = _ramp(model, batch * model.architecture.window).view(batch, -1)
        return lambda: model.network(windows).cpu()

    with _evaluation_mode(models):
        return {
            name: 1e3 * s
            for name, s in measure_medians_s(
                {name: work(model) for name, model in models.items()}
            ).items()
        }


def _sliding_rates(models: Mapping[str, Model]) -> dict[str, float]:
    """Samples a second when a series is answered all at once."""

    def work(model: Model) -> Callable[[], Tensor]:
        series = _ramp(model, SERIES + model.architecture.window - 1)
        return lambda: sliding.predict(model.network, series).cpu()

    return {
        name: SERIES / s
        for name, s in measure_medians_s(
            {name: work(model) for name, model in models.items()}
        ).items()
    }


def _ramp(model: Model, length: int) -> Tensor:
    weight = next(model.network.parameters())
    return torch.linspace(-1, 3, length, dtype=weight.dtype, device=weight.device)


@torch.inference_mode()
def measure_medians_s(works: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Median seconds of each work, in turns; quick ones are repeated until the clock can tell, and
    get more turns.
    """
    repeats, turn_s = {}, 0.0
    for name, work in works.items():
        work()
        once_s = _seconds(work, 1)
        repeats[name] = min(max(int(LEAST_S / once_s), 1), 1000)
        turn_s += once_s * repeats[name]
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(min(max(int(TURNS_S / max(turn_s, 1e-6)), TURNS), MOST_TURNS)):
        for name, work in works.items():
            times[name].append(_seconds(work, repeats[name]))
    return {name: median(of) for name, of in times.items()}


def _seconds(work: Callable[[], object], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - began) / times
