"""What the simulator draws beside what real appliances do, as a table and a picture.

    python -m experiments simulator        a minute on one core

Real washes, dishwasher runs and microwave uses are REFIT's traces of single appliances. Kettles and
fridges are those of UK-DALE, REFIT and ECO. A value is covered where it lies between the
simulator's first and 99th percentile.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import polars as pl
from matplotlib.axes import Axes

from experiments.tables import print_table
from seq2point.recording.on_off import find_runs
from seq2point.simulator import simulate_house
from seq2point.simulator.makes import MAKES

PICTURE = Path("docs/images/simulator.png")
MACHINES = 600
"""Makes drawn of each appliance, and an activation of each."""
HOUSES = 80
"""Houses drawn for their fridges, a day each."""
TRACES = "more/refit_appliance_traces_2s"
SOCKETS = (
    "ukdale_house1_6s_a",
    "refit_house2_8s",
    "more/eco_house1_plugs_6s",
    *(f"refit_days/refit_house{number}_8s_day" for number in (1, 4, 5, 7, 8)),
    *(f"refit_days/refit_house{number}_8s_day" for number in (11, 12, 13, 17, 18, 21)),
)
MOST_OF_A_HOUSE = 60
"""Kettle uses and fridge runs taken of each house, spread evenly: no house outweighs the others."""
HEATER_W = 1200
LOW_HEATER_W = 600  # of a dishwasher: North American ones have 700 to 900 W
QUANTILES = (0.01, 0.05, 0.5, 0.95, 0.99)

Watts = npt.NDArray[np.float32]
Features = dict[str, float]


class Feature(NamedTuple):
    """Something that is measured of an activation: its label with a unit, and its decimals."""

    label: str
    decimals: int = 0


class Panel(NamedTuple):
    """A feature of real and simulated activations."""

    appliance: str
    feature: Feature
    real: npt.NDArray[np.float64]
    simulated: npt.NDArray[np.float64]


FEATURES: Mapping[str, Mapping[str, Feature]] = {
    "washing_machine": {
        "heater": Feature("heater, W"),
        "heating": Feature("heating, min", 1),
        "plateaus": Feature("heating plateaus"),
        "longest": Feature("longest plateau, min", 1),
        "gap": Feature("gap between plateaus, min", 1),
        "drum": Feature("drum, W"),
        "pulse": Feature("drum pulse, s"),
        "spin": Feature("spin, W"),
        "rest": Feature("resting, W"),
        "length": Feature("length, min"),
        "energy": Feature("energy, kWh", 2),
    },
    "dishwasher": {
        "heater": Feature("heater, W"),
        "heating": Feature("heating, min", 1),
        "plateaus": Feature("heating plateaus"),
        "longest": Feature("longest plateau, min", 1),
        "gap": Feature("gap between plateaus, min", 1),
        "lead": Feature("before the heating, min", 1),
        "pump": Feature("pump, W"),
        "length": Feature("length, min"),
        "energy": Feature("energy, kWh", 2),
    },
    "microwave": {
        "power": Feature("power, W"),
        "cooking": Feature("cooking, s"),
        "bursts": Feature("bursts"),
        "lamp": Feature("lamp and turntable, W"),
        "length": Feature("length, s"),
        "energy": Feature("energy, Wh"),
    },
    "kettle": {
        "power": Feature("power, W"),
        "length": Feature("length, s"),
        "energy": Feature("energy, Wh"),
    },
    "fridge": {
        "power": Feature("compressor, W"),
        "start": Feature("first minutes over the rest", 2),
        "on": Feature("on, min"),
        "off": Feature("off, min"),
    },
}


def measure_plateaus(power_w: Watts, period_s: float, least_w: float) -> Features:
    """Return the heating of a cycle: power, minutes, plateaus, gaps. Gaps below a minute close."""
    starts, lengths = find_runs(power_w > least_w)
    if not lengths.sum() * period_s >= 30:
        return {"heating": lengths.sum() * period_s / 60, "plateaus": 0}
    pauses_s = (starts[1:] - starts[:-1] - lengths[:-1]) * period_s
    first = np.flatnonzero(np.append(True, pauses_s >= 60))
    minutes = np.add.reduceat(lengths, first) * period_s / 60
    features = {
        "heater": float(np.median(power_w[power_w > least_w])),
        "heating": float(minutes.sum()),
        "plateaus": float((minutes >= 0.5).sum()),
        "longest": float(minutes.max()),
        "lead": float(starts[0] * period_s / 60),
    }
    if (pauses_s >= 60).any():
        features["gap"] = float(pauses_s.max() / 60)
    return features


def measure_whole(power_w: Watts, period_s: float) -> Features:
    """Return length in minutes and energy in kWh."""
    return {
        "length": len(power_w) * period_s / 60,
        "energy": float(power_w.sum(dtype=float)) * period_s / 3.6e6,
    }


def measure_wash(power_w: Watts, period_s: float) -> Features:
    """Return the features of a wash."""
    early, late = power_w[: len(power_w) // 2], power_w[-len(power_w) // 4 :]
    features = measure_whole(power_w, period_s) | measure_plateaus(power_w, period_s, HEATER_W)
    drum = (early > 30) & (early < 700)
    if drum.sum() > 20:
        features["drum"] = float(np.median(early[drum]))
        features["pulse"] = float(np.median(find_runs(drum)[1])) * period_s
    spin = late[(late > 100) & (late < 1000)]
    if len(spin):
        features["spin"] = float(np.quantile(spin, 0.9))
    features["rest"] = float(np.quantile(power_w[power_w < 1000], 0.1))
    return features


def measure_dishwasher_run(power_w: Watts, period_s: float) -> Features:
    """Return the features of a dishwasher's run."""
    pump = power_w[(power_w > 15) & (power_w < 400)]
    features = measure_whole(power_w, period_s) | measure_plateaus(power_w, period_s, LOW_HEATER_W)
    return features | ({"pump": float(np.median(pump))} if len(pump) else {})


