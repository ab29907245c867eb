"""Synthetic houses: people, the five appliances and everything else, second by second."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from seq2point.appliances import APPLIANCES
from seq2point.simulator.background import Device, make_devices
from seq2point.simulator.cold import ColdBox
from seq2point.simulator.habits import DAY_S, Day, Habit, Household, Peak
from seq2point.simulator.makes import MAKES
from seq2point.simulator.meters import Meter
from seq2point.simulator.noise import draw_hiss
from seq2point.simulator.solar import Panels
from seq2point.simulator.streams import Streams
from seq2point.simulator.supply import Drift, Supply
from seq2point.simulator.waveforms import Activation, limit

NAMES = tuple(APPLIANCES)
_WITH_PANELS = 0.08
"""Share of the houses with solar panels."""


class House:
    """A synthetic house. `simulate_day` returns its days in order from `first_day`, an ordinal.

    Only the appliances of `columns` are measured beside the mains, so one is quicker than all.
    `owned` are those of the five that the house has.
    """

    def __init__(
        self,
        seed: int,
        first_day: int,
        columns: Sequence[str] = NAMES,
        owned: Sequence[str] = NAMES,
    ) -> None:
        self._streams, self._today = Streams(seed), first_day
        self._columns = tuple(columns)
        self._owned = owned
        stream = self._streams.open
        make = stream("house")
        freezers = int(make.choice([0, 0, 1, 1, 2]))
        self._base_w = limit(make.lognormal(4.45, 0.8), 30, 450)
        self._base = Drift(make.uniform(0.01, 0.06), 5400, 120)
        self._base_ripple = make.uniform(0.0, 0.015)
        self._standby_w = {name: float(make.choice([0, 0, 0, 1, 2, 4])) for name in NAMES}
        self._standby_w |= {name: 0.0 for name in NAMES if name not in owned}
        self._clamp_excess = make.uniform(1.0, 1.12) if make.random() < 0.4 else 1.0
        hold_s = int(make.choice([1, 1, 6, 8]))
        self.people = Household.draw(stream("people"))
        self._machines = [*self._make_machines(), *make_devices(self._streams, self.people)]
        fridges = ["fridge"] if "fridge" in owned else []
        self._cold = {
            name: ColdBox(stream(f"{name} make"))
            for name in [*fridges, *(f"freezer {number}" for number in range(freezers))]
        }
        self._supply = Supply(stream("supply"))
        self.meters = [Meter.draw_plug(stream(f"{name} meter"), hold_s) for name in columns]
        self.meters.append(Meter.draw_mains(stream("mains meter")))
        solar = stream("solar")
        self._panels = Panels(solar) if solar.random() < _WITH_PANELS else None
        self._free_from_s: dict[str, int] = {}
        self._mains_alone = (-1,)
        self._rows = {name: (-1, row) for row, name in enumerate(columns)}
        self._day_w, self._next_day_w = np.zeros((2, len(columns) + 1, 2, DAY_S), np.float32)

    def _make_machines(self) -> Iterator[Device]:
        for name in MAKES:
            if name in self._owned:
                habit = self._draw_habit(name)
                yield Device(name, habit, MAKES[name](self._streams.open(f"{name} make")))

    def _draw_habit(self, name: str) -> Habit:
        rng = self._streams.open(f"{name} habit")
        if name == "kettle":
            return _draw_kettle_habit(rng, self.people)
        if name == "microwave":
            return _draw_microwave_habit(rng)
        if name == "dishwasher":
            return _draw_dishwasher_habit(rng)
        return _draw_laundry_habit(rng, self.people)

    def open_noise(self, name: str) -> np.random.Generator:
        """Return the generator of a meter's noise on the day that was simulated last."""
        return self._streams.open(f"{name} noise", self._today - 1)

    def simulate_day(self) -> npt.NDArray[np.float32]:
        """Return a day's power as the meters sense it, without noise.

        It is f32[columns + 1, 86400] in watts, the mains last.
        """
        day = self._draw_activations()
        power_w = self._measure(day)
        self._end_day()
        return power_w

    def skip_day(self) -> None:
        """Draw a day that nobody measures: those of its second half reach into the next one."""
        self._draw_activations(from_s=DAY_S // 2)
        self._end_day()

    def _draw_activations(self, from_s: int = 0) -> Day:
        """Draw the activations of a day that begin at `from_s` or later."""
        ordinal = self._today
        self._today += 1
        trip = self.people.draw_trip(self._streams.open("week", (ordinal - 1) // 7))
        day = self.people.draw_day(ordinal, trip, self._streams.open("day", ordinal))
        for name, box in self._cold.items():
            for start_s, activation in box.draw_cycles(day, self._streams.open(name, ordinal)):
                self._place(name, start_s, activation)
        for machine in self._machines:
            rng = self._streams.open(machine.name, ordinal)
            free_s = self._free_from_s.pop(machine.name, 0) - DAY_S
            for start_s in day.draw_starts(machine.habit, rng):
                if start_s < from_s:
                    continue
                if start_s < free_s:
                    start_s = free_s + int(rng.uniform(20, 600))
                activation = machine.draw_activation(rng)
                free_s = start_s + activation.seconds
                self._place(machine.name, start_s, activation)
            self._free_from_s[machine.name] = free_s
        return day

    def _place(self, name: str, start_s: int, activation: Activation) -> None:
        rows = self._rows.get(name, self._mains_alone)
        for kind, power_w in enumerate(activation):
            if not len(power_w):
                continue
            end_s = start_s + len(power_w)
            for row in rows:
                if start_s < DAY_S:
                    today_w = self._day_w[row, kind, start_s:end_s]
                    today_w += power_w[: DAY_S - start_s]
                if end_s > DAY_S:
                    later_w = self._next_day_w[row, kind, max(start_s - DAY_S, 0) : end_s - DAY_S]
                    skipped = max(DAY_S - start_s, 0)
                    later_w += power_w[skipped : skipped + len(later_w)]

    def _measure(self, day: Day) -> npt.NDArray[np.float32]:
        heater_w, motor_w = self._day_w[:, 0], self._day_w[:, 1]
        rng = self._streams.open("power", day.ordinal)
        wobble = self._base.draw_day(rng)
        wobble += draw_hiss(rng, DAY_S, self._base_ripple)
        wobble += 1
        motor_w[-1] += np.float32(self._base_w) * np.maximum(wobble, 0.2, out=wobble)
        motor_w[-1] += np.float32(sum(self._standby_w.values()))
        for row, name in enumerate(self._columns):
            motor_w[row] += np.float32(self._standby_w[name])
        voltage = self._supply.draw_day(rng, heater_w[-1] + motor_w[-1])
        heater_w *= np.square(voltage, out=voltage)
        motor_w[-1] *= np.float32(self._clamp_excess)
        motor_w += heater_w
        if self._panels:
            solar_w = self._panels.draw_day(day, self._streams.open("sun", day.ordinal))
            motor_w[-1] = self._panels.subtract(motor_w[-1], solar_w)
        return np.stack(
            [meter.sense(power_w) for meter, power_w in zip(self.meters, motor_w, strict=True)]
        )

    def _end_day(self) -> None:
        self._day_w, self._next_day_w = self._next_day_w, self._day_w
        self._next_day_w.fill(0)


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
    return Habit(limit(make.lognormal(1.75, 0.55), 2, 15), peaks)


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
