"""A home's kWh by day beside what its plugs measured, in every home of the data.

    python -m experiments household      minutes; SEQ2POINT_HOMES=ukdale_house5_60s for one home

The models are those of the package. A home that they learned from is marked.
SEQ2POINT_LEFT_OUT names a folder of models that were trained without a home each, as
FOLDER/ukdale_house5_60s/kettle-60s.onnx; they then stand in for those of the package.
"""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from experiments.tables import print_table
from seq2point import HomeEnergy
from seq2point.data.table import load_recording
from seq2point.household.calendar import HOUR_S
from seq2point.household.common_grid import CommonGrid
from seq2point.household.mains import open_mains
from seq2point.model import pretrained
from seq2point.recording import Recording, Watts
from seq2point.runtime import RUNTIMES

HOMES = {
    "ukdale_house1_60s": "UK-DALE house 1",
    "ukdale_house5_60s": "UK-DALE house 5",
    "refit_house2_30s": "REFIT house 2",
    "refit_house20_30s": "REFIT house 20",
    "ideal_house65_60s": "IDEAL house 65",
    "ampds2_house1_60s": "AMPds2 house 1",
}
ZONES = {"AMPds2 house 1": "America/Vancouver"}
LEAST_HOURS = 20.0
"""A day counts where both the mains and the plug are known for so long."""


class DailyEnergy(NamedTuple):
    """What an appliance used by day, kWh f64[D], by the models and by its plug."""

    model: str
    learned_here: bool
    ours_kwh: npt.NDArray[np.float64]
    plug_kwh: npt.NDArray[np.float64]

    @property
    def total_error(self) -> float | None:
        """The error of the energy of all days, as a share."""
        plug = float(self.plug_kwh.sum())
        return float(self.ours_kwh.sum()) / plug - 1 if plug else None

    @property
    def daily_error(self) -> float | None:
        """The mean of the days' absolute errors over the mean of a day, as a share."""
        plug = float(self.plug_kwh.mean()) if len(self.plug_kwh) else 0.0
        return float(np.abs(self.ours_kwh - self.plug_kwh).mean()) / plug if plug else None


def find_left_out(home: str) -> list[Path] | None:
    """Return the models that were trained without a home; None for those of the package."""
    folder = os.environ.get("SEQ2POINT_LEFT_OUT")
    if not folder:
        return None
    files = sorted(p for p in (Path(folder) / home).glob("*") if p.suffix in RUNTIMES)
    return files or None


def measure_home(file: str, label: str) -> dict[str, DailyEnergy]:
    """Return the energy of a home's appliances by local day, beside their plugs."""
    path = Path(os.environ["SEQ2POINT_DATA"]) / f"{file}.parquet"
    recording = load_recording(path)
    models = find_left_out(file)
    home = HomeEnergy.from_mains(path, models, zone=ZONES.get(label, "Europe/London"))
    learned = {card.name: label in card.trained_on for card in pretrained.load_cards()}
    return {
        report.name: DailyEnergy(
            report.model,
            models is None and learned.get(report.model, False),
            *sum_days(home, home.power_w[report.name], place_plug(path, recording, report.name)),
        )
        for report in home.appliances
        if report.name in recording.appliances_w
    }


def place_plug(path: Path, recording: Recording, name: str) -> Watts:
    """Return what a plug measured, on the grid of the home's energy."""
    (plug_w,) = CommonGrid.under(open_mains(path)).place(recording, [recording.appliance_w(name)])
    return plug_w


def sum_days(
    home: HomeEnergy, power_w: Watts, plug_w: Watts
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the kWh of the days on which both are known for long enough."""
    known = ~(np.isnan(power_w) | np.isnan(plug_w))
    hours = home.period_s / HOUR_S
    days = home.spans("day")
    day_of = np.searchsorted([day.first_s for day in days], home.times_s, side="right") - 1
    counts = np.bincount(day_of[known], minlength=len(days)) * hours
    ours, plug = (
        np.bincount(day_of[known], watts[known].astype(np.float64), len(days)) * hours / 1000
        for watts in (power_w, plug_w)
    )
    enough = counts >= LEAST_HOURS
    return ours[enough], plug[enough]


def main() -> None:
    """Print a row for each home and appliance."""
    chosen = os.environ.get("SEQ2POINT_HOMES", ",".join(HOMES)).split(",")
    headings = ["home", "appliance", "model", "learned here", "days", "kWh a day", "plug's"]
    headings += ["error of all days", "error of a day"]
    rows = []
    for file in chosen:
        for name, each in measure_home(file, HOMES[file]).items():
            if not len(each.plug_kwh):
                continue
            rows.append(
                [
                    HOMES[file],
                    name.replace("_", " "),
                    each.model,
                    "yes" if each.learned_here else "no",
                    str(len(each.plug_kwh)),
                    f"{each.ours_kwh.mean():.2f}",
                    f"{each.plug_kwh.mean():.2f}",
                    "-" if each.total_error is None else f"{each.total_error:+.0%}",
                    "-" if each.daily_error is None else f"{each.daily_error:.0%}",
                ]
            )
    print_table("kWh by day beside the plugs", headings, rows, labels=4)