def measure_microwave_use(power_w: Watts, period_s: float) -> Features:
    """Return the features of a microwave's use."""
    length, energy = measure_whole(power_w, period_s).values()
    features = {"length": 60 * length, "energy": 1000 * energy}
    cooking = power_w > 400
    if not cooking.any():
        return features
    low = power_w[(power_w > 5) & ~cooking]
    return (
        features
        | {"power": float(np.quantile(power_w[cooking], 0.75))}
        | {"cooking": float(cooking.sum()) * period_s, "bursts": float(len(find_runs(cooking)[0]))}
        | ({"lamp": float(np.median(low))} if len(low) else {})
    )


def measure_boil(power_w: Watts, period_s: float) -> Features:
    """Return the features of a kettle's use."""
    length, energy = measure_whole(power_w, period_s).values()
    return {"power": float(np.median(power_w)), "length": 60 * length, "energy": 1000 * energy}


MEASURES: Mapping[str, Callable[[Watts, float], Features]] = {
    "washing_machine": measure_wash,
    "dishwasher": measure_dishwasher_run,
    "microwave": measure_microwave_use,
    "kettle": measure_boil,
}


def trim(power_w: Watts, least_w: float = 5) -> Watts:
    """Return a cycle from its first to its last sample above a power."""
    on = np.flatnonzero(power_w > least_w)
    return power_w[on[0] : on[-1] + 1] if len(on) else power_w[:0]


def average(power_w: Watts, period_s: int) -> Watts:
    """Return means over periods of a curve at 1 s."""
    whole = np.append(power_w, np.zeros(-len(power_w) % period_s, np.float32))
    means: Watts = whole.reshape(-1, period_s).mean(axis=1)
    return means


def read_file(name: str) -> pl.DataFrame:
    """Read a file of real data."""
    return pl.read_parquet(Path(os.environ["SEQ2POINT_DATA"]) / f"{name}.parquet")


def read_traces(appliance: str) -> Iterator[Watts]:
    """Yield REFIT's cycles of an appliance, trimmed, at 2 s."""
    rows = read_file(TRACES).filter(pl.col("appliance").cast(str) == appliance)
    for _, trace in rows.group_by("trace", maintain_order=True):
        yield trim(trace["power"].to_numpy())


def read_sockets(appliance: str) -> Iterator[tuple[Watts, int]]:
    """Yield a house's power and period for each house with the appliance. NaN is a gap.

    A column whose name begins like the appliance's is another one of it.
    """
    for file in SOCKETS:
        house = read_file(file)
        period_s = int(re.findall(r"_(\d+)s", file)[0])
        for column in (name for name in house.columns if name.startswith(appliance)):
            yield house[column].to_numpy(), period_s


def find_boils(power_w: Watts, period_s: int) -> list[Watts]:
    """Return the uses of a kettle that last at least three samples, without their edges."""
    starts, lengths = find_runs(power_w > 1000)
    return [
        power_w[start : start + length]
        for start, length in zip(starts, lengths, strict=True)
        if length >= 3
    ]


