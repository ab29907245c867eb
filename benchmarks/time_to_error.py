"""Wall time to a validation error on a real house, training on chunks against training on shuffled windows."""

import os
from pathlib import Path

from seq2point.data.table import load_recording
from seq2point.training import Trained, train_with_history

APPLIANCES = ("kettle", "washing_machine")
BUDGET_S = 240.0
SHARE = 8


def curve(trained: Trained) -> str:
    """Validation error against seconds, a few points of it."""
    rows = trained.history[:: max(len(trained.history) // 6, 1)]
    return "  ".join(f"{row['seconds']:.0f} s {row['val_loss']:.4f}" for row in rows)


def main() -> None:
    folder = os.environ.get("SEQ2POINT_DATA")
    if not folder:
        print("time to an error: skipped, SEQ2POINT_DATA is not set")
        return
    print(
        f"validation MSE (scaled) on the last 20 % of ukdale_house1_6s_a: windows for {BUDGET_S:g} s, sliding for 1/{SHARE} of it"
    )
    for appliance in APPLIANCES:
        recording = load_recording(Path(folder) / "ukdale_house1_6s_a.parquet", [appliance])
        best = {}
        for engine, budget_s, options in (
            ("windows", BUDGET_S, {"batch_size": 128}),
            ("sliding", BUDGET_S / SHARE, {}),
        ):
            trained = train_with_history(
                recording, appliance, engine=engine, budget_s=budget_s, progress=False, patience=1000, **options
            )
            best[engine] = min(row["val_loss"] for row in trained.history)
            pace = f"{trained.seconds:6.1f} s  {trained.windows_per_s:9,.0f} windows/s"
            print(f"{appliance:16} {engine:8} {pace}  best {best[engine]:.4f}")
            print(f"{'':25} {curve(trained)}", flush=True)
        verdict = "reached" if best["sliding"] <= best["windows"] else "NOT reached"
        print(f"{appliance:16} the same error in 1/{SHARE} of the time: {verdict}", flush=True)
