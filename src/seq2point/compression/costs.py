"""The costs of models, side by side: weights, multiply-adds, bytes and milliseconds.

Times are medians of runs in which the models take turns, since machines are noisy. They compare the
models of one table only, on the machine and the threads that measured them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from seq2point.compression.medians import count_gzipped_bytes, measure_medians_s
from seq2point.metrics import Metrics
from seq2point.model.model_file import Model
from seq2point.network import masks, sliding

ZEROS = (
    "Zeros alone make nothing faster: only weights that are removed save time. They shrink the"
    " gzipped file; their masks add to the file itself."
)
BATCHES = (1, 256)
SERIES = 16_384
"""Windows of the series whose sliding evaluation is timed."""
ACCURACY = ("mae_w", "on_mae_w", "sae", "f1")
"""The metrics that are kept for every stage."""


def measure_costs(
    models: Mapping[str, Model],
    accuracy: Mapping[str, Mapping[str, Metrics]] | None = None,
    notes: Sequence[str] = (),
    tested_on: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the costs of models by their labels, as JSON; report/costs.py makes tables of it.

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
    """Let the networks predict alone, and afterwards bring back the mode they were in."""
    modes = {name: model.network.training for name, model in models.items()}
    for model in models.values():
        model.network.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for name, model in models.items():
            model.network.train(modes[name])


def _select_metrics(by_appliance: Mapping[str, Metrics]) -> dict[str, Any]:
    """Return the metrics of the table; by appliance only where there are several."""
    chosen = {
        name: {metric: metrics[metric] for metric in ACCURACY}
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
