"""Wall time to a validation error on a real house: training on chunks against shuffled windows,
same loss, nothing augmented.
"""

import os
from pathlib import Path

from matplotlib.figure import Figure

from seq2point.data.table import load_recording
from seq2point.training import TrainingResult, train_with_history

APPLIANCES = ("kettle", "washing_machine")
BUDGETS_S = {"windows": 240.0, "sliding": 120.0}
OPTIONS = {
    "windows": {"batch_size": 128},
    "sliding": {"transplant": 0, "gain": 0, "loads": 0, "absolute": 0, "clipped": False},
}
PICTURE = Path("docs/images/time_to_error.png")


def first_at(trained: TrainingResult, error: float) -> float | None:
    """Seconds of training until a validation first found no more than this error, None where none
    did.
    """
    return next((row["seconds"] for row in trained.history if row["val_loss"] <= error), None)


def best(trained: TrainingResult) -> float:
    return min(row["val_loss"] for row in trained.history)


def main() -> None:
    folder = os.environ.get("SEQ2POINT_DATA")
    if not folder:
        print("time to an error: skipped, SEQ2POINT_DATA is not set")
        return
    print(
        "validation MSE (scaled), last 20 % of ukdale_house1_6s_a, full network, seed 0; seconds"
        " include validations"
    )
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    for axes, appliance in zip(figure.subplots(1, 2), APPLIANCES, strict=True):
        recording = load_recording(Path(folder) / "ukdale_house1_6s_a.parquet", [appliance])
        trained = {}
        for engine, budget_s in BUDGETS_S.items():
            trained[engine] = train_with_history(
                recording,
                appliance,
                engine=engine,
                budget_s=budget_s,
                progress=False,
                patience=1000,
                **OPTIONS[engine],
            )
            history = trained[engine].history
            steps, rate = history[-1]["step"], trained[engine].windows_per_s
            pace = f"{trained[engine].seconds:6.1f} s  {steps:5} steps  {rate:9,.0f} windows/s"
            print(f"{appliance:16} {engine:8} {pace}  best {best(trained[engine]):.4f}", flush=True)
            axes.plot(
                [row["seconds"] for row in history],
                [row["val_loss"] for row in history],
                marker=".",
                label=engine,
            )
        target = best(trained["windows"])
        axes.axhline(target, color="grey", linewidth=0.8, linestyle=":")
        axes.set(
            title=appliance.replace("_", " "),
            xlabel="seconds of training",
            ylabel="validation MSE, scaled",
            yscale="log",
        )
        axes.legend()
        for error in (target, 1.25 * target, 1.5 * target):
            slow, fast = (first_at(trained[engine], error) for engine in ("windows", "sliding"))
            verdict = f"{slow / fast:.1f} times" if slow and fast else "sliding did not reach it"
            print(
                f"{appliance:16} to {error:.4f}: windows {slow:.1f} s, sliding"
                f" {fast and round(fast, 1)} s: {verdict}",
                flush=True,
            )
    figure.savefig(PICTURE, dpi=110)
