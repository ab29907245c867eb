"""Compare an exported model with the native one: predictions, scores on recordings, and costs."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from seq2point import runtime
from seq2point.appliances import Appliance
from seq2point.compression.medians import count_gzipped_bytes, measure_medians_s
from seq2point.configuration import Tolerances
from seq2point.data.frame import to_recordings
from seq2point.deploy.c_program import CProgram, open_source
from seq2point.deploy.process_memory import measure_peak_mb
from seq2point.errors import DataError, ModelFileError, UsageError
from seq2point.metrics import METRICS, Metrics, score
from seq2point.model.evaluation import check_recordings, find_scored_stretches
from seq2point.recording import Recording, RecordingsLike, Watts
from seq2point.runtime import ExportMetadata, Runtime
from seq2point.runtime.native import NativeRuntime
from seq2point.runtime.native_file import TESTED
from seq2point.system.hardware import count_threads
from seq2point.wording import format_number

if TYPE_CHECKING:
    from seq2point.model.model_file import Model

DEFAULT_LIMITS = Tolerances()
RANDOM_WINDOWS = 1024
"""Windows of random mains."""
SIDES = ("native", "exported")
REDUCTIONS = ("compaction", "factorisation", "exported_with", *TESTED)
"""Entries of a provenance that change without training."""


@dataclass(frozen=True)
class Verification:
    """The result of a comparison of an exported model with the native one.

    `largest_w` is the largest difference, `highest_w` the highest prediction, both in watts, and
    `relative` their ratio. `metrics` are by side ('native', 'exported') and appliance. They and
    `costs` are empty for random mains. `failures` are sentences, none where the exported model
    passes.
    """

    windows: int
    highest_w: float
    largest_w: float
    relative: float
    metrics: dict[str, dict[str, Metrics]]
    costs: dict[str, dict[str, float | None]]
    failures: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON."""
        return {
            "windows": self.windows,
            "highest_answer_w": self.highest_w,
            "largest_difference_w": self.largest_w,
            "relative_difference": self.relative,
            "metrics": self.metrics,
            "costs": self.costs,
            "failures": list(self.failures),
        }


def verify(
    path: Path,
    model: "Model | NativeRuntime",
    recordings: RecordingsLike = (),
    limits: Tolerances = DEFAULT_LIMITS,
    threads: int | None = None,
) -> Verification:
    """Compare an exported file with the native model, on recordings or else on random mains.

    The native model is one in torch, or its file opened without it (`runtime.native`).
    A float32 file fails where its predictions differ. Any file fails where an appliance's error
    while on, or its energy error, grows by more than the limits. Only samples that both predict
    count. Raises UsageError for a model that the file was not exported from, as far as its metadata
    tells. Raises DataError for recordings that do not fit or never have the appliance on.
    """
    threads = threads or _count_threads(model)
    exported = open_exported(path, threads)
    require_parent(path, model, exported)
    names = [appliance.name for appliance in model.appliances]
    recordings = to_recordings(recordings, names, exported.period_s)
    check_recordings(recordings, exported.period_s, names)
    pairs = [
        _predict_both(model, exported, recording)
        for recording in recordings or [draw_random_mains(exported)]
    ]
    largest_w = max(float(np.nanmax(np.abs(ours_w - native_w))) for native_w, ours_w in pairs)
    highest_w = max(float(np.nanmax(native_w)) for native_w, _ in pairs)
    relative = largest_w / highest_w if highest_w else float(largest_w > 0)
    metrics: dict[str, dict[str, Metrics]] = {}
    if recordings:
        for side, predictions in zip(SIDES, zip(*pairs, strict=True), strict=True):
            metrics[side] = {
                a.name: _score(recordings, a, i, predictions, exported)
                for i, a in enumerate(model.appliances)
            }
    failures = list(_find_failures(metrics, model.appliances, limits, exported)) if metrics else []
    if exported.metadata.quantization is None and relative > limits.difference:
        failures.append(
            f"the largest difference is {format_number(largest_w)} W, {format_number(relative, 2)}"
            f" of the largest prediction ({format_number(limits.difference)} allowed)"
        )
    windows = sum(int(np.isfinite(native_w[:, 0]).sum()) for native_w, _ in pairs)
    costs_by_side = _measure_costs(path, model, exported, threads) if recordings else {}
    return Verification(
        windows, highest_w, largest_w, relative, metrics, costs_by_side, tuple(failures)
    )


def require_parent(path: Path, model: "Model | NativeRuntime", exported: Runtime) -> None:
    """Raise UsageError where a file's metadata shows that it does not come from this model.

    A file comes from the model that was exported, and from those that were compacted or factorised
    into it. The metadata holds no digest of the weights, but the appliances, period, scale,
    architecture and provenance, all of which must fit.
    """
    metadata = exported.metadata
    shape = model.architecture.model_dump(mode="json")
    fits = {
        "appliances": [a.name for a in metadata.appliances] == [a.name for a in model.appliances],
        "period_s": metadata.period_s == model.period_s,
        "scale": metadata.scale == model.scale,
        "architecture": shape in _list_parent_shapes(metadata),
        "provenance": _read_training(metadata.provenance) == _read_training(model.provenance),
    }
    differing = [field for field, fit in fits.items() if not fit]
    if differing:
        raise UsageError(
            f"{path}: not exported from this model: they differ in {' and '.join(differing)}; give"
            " the model that the file was exported from"
        )


