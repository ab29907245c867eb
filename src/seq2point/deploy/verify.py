"""An exported model beside the native one: the same answers, as good on a recording, and what each
costs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from seq2point import runtime
from seq2point.appliances import Appliance
from seq2point.compression import costs
from seq2point.configuration import Tolerances
from seq2point.data.frame import to_recordings
from seq2point.deploy.c_program import CProgram, open_source
from seq2point.deploy.footprint import measure_peak_mb
from seq2point.errors import DataError, UsageError
from seq2point.metrics import METRICS, Metrics, score
from seq2point.model.evaluation import check_recordings, find_scored_stretches
from seq2point.model.model_file import Model
from seq2point.recording import Recording, RecordingsLike, Watts
from seq2point.runtime import Runtime
from seq2point.wording import format_number

DEFAULT_LIMITS = Tolerances()
RANDOM_WINDOWS = 1024
SIDES = ("native", "exported")


@dataclass(frozen=True)
class Verification:
    """What was found; `failures` are sentences, none where the exported model holds. `relative` is
    a share of `highest_w`.

    `metrics` are by side ('native', 'exported') and appliance, empty where random mains were
    answered; so is `costs`.
    """

    windows: int
    highest_w: float
    largest_w: float
    relative: float
    metrics: dict[str, dict[str, Metrics]]
    costs: dict[str, dict[str, float | None]]
    failures: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The report."""
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
    model: Model,
    recordings: RecordingsLike = (),
    limits: Tolerances = DEFAULT_LIMITS,
    threads: int | None = None,
) -> Verification:
    """Hold an exported file to a native model, over recordings or over random mains where there are
    none.

    A float32 file fails where its answers differ; any file where an appliance's error while on or
    its energy error grows by more than the limits. Only moments that both answer count.
    Raises UsageError for a model of other appliances, DataError for recordings that do not fit or
    never have the appliance on.
    """
    threads = threads or torch.get_num_threads()
    exported = open_exported(path, threads)
    names = [[a.name for a in side.appliances] for side in (model, exported)]
    if names[0] != names[1]:
        raise UsageError(
            f"{path} answers for {', '.join(names[1])}, the model for {', '.join(names[0])}"
        )
    recordings = to_recordings(recordings, names[0], exported.period_s)
    check_recordings(recordings, exported.period_s, names[0])
    asked = recordings or [draw_random_mains(exported)]
    answers = [_predict_both(model, exported, recording) for recording in asked]
    largest_w = max(float(np.nanmax(np.abs(ours_w - native_w))) for native_w, ours_w in answers)
    highest_w = max(float(np.nanmax(native_w)) for native_w, _ in answers)
    relative = largest_w / highest_w if highest_w else float(largest_w > 0)
    metrics: dict[str, dict[str, Metrics]] = {}
    if recordings:
        for side, predictions in zip(SIDES, zip(*answers, strict=True), strict=True):
            metrics[side] = {
                a.name: _score(recordings, a, i, predictions, exported)
                for i, a in enumerate(model.appliances)
            }
    failures = list(_find_failures(metrics, model.appliances, limits, exported)) if metrics else []
    if exported.facts.quantization is None and relative > limits.difference:
        failures.append(
            f"the largest difference is {format_number(largest_w)} W, {format_number(relative, 2)}"
            f" of the largest answer ({format_number(limits.difference)} allowed)"
        )
    windows = sum(int(np.isfinite(pair[0][:, 0]).sum()) for pair in answers)
    found = _measure_costs(path, model, exported, threads) if recordings else {}
    return Verification(windows, highest_w, largest_w, relative, metrics, found, tuple(failures))


def open_exported(path: Path, threads: int | None = None) -> Runtime:
    """What a target wrote, ready to answer, a C source compiled; raises ModelFileError as
    `runtime.load` does.
    """
    return open_source(path) if path.suffix == ".c" else runtime.load(path, threads)


def draw_random_mains(exported: Runtime) -> Recording:
    """Mains that nobody drew: a base load with noise, and appliances of all powers that come and
    go.
    """
    rng = np.random.default_rng(0)
    mains_w = rng.normal(200, 20, exported.window + RANDOM_WINDOWS - 1)
    for _ in range(60):
        first, length = rng.integers(len(mains_w)), int(rng.exponential(exported.window / 8)) + 1
        mains_w[first : first + length] += rng.uniform(50, 3000)
    return Recording("random", exported.period_s, np.maximum(mains_w, 0).astype(np.float32))


def _predict_both(model: Model, exported: Runtime, recording: Recording) -> tuple[Watts, Watts]:
    """Native and exported answers f32[T, A], NaN where either has none."""
    native_w, exported_w = (side.predict_w(recording) for side in (model, exported))
    known = np.isfinite(native_w) & np.isfinite(exported_w)
    if not known.any():
        raise DataError(
            f"{recording.house}: no stretch of {exported.window} samples without a gap to verify"
            " with"
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
            if exported.facts.quantization is not None:
                raise DataError(
                    f"the {appliance.label} is never on in the data; int8 cannot be judged without"
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
                f"the {appliance.label}'s {METRICS['sae'].label} grows from {grown} ({format_number(limits.sae)}"
                " allowed)"
            )
    return failures


def _measure_costs(
    path: Path, model: Model, exported: Runtime, threads: int
) -> dict[str, dict[str, float | None]]:
    """Milliseconds at batch 1 in turns, the peak memory of a process, bytes and bytes through gzip,
    by side.
    """
    window_w = draw_random_mains(exported).mains_w[None, : exported.window]
    scaled = torch.zeros(1, model.window)
    works: dict[str, Callable[[], object]] = {"native": lambda: model.network(scaled)}
    if isinstance(exported, CProgram):
        times = costs.measure_medians_s(works) | {"exported": exported.reading_s()}
    else:
        times = costs.measure_medians_s(works | {"exported": lambda: exported.run(window_w)})
    with TemporaryDirectory() as folder:
        native = Path(folder) / "model.safetensors"
        model.save(native)
        return {
            side: {
                "latency_ms": 1e3 * times[side],
                "peak_mb": measure_peak_mb(file, threads),
                "file_bytes": file.stat().st_size,
                "gzipped_bytes": costs.count_gzipped_bytes(file),
            }
            for side, file in zip(SIDES, (native, path), strict=True)
        }