def measure_cold(power_w: Watts, period_s: int) -> list[Features]:
    """Return the features of each run of a fridge's compressor and of the pause that follows."""
    flags = power_w > 30
    starts, lengths = find_runs(flags)
    features = []
    for number in range(len(starts) - 1):
        run = power_w[starts[number] : starts[number] + lengths[number]]
        off = starts[number + 1] - starts[number] - lengths[number]
        gap = np.isnan(power_w[starts[number] : starts[number + 1]]).any()
        rest_w = float(np.median(run[len(run) // 2 :]))
        if gap or len(run) * period_s < 240 or off * period_s < 60:
            continue
        head = run[int(30 / period_s) + 1 : int(180 / period_s) + 1]
        features.append(
            {
                "power": rest_w,
                "start": float(np.median(head)) / rest_w,
                "on": len(run) * period_s / 60,
                "off": off * period_s / 60,
            }
        )
    return features


def spread_evenly(features: Sequence[Features]) -> list[Features]:
    """Return at most MOST_OF_A_HOUSE of a house's features."""
    step = max(len(features) / MOST_OF_A_HOUSE, 1.0)
    return [features[int(step * i)] for i in range(int(len(features) / step))]


def measure_real(appliance: str) -> list[Features]:
    """Return the features of the real activations of an appliance."""
    if appliance == "fridge":
        houses = [measure_cold(*house) for house in read_sockets("fridge")]
    elif appliance == "kettle":
        houses = [
            [measure_boil(use_w, period_s) for use_w in find_boils(power_w, period_s)]
            for power_w, period_s in read_sockets("kettle")
        ]
    else:
        houses = [[MEASURES[appliance](trace, 2)] for trace in read_traces(appliance) if len(trace)]
    return [features for house in houses for features in spread_evenly(house)]


def measure_simulated(appliance: str) -> list[Features]:
    """Return the features of simulated activations of an appliance, each of another make."""
    if appliance == "fridge":
        houses = (simulate_house(seed, 1, 8, ["fridge"]) for seed in range(HOUSES))
        return [features for h in houses for features in measure_cold(h.appliance_w("fridge"), 8)]
    features = []
    for seed in range(MACHINES):
        activation = MAKES[appliance](np.random.default_rng(seed))(np.random.default_rng(seed))
        period_s = 8 if appliance == "kettle" else 2
        power_w = trim(average(activation.total_w, period_s))
        if appliance == "kettle":
            features += [measure_boil(use_w, 8) for use_w in find_boils(power_w, 8)]
        else:
            features.append(MEASURES[appliance](power_w, period_s))
    return features


def collect(features: Sequence[Features], key: str) -> npt.NDArray[np.float64]:
    """Return a feature of all activations that have it."""
    return np.array([each[key] for each in features if key in each])


def make_row(panel: Panel) -> list[str]:
    """Return a row of the table."""
    feature, real = panel.feature, panel.real
    low, *middle, high = np.quantile(panel.simulated, QUANTILES)
    covered = np.mean((real >= low) & (real <= high))
    cells = (
        " / ".join(f"{value:.{feature.decimals}f}" for value in values)
        for values in (np.quantile(real, QUANTILES[1:-1]), middle)
    )
    return [feature.label, str(len(real)), *cells, f"{covered:.0%}"]


def draw_panel(axes: Axes, panel: Panel) -> None:
    """Draw the simulator's range as a bar with its median, and real activations as dots."""
    low, inner_low, middle, inner_high, high = np.quantile(panel.simulated, QUANTILES)
    axes.barh(0, high - low, left=low, height=1.6, color="#cfe3f3")
    axes.barh(0, inner_high - inner_low, left=inner_low, height=1.6, color="#8fbfe0")
    axes.vlines(middle, -0.8, 0.8, color="#1f5f8b", linewidth=2)
    heights = np.random.default_rng(0).uniform(-0.6, 0.6, len(panel.real))
    axes.plot(panel.real, heights, "o", color="#c4501b", markersize=3.5, alpha=0.6)
    axes.set_title(f"{panel.appliance}: {panel.feature.label}", fontsize=11, loc="left", pad=3)
    axes.set_yticks([])
    axes.set_ylim(-1, 1)
    axes.set_xlim(0, 1.05 * max(high, np.quantile(panel.real, 0.99)))
    axes.tick_params(labelsize=10)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)


def save_picture(panels: Sequence[Panel]) -> None:
    """Write the picture: a panel for each feature."""
    rows = -(-len(panels) // 2)
    figure, grid = plt.subplots(rows, 2, figsize=(8, 0.95 * rows), layout="constrained")
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    for axes, panel in zip(grid.T.flat, panels, strict=False):
        draw_panel(axes, panel)
    figure.savefig(PICTURE, dpi=110)
    plt.close(figure)


def main() -> None:
    """Print a table for each appliance, and draw the picture."""
    panels: list[Panel] = []
    for appliance, features in FEATURES.items():
        real, drawn = measure_real(appliance), measure_simulated(appliance)
        name = appliance.replace("_", " ")
        of_appliance = [
            Panel(name, feature, collect(real, key), collect(drawn, key))
            for key, feature in features.items()
        ]
        headings = [name, "real ones", "real: 5, 50, 95 %", "simulated: 5, 50, 95 %", "covered"]
        print_table("", headings, [make_row(panel) for panel in of_appliance])
        panels += of_appliance
    save_picture(panels)