def _list_parent_shapes(metadata: ExportMetadata) -> list[dict[str, Any]]:
    """Return the architecture of an exported model, and those that it had before it was reduced."""
    steps = metadata.provenance.get("compaction")
    steps = [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []
    before = [step.get("before") for step in steps]
    shapes = [metadata.model, *(shape for shape in before if isinstance(shape, dict))]
    if "factorisation" in metadata.provenance:
        shapes += [{k: v for k, v in shape.items() if k != "rank"} for shape in shapes]
    return shapes


def _read_training(provenance: Mapping[str, Any]) -> str:
    """Return the part of a provenance that compaction, factorisation and export leave alone."""
    return json.dumps(
        {name: entry for name, entry in provenance.items() if name not in REDUCTIONS},
        sort_keys=True,
    )


def open_exported(path: Path, threads: int | None = None) -> Runtime:
    """Open a file that a target wrote; a C source is compiled.

    Raises ModelFileError as `runtime.load` does, and for a native file.
    """
    if path.suffix == ".c":
        return open_source(path)
    if not runtime.is_exported(path):
        raise ModelFileError(f"{path}: not an exported model")
    return runtime.load(path, threads)


def draw_random_mains(exported: Runtime) -> Recording:
    """Return random mains: a base load with noise, and appliances of all powers at random times."""
    rng = np.random.default_rng(0)
    mains_w = rng.normal(200, 20, exported.window + RANDOM_WINDOWS - 1)
    for _ in range(60):
        first, length = rng.integers(len(mains_w)), int(rng.exponential(exported.window / 8)) + 1
        mains_w[first : first + length] += rng.uniform(50, 3000)
    return Recording("random", exported.period_s, np.maximum(mains_w, 0).astype(np.float32))


def _predict_both(
    model: "Model | NativeRuntime", exported: Runtime, recording: Recording
) -> tuple[Watts, Watts]:
    """Return native and exported predictions f32[T, A], NaN where either has none."""
    native_w, exported_w = (side.predict_w(recording) for side in (model, exported))
    known = np.isfinite(native_w) & np.isfinite(exported_w)
    if not known.any():
        raise DataError(
            f"{recording.house}: no stretch of {exported.window} samples is without a gap, so"
            " nothing can be verified on it"
        )
    return np.where(known, native_w, np.nan), np.where(known, exported_w, np.nan)


def _score(
    recordings: Sequence[Recording],
    appliance: Appliance,
    index: int,
    predictions_w: Sequence[Watts],
    exported: Runtime,
) -> Metrics:
    estimates = [power_w[:, index] for power_w in predictions_w]
    return score(
        find_scored_stretches(recordings, appliance, estimates, exported.window),
        appliance,
        exported.period_s,
    )


def _find_failures(
    metrics: dict[str, dict[str, Metrics]],
    appliances: Sequence[Appliance],
    limits: Tolerances,
    exported: Runtime,
) -> list[str]:
    failures = []
    for appliance in appliances:
        native, ours = (metrics[side][appliance.name] for side in SIDES)
        before, after = native["on_mae_w"], ours["on_mae_w"]
        if before is None or after is None:
            if exported.metadata.quantization is not None:
                raise DataError(
                    f"the {appliance.label} is never on in the data, which cannot show what int8"
                    " loses; give a recording in which it is on"
                )
        elif after > before * (1 + limits.on_mae):
            grown = (
                f"{format_number(before, 4)} W to {format_number(after, 4)} W, by"
                f" {after / before - 1:.1%}"
            )
            failures.append(
                f"the {appliance.label}'s {METRICS['on_mae_w'].label} grows from {grown}"
                f" ({format_number(limits.on_mae)} allowed)"
            )
        if (
            native["sae"] is not None
            and ours["sae"] is not None
            and ours["sae"] > native["sae"] + limits.sae
        ):
            grown = f"{native['sae']:.3f} to {ours['sae']:.3f}"
            failures.append(
                f"the {appliance.label}'s {METRICS['sae'].label} grows from {grown}"
                f" ({format_number(limits.sae)} allowed)"
            )
    return failures


def _count_threads(model: "Model | NativeRuntime") -> int:
    if isinstance(model, NativeRuntime):
        return count_threads()
    import torch

    return torch.get_num_threads()


def _measure_costs(
    path: Path, model: "Model | NativeRuntime", exported: Runtime, threads: int
) -> dict[str, dict[str, float | None]]:
    """Return each side's latency at batch 1, peak memory, and bytes plain and gzipped."""
    window_w = draw_random_mains(exported).mains_w[None, : exported.window]
    works = {"native": _make_native_work(model, window_w)}
    if isinstance(exported, CProgram):
        times = measure_medians_s(works) | {"exported": exported.measure_reading_s()}
    else:
        times = measure_medians_s(works | {"exported": lambda: exported.run(window_w)})
    with TemporaryDirectory() as folder:
        if isinstance(model, NativeRuntime):
            native = model.path
        else:
            native = Path(folder) / "model.safetensors"
            model.save(native)
        return {
            side: {
                "latency_ms": 1e3 * times[side],
                "peak_mb": measure_peak_mb(file, threads),
                "file_bytes": file.stat().st_size,
                "gzipped_bytes": count_gzipped_bytes(file),
            }
            for side, file in zip(SIDES, (native, path), strict=True)
        }


def _make_native_work(model: "Model | NativeRuntime", window_w: Watts) -> Callable[[], object]:
    """Return what predicts one window by the native model."""
    if isinstance(model, NativeRuntime):
        runtime_ = model
        return lambda: runtime_.run(window_w)
    import torch

    network, scaled = model.network, torch.zeros(1, model.window)

    def predict() -> object:
        with torch.inference_mode():
            return network(scaled)

    return predict
