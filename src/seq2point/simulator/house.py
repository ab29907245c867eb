"""A house drawn from its seed: people, the five appliances and everything else, second by second."""

import zlib

import numpy as np
import numpy.typing as npt

from seq2point.appliances import APPLIANCES
from seq2point.simulator import cycles
from seq2point.simulator.background import Device, make_devices
from seq2point.simulator.cold import ColdBox
from seq2point.simulator.habits import DAY_S, Habit, Household, Peak
from seq2point.simulator.meters import Meter
from seq2point.simulator.supply import Drift, Supply
from seq2point.simulator.waveforms import Use, Watts

NAMES = tuple(APPLIANCES)


class House:
    """A synthetic house; `next_day` gives its days in order from `first_day` (a proleptic ordinal).

    Every draw comes from a generator of its own, seeded with (seed, what it is for, day), so that
    the habits of a date stay the same whatever else changes.
    """

    def __init__(self, seed: int, first_day: int) -> None:
        self._seed, self._today = seed, first_day
        make = self._draws("house")
        self.people = Household.draw(self._draws("people"))
        self._machines = [
            Device(
                "kettle",
                _kettle_habit(self._draws("kettle habit"), self.people),
                self._make(cycles.kettle),
            ),
            Device(
                "microwave",
                _microwave_habit(self._draws("microwave habit")),
                self._make(cycles.microwave),
            ),
            Device(
                "dishwasher",
                _dishwasher_habit(self._draws("dishwasher habit")),
                self._make(cycles.dishwasher),
            ),
            Device(
                "washing_machine",
                _laundry_habit(self._draws("laundry"), self.people),
                self._make(cycles.washing_machine),
            ),
            *make_devices(self._draws("devices"), self.people),
        ]
        self._cold = {"fridge": ColdBox(self._draws("fridge"))}
        for number in range(int(make.choice([0, 0, 1, 1, 2]))):
            self._cold[f"freezer {number}"] = ColdBox(self._draws(f"freezer {number}"))
        self._supply = Supply(self._draws("supply"))
        self._base_w = float(np.clip(make.lognormal(4.45, 0.8), 30, 450))
        self._base = Drift(make.uniform(0.01, 0.06), 5400, 60)
        self._base_ripple = make.uniform(0.0, 0.015)
        self._standby_w = {name: float(make.choice([0, 0, 0, 0, 1, 2])) for name in NAMES}
        self._clamp_excess = make.uniform(1.0, 1.12) if make.random() < 0.4 else 1.0
        hold_s = int(make.choice([1, 1, 6, 8]))
        self.meters = [Meter.plug(self._draws(f"{name} meter"), hold_s) for name in NAMES]
        self.meters.append(Meter.mains(self._draws("mains meter")))
        self._free_from_s: dict[str, int] = {}
        self._heater_w = np.zeros((len(NAMES) + 1, 2 * DAY_S), np.float32)
        self._motor_w = np.zeros_like(self._heater_w)

    def _draws(self, purpose: str, day: int = 0) -> np.random.Generator:
        return np.random.default_rng([self._seed, zlib.crc32(purpose.encode()), day])

    def _make(self, build: cycles.Maker) -> cycles.Programme:
        return build(self._draws(f"{build.__name__} make"))

    def next_day(self) -> tuple[npt.NDArray[np.float32], np.random.Generator]:
        """Powers as the meters see them, f32[6, 86400] with the mains last, and the noise's
        generator.
        """
        ordinal = self._today
        self._today += 1
        day = self.people.day(
            ordinal, self._draws("day", ordinal), self._draws("week", (ordinal - 1) // 7)
        )
        for name, box in self._cold.items():
            for start_s, use in box.cycles(day, self._draws(name, ordinal)):
                self._place(name, start_s, use)
        for machine in self._machines:
            rng = self._draws(machine.name, ordinal)
            free_s = self._free_from_s.pop(machine.name, 0) - DAY_S
            for start_s in day.starts(machine.habit, rng):
                if start_s < free_s:
                    start_s = free_s + int(rng.uniform(20, 600))
                use = machine.use(rng)
                free_s = start_s + len(use.motor_w)
                self._place(machine.name, start_s, use)
            self._free_from_s[machine.name] = free_s
        return self._metered(self._draws("power", ordinal)), self._draws("noise", ordinal)

    def _place(self, name: str, start_s: int, use: Use) -> None:
        row = NAMES.index(name) if name in NAMES else len(NAMES)
        for canvas, power_w in ((self._heater_w, use.heater_w), (self._motor_w, use.motor_w)):
            room = canvas[row, start_s : start_s + len(power_w)]
            room += power_w[: len(room)]

    def _metered(self, rng: np.random.Generator) -> npt.NDArray[np.float32]:
        heater_w, motor_w = self._heater_w[:, :DAY_S], self._motor_w[:, :DAY_S]
        for row, name in enumerate(NAMES):
            motor_w[row] += self._standby_w[name]
        wobble = self._base.day(rng) + rng.standard_normal(DAY_S, np.float32) * np.float32(
            self._base_ripple
        )
        motor_w[-1] += np.float32(self._base_w) * np.maximum(1 + wobble, 0.2)
        voltage = self._supply.day(rng, heater_w.sum(axis=0) + motor_w.sum(axis=0))
        heater_w *= voltage * voltage
        whole: Watts = heater_w.sum(axis=0) + np.float32(self._clamp_excess) * motor_w.sum(axis=0)
        true_w = [*(heater_w[:-1] + motor_w[:-1]), whole]
        seen = np.stack(
            [meter.see(power_w) for meter, power_w in zip(self.meters, true_w, strict=True)]
        )
        for canvas in (self._heater_w, self._motor_w):
            canvas[:, :DAY_S] = canvas[:, DAY_S:]
            canvas[:, DAY_S:] = 0
        return seen


def _kettle_habit(make: np.random.Generator, people: Household) -> Habit:
    peaks = (
        Peak("wake", 0.35, 0.25, make.uniform(2, 4)),
        Peak("wake", 2.5, 0.8, make.uniform(0.5, 2)),
        Peak("noon", 0.3, 0.7, make.uniform(0.5, 2)),
        Peak("return", 0.3, 0.6, make.uniform(1, 3)),
        Peak("dinner", 1.0, 0.7, make.uniform(0.5, 2)),
        Peak("sleep", -1.3, 0.7, make.uniform(0.3, 2)),
    )
    return Habit(make.uniform(1.0, 5.0) + 0.6 * people.occupants, peaks, weekend=1.1, winter=0.1)


def _microwave_habit(make: np.random.Generator) -> Habit:
    peaks = (
        Peak("wake", 0.6, 0.4, 2),
        Peak("noon", 0.4, 0.6, 2),
        Peak("dinner", -0.1, 0.6, 3),
        Peak("sleep", -2, 1, 1),
    )
    return Habit(float(np.clip(make.lognormal(1.75, 0.55), 2, 15)), peaks)


def _dishwasher_habit(make: np.random.Generator) -> Habit:
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


def _laundry_habit(make: np.random.Generator, people: Household) -> Habit:
    peaks = (
        Peak("wake", 1.0, 0.8, 3),
        Peak("noon", 0, 1.8, 2),
        Peak("return", 0.8, 1.0, 2),
        Peak("midnight", 1.5, 0.3, 0.1),
    )
    return Habit(
        make.uniform(0.3, 0.7) + 0.17 * people.occupants, peaks, weekend=make.uniform(1.0, 2.2)
    )
