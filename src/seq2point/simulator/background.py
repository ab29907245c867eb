"""The other devices of a house, which a network must not mistake for the five appliances."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from seq2point.simulator import large_loads
from seq2point.simulator.habits import Habit, Household, Peak
from seq2point.simulator.noise import draw_texture
from seq2point.simulator.streams import Streams
from seq2point.simulator.waveforms import (
    NOTHING,
    Activation,
    ActivationSource,
    Rng,
    Tape,
    Watts,
    draw_levels,
    draw_switching,
    draw_uniform,
    limit,
    make_settling,
    pick,
)


@dataclass(frozen=True)
class Device:
    """A device that is used now and then: its habit, and what draws its activations."""

    name: str
    habit: Habit
    draw_activation: ActivationSource


def make_devices(streams: Streams, people: Household) -> list[Device]:
    """Draw the devices of one house besides the five appliances."""
    rng = streams.open("devices")
    lamps, gadgets = int(rng.integers(5, 11)), int(rng.integers(2, 7))
    owned = [kind for kind in _KINDS if rng.random() < kind[1]]
    devices = [
        Device(name, *build(streams.open(f"{name} make"), people)) for name, _, build in owned
    ]
    for kind, count, make_kind in (("lamp", lamps, _make_lamp), ("gadget", gadgets, _make_gadget)):
        for name in (f"{kind} {number}" for number in range(count)):
            devices.append(Device(name, *make_kind(streams.open(f"{name} make"))))
    return devices


def _make_resistive(curve: Watts, motor_w: float = 0.0) -> Activation:
    return Activation(curve, np.full(len(curve), motor_w, np.float32) if motor_w else NOTHING)


def _make_motor(curve: Watts) -> Activation:
    return Activation(motor_w=np.maximum(curve, 0))


def _make_oven(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    rated_w, fan_w = draw_uniform(make, 1700, 2700), draw_uniform(make, 25, 60)
    period_s = draw_uniform(make, 60, 200)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * draw_uniform(rng, 18, 75)
        duty = draw_uniform(rng, 0.2, 0.42)
        heat_up = 60 * draw_uniform(rng, 5, 12) / (period_s * duty)
        heat = rated_w * draw_switching(
            rng, seconds, period_s * duty, period_s * (1 - duty), 0.12, heat_up
        )
        return _make_resistive(heat, fan_w)

    rate = draw_uniform(make, 0.25, 0.8)
    return Habit(
        rate, (Peak("dinner", -0.6, 0.5, 4), Peak("noon", 0, 0.6, 1)), weekend=1.5
    ), draw_activation


def _make_hob(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    rings_w = [pick(make, (1200, 1500, 1800, 2100, 2300)) for _ in range(4)]
    induction = make.random() < 0.35
    period_s = draw_uniform(make, 3, 8) if induction else draw_uniform(make, 22, 60)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * limit(rng.lognormal(2.5, 0.6), 2, 60)
        duty = draw_uniform(rng, 0.12, 0.75)
        lead = 60 * draw_uniform(rng, 1, 6) / (period_s * duty)
        ring = pick(rng, rings_w) * draw_uniform(rng, 0.97, 1.03)
        heat = ring * draw_switching(
            rng, seconds, period_s * duty, period_s * (1 - duty), 0.06, lead
        )
        return _make_motor(heat) if induction else _make_resistive(heat)

    rate = draw_uniform(make, 0.8, 2.4)
    return (
        Habit(
            rate,
            (Peak("dinner", -0.5, 0.4, 4), Peak("noon", 0, 0.4, 1), Peak("wake", 0.6, 0.3, 0.5)),
        ),
        draw_activation,
    )


def _make_shower(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    rated_w = pick(make, [7000, 7500, 8500, 9000, 9500, 10500]) * draw_uniform(make, 0.95, 1.03)
    low = make.random() < 0.3

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * limit(rng.lognormal(1.75, 0.4), 2, 16)
        level = rated_w * (0.5 if low and rng.random() < 0.6 else 1.0)
        heat = level * draw_switching(rng, seconds, seconds * 2, 30) if rng.random() < 0.8 else None
        if heat is None:
            heat = level * draw_switching(
                rng, seconds, seconds * draw_uniform(rng, 0.2, 0.6), draw_uniform(rng, 20, 90)
            )
        return _make_resistive(heat, 25.0)

    rate = people.occupants * draw_uniform(make, 0.25, 0.6)
    return (
        Habit(
            rate,
            (Peak("wake", 0.4, 0.35, 3), Peak("return", 0.8, 1.0, 1), Peak("sleep", -1.2, 0.6, 1)),
        ),
        draw_activation,
    )


def _make_toaster(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    rated_w = draw_uniform(make, 750, 1500)
    usual_s = draw_uniform(make, 100, 200)
    rate = draw_uniform(make, 0.3, 1.4)

    def draw_activation(rng: Rng) -> Activation:
        return _make_resistive(
            rated_w * make_settling(usual_s * draw_uniform(rng, 0.6, 1.3), 1.04, 1.0, 10)
        )

    return (
        Habit(
            rate,
            (Peak("wake", 0.7, 0.4, 4), Peak("noon", 0.2, 0.6, 1), Peak("sleep", -2, 0.8, 0.5)),
        ),
        draw_activation,
    )


def _make_iron(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    rated_w = draw_uniform(make, 1500, 2500)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * draw_uniform(rng, 8, 40)
        on_s = draw_uniform(rng, 8, 18)
        return _make_resistive(
            rated_w * draw_switching(rng, seconds, on_s, on_s * draw_uniform(rng, 1.5, 4), 0.35, 6)
        )

    return (
        Habit(
            draw_uniform(make, 0.1, 0.4),
            (Peak("wake", 0.6, 0.3), Peak("dinner", 1.5, 1.0), Peak("noon", 2, 1.5)),
        ),
        draw_activation,
    )


def _make_hair_dryer(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    rated_w = draw_uniform(make, 1100, 2100)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * draw_uniform(rng, 1.5, 9)
        level = 1.0 if rng.random() < 0.6 else 0.5
        return _make_resistive(level * rated_w * draw_switching(rng, seconds, 100, 6, 0.7), 60.0)

    return (
        Habit(
            draw_uniform(make, 0.2, 1.2), (Peak("wake", 0.8, 0.3, 2), Peak("sleep", -1.5, 0.7, 1))
        ),
        draw_activation,
    )


def _make_television(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    power_w = draw_uniform(make, 45, 170)
    picture = draw_uniform(make, 0.01, 0.1)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * limit(rng.lognormal(4.5, 0.7), 10, 330)
        return _make_motor(
            power_w
            * (
                1.0
                + draw_levels(rng, seconds, picture, 12)
                + draw_texture(rng, seconds, picture, 300)
            )
        )

    rate = draw_uniform(make, 1.2, 2.6)
    peaks = (
        Peak("dinner", 1.0, 0.8, 4),
        Peak("return", 0.5, 1.0, 2),
        Peak("wake", 0.8, 0.5, 1),
        Peak("noon", 1, 2, 1),
    )
    return Habit(rate, peaks, weekend=1.4), draw_activation


def _make_computer(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    idle_w = pick(make, [22, 35, 60, 90, 130]) * draw_uniform(make, 0.8, 1.2)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * limit(rng.lognormal(4.6, 0.8), 10, 600)
        load: Watts = np.abs(draw_levels(rng, seconds, 0.25, 20)) + np.abs(
            draw_texture(rng, seconds, 0.08, 3)
        )
        return _make_motor(idle_w * (1.0 + load))

    rate = draw_uniform(make, 0.5, 2.2)
    return (
        Habit(
            rate,
            (Peak("wake", 2.0, 1.0, 2), Peak("noon", 1.5, 1.5, 2), Peak("dinner", 1.5, 1.2, 2)),
        ),
        draw_activation,
    )


def _make_vacuum(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    power_w = draw_uniform(make, 550, 1500)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * draw_uniform(rng, 4, 26)
        curve = (
            power_w
            * make_settling(seconds, 1.12, 1.0, 20)
            * draw_switching(rng, seconds, 240, 12, 0.6)
        )
        return _make_motor(curve * (1.0 + draw_texture(rng, seconds, 0.03, 6)))

    return (
        Habit(
            draw_uniform(make, 0.1, 0.45),
            (Peak("noon", -1.5, 1.2), Peak("return", 0.5, 1.2)),
            weekend=1.8,
        ),
        draw_activation,
    )


def _make_space_heater(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    rated_w = pick(make, [750, 1000, 1500, 2000, 2500]) * draw_uniform(make, 0.93, 1.02)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * draw_uniform(rng, 20, 180)
        on_s = draw_uniform(rng, 120, 700)
        return _make_resistive(
            rated_w * draw_switching(rng, seconds, on_s, on_s * draw_uniform(rng, 0.4, 2), 0.2, 3)
        )

    peaks = (Peak("wake", 0.3, 0.4, 2), Peak("dinner", 1.5, 1.5, 3), Peak("noon", 1, 2, 1))
    return Habit(draw_uniform(make, 0.2, 0.8), peaks, winter=1.0), draw_activation


def _make_boiler(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    pump_w, burner_w = draw_uniform(make, 35, 95), draw_uniform(make, 25, 60)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * draw_uniform(rng, 40, 210)
        burning = draw_switching(rng, seconds, 420, 300, 0.3, 3)
        burning *= 1.0 + draw_texture(rng, seconds, 0.1, 60)
        return _make_motor(pump_w + burner_w * burning)

    peaks = (
        Peak("wake", -0.5, 0.3, 3),
        Peak("return", 0.2, 0.5, 3),
        Peak("dinner", 1.5, 0.8, 2),
        Peak("noon", 0, 2, 1),
    )
    return Habit(2.2, peaks, winter=0.75, regular=True, unattended=True), draw_activation


def _make_coffee_maker(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    rated_w = draw_uniform(make, 900, 1500)
    espresso = make.random() < 0.5

    def draw_activation(rng: Rng) -> Activation:
        if espresso:
            seconds = draw_uniform(rng, 60, 400)
            return _make_resistive(rated_w * draw_switching(rng, seconds, 8, 25, 0.4, 5), 5.0)
        tape = Tape()
        tape.add(draw_uniform(rng, 180, 480), heater=rated_w)
        plate_s = draw_uniform(rng, 600, 2400)
        tape.add(plate_s, heater=80 * draw_switching(rng, plate_s, 60, 70))
        return tape.join()

    return (
        Habit(draw_uniform(make, 0.8, 2.5), (Peak("wake", 0.4, 0.3, 3), Peak("noon", 0.8, 1.0, 1))),
        draw_activation,
    )


def _make_slow_cooker(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    rated_w = draw_uniform(make, 800, 1800)
    period_s = draw_uniform(make, 40, 120)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * draw_uniform(rng, 10, 40)
        duty = draw_uniform(rng, 0.45, 0.85)
        return _make_resistive(
            rated_w * draw_switching(rng, seconds, period_s * duty, period_s * (1 - duty), 0.1, 4),
            40.0,
        )

    return (
        Habit(
            draw_uniform(make, 0.15, 0.7), (Peak("dinner", -0.5, 0.5, 3), Peak("noon", 0, 0.5, 1))
        ),
        draw_activation,
    )


def _make_dehumidifier(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    power_w = draw_uniform(make, 160, 340)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * draw_uniform(rng, 120, 420)
        running = draw_switching(
            rng, seconds, draw_uniform(rng, 900, 2400), draw_uniform(rng, 400, 1500), 0.15
        )
        return _make_motor(power_w * running * make_settling(seconds, 1.1, 0.97, 900) + 25)

    return (
        Habit(
            draw_uniform(make, 0.2, 0.9),
            (Peak("wake", 1, 2), Peak("dinner", 2, 2)),
            winter=0.4,
            unattended=True,
        ),
        draw_activation,
    )


def _make_lamp(make: Rng) -> tuple[Habit, ActivationSource]:
    power_w = pick(make, [6, 9, 14, 20, 28, 42, 60, 100]) * draw_uniform(make, 0.85, 1.15)
    long_min = draw_uniform(make, 8, 120)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * limit(rng.lognormal(math.log(long_min), 0.8), 0.5, 360)
        return _make_resistive(power_w * make_settling(seconds, 1.03, 1.0, 90))

    peaks = (
        Peak("dusk", 0.2, 0.4, 3),
        Peak("wake", 0.1, 0.3, 2),
        Peak("sleep", -2, 1.2, 3),
        Peak("dinner", 0, 1, 2),
    )
    return Habit(draw_uniform(make, 0.7, 3.0), peaks, dark=True), draw_activation


def _make_gadget(make: Rng) -> tuple[Habit, ActivationSource]:
    power_w = limit(make.lognormal(3.2, 0.9), 4, 260)
    long_min = limit(make.lognormal(2.5, 1.2), 0.3, 120)
    busy = draw_uniform(make, 0, 0.15)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * limit(rng.lognormal(math.log(long_min), 0.6), 0.15, 300)
        return _make_motor(
            power_w
            * (
                make_settling(seconds, draw_uniform(rng, 1, 1.3), 1, 30)
                + draw_texture(rng, seconds, busy, 8)
            )
        )

    peaks = (
        Peak("wake", 1, 1.0),
        Peak("noon", 0, 2.5),
        Peak("dinner", 0, 1.5),
        Peak("midnight", 12, 6),
    )
    return Habit(draw_uniform(make, 0.5, 4), peaks, unattended=make.random() < 0.3), draw_activation


_KINDS: tuple[
    tuple[str, float, Callable[[Rng, Household], tuple[Habit, ActivationSource]]], ...
] = (
    ("oven", 0.65, _make_oven),
    ("hob", 0.5, _make_hob),
    ("shower", 0.42, _make_shower),
    ("toaster", 0.85, _make_toaster),
    ("iron", 0.8, _make_iron),
    ("hair dryer", 0.7, _make_hair_dryer),
    ("television", 1.0, _make_television),
    ("second television", 0.5, _make_television),
    ("computer", 0.85, _make_computer),
    ("second computer", 0.5, _make_computer),
    ("vacuum cleaner", 0.95, _make_vacuum),
    ("tumble dryer", 0.42, large_loads.make_tumble_dryer),
    ("immersion heater", 0.15, large_loads.make_immersion_heater),
    ("space heater", 0.3, _make_space_heater),
    ("boiler", 0.75, _make_boiler),
    ("coffee maker", 0.3, _make_coffee_maker),
    ("instant heater", 0.15, large_loads.make_instant_heater),
    ("air fryer", 0.35, _make_slow_cooker),
    ("dehumidifier", 0.15, _make_dehumidifier),
    ("car", 0.08, large_loads.make_car_charger),
    ("heat pump", 0.07, large_loads.make_heat_pump),
    ("air conditioner", 0.06, large_loads.make_air_conditioner),
    ("storage heaters", 0.06, large_loads.make_storage_heater),
    ("ventilation", 0.15, large_loads.make_ventilation),
)
