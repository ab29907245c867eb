"""Synthetic houses: people, the five appliances and everything else, second by second."""

import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from seq2point.appliances import APPLIANCES
from seq2point.simulator.background import Device, make_devices
from seq2point.simulator.cold import ColdBox
from seq2point.simulator.habits import DAY_S, Day, Habit, Household, Peak
from seq2point.simulator.makes import MAKES
from seq2point.simulator.meters import Meter
from seq2point.simulator.solar import Panels
from seq2point.simulator.supply import Drift, Supply
from seq2point.simulator.waveforms import Activation, draw_hiss

NAMES = tuple(APPLIANCES)
_WITH_PANELS = 0.08
"""Share of the houses with solar panels."""


class House:
    """A synthetic house. `simulate_day` returns its days in order from `first_day`, an ordinal.

    Only the appliances of `columns` are measured beside the mains, so one is quicker than all.
    `owned` are those of the five that the house has.
    Each purpose has its own generator on each day, seeded with (seed, purpose, day). So the habits
    of a date stay the same whatever else changes.
    """

    def __init__(
        self,
        seed: int,
        first_day: int,
        columns: Sequence[str] = NAMES,
        owned: Sequence[str] = NAMES,
    ) -> None:
        self._seed, self._today = seed, first_day
        self._columns = tuple(columns)
        make = self._make_generator("house")
        self.people = Household.draw(self._make_generator("people"))
        self._machines = [
            Device(name, habit, MAKES[name](self._make_generator(f"{name} make")))
            for name, habit in self._draw_habits().items()
            if name in owned
        ]
        self._machines += make_devices(self._make_generator("devices"), self.people)
        self._cold = (
            {"fridge": ColdBox(self._make_generator("fridge"))} if "fridge" in owned else {}
        )
        for number in range(int(make.choice([0, 0, 1, 1, 2]))):
            self._cold[f"freezer {number}"] = ColdBox(self._make_generator(f"freezer {number}"))
        self._supply = Supply(self._make_generator("supply"))
        self._base_w = float(np.clip(make.lognormal(4.45, 0.8), 30, 450))
        self._base = Drift(make.uniform(0.01, 0.06), 5400, 60)
        self._base_ripple = make.uniform(0.0, 0.015)
        self._standby_w = {name: float(make.choice([0, 0, 0, 1, 2, 4])) for name in NAMES}
        self._standby_w |= {name: 0.0 for name in NAMES if name not in owned}
        self._clamp_excess = make.uniform(1.0, 1.12) if make.random() < 0.4 else 1.0
        hold_s = int(make.choice([1, 1, 6, 8]))
        self.meters = [
            Meter.draw_plug(self._make_generator(f"{name} meter"), hold_s) for name in columns
        ]
        self.meters.append(Meter.draw_mains(self._make_generator("mains meter")))
        solar = self._make_generator("solar")
        self._panels = Panels(solar) if solar.random() < _WITH_PANELS else None
        self._free_from_s: dict[str, int] = {}
        self._canvas_w = np.zeros((len(columns) + 1, 2, 2 * DAY_S), np.float32)

    def _make_generator(self, purpose: str, day: int = 0) -> np.random.Generator:
        return np.random.default_rng([self._seed, zlib.crc32(purpose.encode()), day])

    def _draw_habits(self) -> dict[str, Habit]:
        laundry = _draw_laundry_habit(self._make_generator("laundry"), self.people)
        return {
            "kettle": _draw_kettle_habit(self._make_generator("kettle habit"), self.people),
            "microwave": _draw_microwave_habit(self._make_generator("microwave habit")),
            "dishwasher": _draw_dishwasher_habit(self._make_generator("dishwasher habit")),
            "washing_machine": laundry,
        }

    def simulate_day(self) -> tuple[npt.NDArray[np.float32], list[np.random.Generator]]:
        """Return a day's power as the meters sense it, and the generators of their noise.

        Power is f32[columns + 1, 86400] in watts, the mains last.
        """
        day = self._draw_activations()
        power_w = self._measure(day, self._make_generator("power", day.ordinal))
        return power_w, [
            self._make_generator(f"{name} noise", self._today - 1)
            for name in (*self._columns, "mains")
        ]

    def skip_day(self) -> None:
        """Draw a day that nobody measures: its activations reach into the next one."""
        self._draw_activations()
        self._end_day()

    def _draw_activations(self) -> Day:
        ordinal = self._today
        self._today += 1
        day = self.people.draw_day(
            ordinal,
            self._make_generator("day", ordinal),
            self._make_generator("week", (ordinal - 1) // 7),
        )
        for name, box in self._cold.items():
            for start_s, activation in box.draw_cycles(day, self._make_generator(name, ordinal)):
                self._place(name, start_s, activation)
        for machine in self._machines:
            rng = self._make_generator(machine.name, ordinal)
            free_s = self._free_from_s.pop(machine.name, 0) - DAY_S
            for start_s in day.draw_starts(machine.habit, rng):
                if start_s < free_s:
                    start_s = free_s + int(rng.uniform(20, 600))
                activation = machine.draw_activation(rng)
                free_s = start_s + activation.seconds
                self._place(machine.name, start_s, activation)
            self._free_from_s[machine.name] = free_s
        return day

    def _place(self, name: str, start_s: int, activation: Activation) -> None:
        rows = [-1, self._columns.index(name)] if name in self._columns else [-1]
        for kind, power_w in enumerate(activation):
            for row in rows if len(power_w) else ():
                canvas = self._canvas_w[row, kind, start_s : start_s + len(power_w)]
                canvas += power_w[: len(canvas)]

    def _measure(self, day: Day, rng: np.random.Generator) -> npt.NDArray[np.float32]:
        heater_w, motor_w = self._canvas_w[:, 0, :DAY_S], self._canvas_w[:, 1, :DAY_S]
        wobble = self._base.draw_day(rng) + draw_hiss(rng, DAY_S, self._base_ripple)
        wobble += 1
        motor_w[-1] += np.float32(self._base_w) * np.maximum(wobble, 0.2, out=wobble)
        motor_w[-1] += np.float32(sum(self._standby_w.values()))
        for row, name in enumerate(self._columns):
            motor_w[row] += np.float32(self._standby_w[name])
        voltage = self._supply.draw_day(rng, heater_w[-1] + motor_w[-1])
        heater_w *= voltage * voltage
        motor_w[-1] *= np.float32(self._clamp_excess)
        powers_w = heater_w + motor_w
        if self._panels:
            solar_w = self._panels.draw_day(day, self._make_generator("sun", day.ordinal))
            powers_w[-1] = self._panels.subtract(powers_w[-1], solar_w)
        sensed_w = np.empty(heater_w.shape, np.float32)
        for row, meter in enumerate(self.meters):
            sensed_w[row] = meter.sense(powers_w[row])
        self._end_day()
        return sensed_w

    def _end_day(self) -> None:
        self._canvas_w[..., :DAY_S] = self._canvas_w[..., DAY_S:]
        self._canvas_w[..., DAY_S:] = 0


def _draw_kettle_habit(make: np.random.Generator, people: Household) -> Habit:
    peaks = (
        Peak("wake", 0.35, 0.25, make.uniform(2, 4)),
        Peak("wake", 2.5, 0.8, make.uniform(0.5, 2)),
        Peak("noon", 0.3, 0.7, make.uniform(0.5, 2)),
        Peak("return", 0.3, 0.6, make.uniform(1, 3)),
        Peak("dinner", 1.0, 0.7, make.uniform(0.5, 2)),
        Peak("sleep", -1.3, 0.7, make.uniform(0.3, 2)),
    )
    return Habit(make.uniform(1.0, 5.0) + 0.6 * people.occupants, peaks, weekend=1.1, winter=0.1)


def _draw_microwave_habit(make: np.random.Generator) -> Habit:
    peaks = (
        Peak("wake", 0.6, 0.4, 2),
        Peak("noon", 0.4, 0.6, 2),
        Peak("dinner", -0.1, 0.6, 3),
        Peak("sleep", -2, 1, 1),
    )
    return Habit(float(np.clip(make.lognormal(1.75, 0.55), 2, 15)), peaks)


def _draw_dishwasher_habit(make: np.random.Generator) -> Habit:
    rate = make.uniform(0.25, 1.1)
    if make.random() < 0.15:
        return Habit(
            rate, (Peak("midnight", make.uniform(0.5, 4), 0.05),), regular=True, unattended=True
        )
    peaks = (
        Peak("dinner", 1.0, 0.6, 5),
        Peak("sleep", -0.8, 0.4, 2),
        Peak("noon", 1.3, 0.8, 2),
        Peak("wake", 1, 0.5, 1),
    )
    return Habit(rate, peaks, weekend=1.2, regular=True)


def _draw_laundry_habit(make: np.random.Generator, people: Household) -> Habit:
    peaks = (
        Peak("wake", 1.0, 0.8, 3),
        Peak("noon", 0, 1.8, 2),
        Peak("return", 0.8, 1.0, 2),
        Peak("midnight", 1.5, 0.3, 0.1),
    )
    return Habit(
        make.uniform(0.3, 0.7) + 0.17 * people.occupants, peaks, weekend=make.uniform(1.0, 2.2)
    )
