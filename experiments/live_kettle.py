"""A kettle's energy live, beside household's and its plug's, in every home with one.

    python -m experiments live_kettle      minutes

The shipped models are decided by event with all of the recording, as `household` does, and as the
readings come, as `live` does: with the power that the home's own kettle is known to draw by then,
and without it. UK-DALE 1 and 5 and REFIT 2 and 20 are homes that the models learned from. It is of
the last DAYS days of each.
"""

import numpy as np

from experiments.household import HOMES
from experiments.houses import load_house
from experiments.tables import print_table
from seq2point.household.home_models import HomeModel, load_pretrained_model
from seq2point.model.event_decisions import decide_recording, find_event_settings
from seq2point.recording import Recording, Watts
from seq2point.recording.on_off import Flags

DAYS = 90
MODELS = ("kettle-60s", "kettle-60s-live")


def sum_kwh(power_w: Watts, known: Flags) -> float:
    """Return the energy of the known samples of a minute each."""
    return float(power_w[known].sum(dtype=np.float64)) / 60_000


def measure_house(recording: Recording, model: HomeModel) -> list[float]:
    """Return kWh: household's, live without the home's own power, live with it, the plug's."""
    settings = find_event_settings(model.predictor, model.card)
    alone = {n: each.model_copy(update={"rated_share": None}) for n, each in settings.items()}
    predictions_w = model.predictor.predict_w(recording)
    appliances = model.predictor.appliances
    powers_w = [
        decide_recording(
            recording, predictions_w, appliances, each, share=False, causal=causal
        ).power_w["kettle"]
        for each, causal in ((settings, False), (alone, True), (settings, True))
    ]
    powers_w.append(recording.appliance_w("kettle"))
    known: Flags = np.asarray(~np.isnan(powers_w).any(axis=0))
    return [sum_kwh(power_w, known) for power_w in powers_w]


def main() -> None:
    """Print a row for each home and model."""
    headings = ("home", "model", "household kWh", "plug's", "live without", "live with")
    rows = []
    for file, label in HOMES.items():
        if label.split()[0] not in ("UK-DALE", "REFIT"):
            continue
        whole = load_house(file, "kettle", 60.0)
        recording = whole.slice(max(len(whole) - DAYS * 1440, 0), len(whole))
        for name in MODELS:
            house, without, after, plug = measure_house(recording, load_pretrained_model(name, 1))
            shares = [f"{each / house - 1:+.1%}" for each in (without, after)]
            rows.append([label, name, f"{house:.1f}", f"{plug:.1f}", *shares])
    print_table("A kettle's kWh live, beside household's", headings, rows, labels=2)
