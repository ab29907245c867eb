"""Exported models in ONNX Runtime: bytes, milliseconds, accuracy and parity, ratios in one run on
two threads.

    python -m benchmarks deployment

Takes the first seed's models of `python -m experiments pruning`, made now where they are not there
yet. int8
is calibrated on ukdale_house1_6s_a, which the networks were trained on, and tested on
ukdale_house1_6s_b; parity is measured on a week of the latter.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
from experiments.houses import load_ukdale1
from experiments.pruning import load_stage

from benchmarks.timing import seconds
from seq2point import deploy, runtime
from seq2point.appliances import APPLIANCES
from seq2point.configuration import ExportOptions
from seq2point.model.evaluation import evaluate
from seq2point.predictor import Predictor
from seq2point.recording import Recording
from seq2point.system.device import prepare_process

THREADS = 2
TURNS, TURN_S = 15, 0.05
WEEK = 7 * 14_400
# relative: the largest difference to the native model over a week, as a share of the largest answer
HEADINGS = (
    "appliance",
    "file",
    "bytes",
    "of dense",
    "ms, batch 1",
    "faster",
    "MAE",
    "MAE while on",
    "SAE",
    "F1",
    "week: relative difference",
)
COLD = (
    "import sys, numpy as np\nfrom seq2point import runtime\nmodel = runtime.load(sys.argv[1])\n"
    "model.run(np.full((1, model.window), 300, np.float32))"
)


def row(cells: Sequence[str]) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


def relative_difference(native: Predictor, exported: Predictor, week: Recording) -> float:
    """The largest difference between two models' answers as a share of the largest answer."""
    native_w, exported_w = native.predict_w(week), exported.predict_w(week)
    return float(np.nanmax(np.abs(exported_w - native_w)) / np.nanmax(native_w))


def latencies_s(works: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Seconds of one call of each, the median of single calls in turns: what else runs on the
    machine interrupts few of them.
    """
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(TURNS):
        for name, work in works.items():
            once_s = seconds(work)
            times[name].append(median(seconds(work) for _ in range(max(int(TURN_S / once_s), 1))))
    return {name: median(of) for name, of in times.items()}


def appliance_rows(name: str, folder: Path) -> None:
    """What dense float32, compacted float32 and compacted int8 cost and reach."""
    train, test = load_ukdale1(name)
    dense, small = (load_stage(name, 0, stage) for stage in ("dense", "small"))
    orders = {
        "dense, float32": (dense, ExportOptions()),
        "compacted, float32": (small, ExportOptions()),
        "compacted, int8": (small, ExportOptions(int8=True, calibrate=train, force=True)),
        "compacted, int8, sliding": (
            small,
            ExportOptions(int8=True, sliding=True, calibrate=train, force=True),
        ),
    }
    files = {label: folder / f"{name}-{i}.onnx" for i, label in enumerate(orders)}
    for label, (model, options) in orders.items():
        for failure in (
            deploy.find_target("onnx")
            .export(model, files[label], options)
            .report["verification"]["failures"]
        ):
            print(f"{name}, {label}: {failure}")
    opened = {label: runtime.load(path, THREADS) for label, path in files.items()}
    window_w = test.mains_w[None, : dense.window]
    times = latencies_s(
        {label: partial(model.run, window_w[:, : model.window]) for label, model in opened.items()}
    )
    size, slowest_s = files["dense, float32"].stat().st_size, times["dense, float32"]
    for label, exported in opened.items():
        reached = evaluate(
            orders[label][0] if label.endswith("float32") else exported, [test]
        ).metrics[name]
        relative = (
            ""
            if "int8" in label
            else f"{relative_difference(orders[label][0], exported, test.slice(0, WEEK)):.1e}"
        )
        mae_w, on_mae_w, sae, f1 = (
            reached[metric] for metric in ("mae_w", "on_mae_w", "sae", "f1")
        )
        row(
            (
                name.replace("_", " "),
                label,
                f"{files[label].stat().st_size:,}",
                f"{files[label].stat().st_size / size:.2%}",
                f"{1e3 * times[label]:.3f}",
                f"{slowest_s / times[label]:.0f}",
                f"{mae_w:.2f} W",
                f"{on_mae_w:.1f} W",
                f"{sae:.3f}",
                f"{f1:.3f}",
                relative,
            )
        )


def cold_start_s(path: Path) -> float:
    """Seconds from starting Python to the first answer."""
    command = [sys.executable, "-c", COLD, str(path)]
    return median(seconds(lambda: subprocess.run(command, check=True)) for _ in range(5))


def main() -> None:
    prepare_process(THREADS)
    row(HEADINGS)
    row(["---"] * len(HEADINGS))
    with tempfile.TemporaryDirectory() as place:
        for name in APPLIANCES:
            appliance_rows(name, Path(place))
        print(
            "\ncold start to the first answer, compacted int8:"
            f" {cold_start_s(Path(place) / 'kettle-2.onnx'):.2f} s"
        )
