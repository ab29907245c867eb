"""Kettles, microwaves, dishwashers and washing machines: draw a make, then its activations."""

from collections.abc import Callable

import numpy as np

from seq2point.simulator.waveforms import (
    Activation,
    Tape,
    Watts,
    draw_spans,
    draw_switching,
    draw_texture,
    make_settling,
)

Rng = np.random.Generator
ActivationSource = Callable[[Rng], Activation]
MakeAppliance = Callable[[Rng], ActivationSource]


def make_kettle(make: Rng) -> ActivationSource:
    """Draw a kettle of 2.28 to 2.95 kW: litres and cold water decide how long it boils."""
    rated_w = make.uniform(2280, 2950)
    usual_litres = make.uniform(0.45, 1.1)
    efficiency = make.uniform(0.82, 0.92)
    boil_off_s = make.uniform(4, 16)

    def draw_activation(rng: Rng) -> Activation:
        litres = float(np.clip(usual_litres * np.exp(rng.normal(0, 0.38)), 0.25, 1.7))
        rise_k = rng.uniform(66, 88) if rng.random() > 0.12 else rng.uniform(10, 35)
        seconds = litres * rise_k * 4186 / (rated_w * efficiency) + boil_off_s
        if rng.random() < 0.04:
            seconds *= rng.uniform(0.3, 0.8)
        seconds = min(max(seconds, 18.0), 330.0)
        tape = Tape()
        tape.add(seconds, heater=rated_w * make_settling(seconds, 1.03, 1.0, 6))
        return tape.join()

    return draw_activation


def make_microwave(make: Rng) -> ActivationSource:
    """Draw a microwave: lamp and turntable, a switching magnetron or an inverter, maybe a grill."""
    magnetron_w = make.uniform(1000, 1620)
    turntable_w = make.uniform(25, 65)
    period_s = float(make.choice([22, 26, 30, 30, 32]))
    tired = make.uniform(0.03, 0.16)
    inverter = make.random() < 0.2
    grill_w = make.uniform(900, 1150) if make.random() < 0.25 else 0.0
    haste = make.uniform(0.55, 1.3)
    part_power_share = make.uniform(0.08, 0.4)

    def draw_burst(rng: Rng, seconds: float) -> tuple[Watts, Watts]:
        full = magnetron_w * make_settling(seconds, 1.0, 1.0 - tired, 280)
        grill = np.zeros(len(full), np.float32)
        if grill_w and rng.random() < 0.2:
            grill += grill_w * draw_switching(rng, seconds, 55, 8)
            if rng.random() < 0.5:
                return np.full(len(full), turntable_w, np.float32), grill
        if rng.random() < part_power_share:
            share = float(rng.choice([0.17, 0.33, 0.5, 0.5, 0.65]))
            if inverter:
                return full * share + turntable_w, grill
            full *= draw_switching(rng, seconds, share * period_s, (1 - share) * period_s, 0.03)
        full[:2] *= 0.2
        return full + turntable_w, grill

    def draw_activation(rng: Rng) -> Activation:
        tape = Tape()
        for _ in range(int(rng.geometric(0.8))):
            dial_s = float(rng.choice([20, 30, 45, 60, 60, 90, 120, 120, 180, 300]))
            seconds = dial_s * haste * rng.uniform(0.8, 1.25)
            tape.add(seconds, *draw_burst(rng, seconds))
            tape.add(rng.uniform(4, 25), turntable_w * float(rng.random() < 0.5))
        return tape.join()

    return draw_activation


def make_dishwasher(make: Rng) -> ActivationSource:
    """Draw a dishwasher: fills, circulation, two or three heating phases, drains, drying."""
    heater_w = make.uniform(1780, 2280)
    pump_w = make.uniform(55, 135)
    drain_w = make.uniform(22, 40)
    heats_middle_rinse = make.random() < 0.5
    alternates = make.random() < 0.35
    drying_fan_w = make.uniform(15, 45) if make.random() < 0.3 else 0.0
    usual = make.dirichlet([3.0, 1.4, 0.8])
    heat_scale = make.uniform(0.85, 1.7)

    def draw_pumping(rng: Rng, seconds: float) -> Watts:
        curve = pump_w * make_settling(seconds, 1.03, 0.97, 600) + draw_texture(
            rng, seconds, 0.008 * pump_w, 9
        )
        if alternates:
            curve *= 1.0 - rng.uniform(0.08, 0.14) * draw_switching(rng, seconds, 42, 42, 0.02)
        return curve.astype(np.float32)

    def add_fill(rng: Rng, tape: Tape) -> None:
        tape.add(rng.uniform(50, 110), rng.uniform(5, 9))

    def add_drain(rng: Rng, tape: Tape) -> None:
        seconds = rng.uniform(30, 75)
        tape.add(seconds, drain_w + draw_texture(rng, seconds, 3, 4))
        tape.add(rng.uniform(5, 20), 3.0)

    def add_wash(rng: Rng, tape: Tape, heat_min: float, pump_min: float) -> None:
        add_fill(rng, tape)
        tape.add(seconds := rng.uniform(60, 240), draw_pumping(rng, seconds))
        seconds = 60 * heat_min * heat_scale * rng.uniform(0.9, 1.1)
        heating = np.full(int(seconds), heater_w, np.float32)
        if rng.random() < 0.3:
            at = int(rng.uniform(0.2, 0.9) * seconds)
            heating[at : at + int(rng.uniform(4, 25))] = 0.0
        tape.add(seconds, draw_pumping(rng, seconds), heating)
        seconds = 60 * pump_min * rng.uniform(0.85, 1.15)
        tape.add(seconds, draw_pumping(rng, seconds))
        add_drain(rng, tape)

    def draw_activation(rng: Rng) -> Activation:
        programme = ("normal", "eco", "quick")[int(rng.choice(3, p=usual))]
        tape = Tape()
        if programme == "normal":
            add_fill(rng, tape)
            tape.add(seconds := rng.uniform(180, 540), draw_pumping(rng, seconds))
            add_drain(rng, tape)
            add_wash(rng, tape, 14, rng.uniform(8, 26))
            add_wash(rng, tape, 9 if heats_middle_rinse else 0, rng.uniform(5, 11))
            add_wash(rng, tape, 15, rng.uniform(3, 9))
        elif programme == "eco":
            add_wash(rng, tape, 10, rng.uniform(38, 62))
            add_wash(rng, tape, 0, rng.uniform(5, 9))
            add_wash(rng, tape, 11, rng.uniform(6, 12))
        else:
            add_wash(rng, tape, 9, rng.uniform(5, 9))
            add_wash(rng, tape, 8, rng.uniform(2, 5))
        dry_s = 60 * rng.uniform(15, 40) if programme != "quick" else 240.0
        tape.add(dry_s, drying_fan_w or 2.0)
        add_drain(rng, tape)
        return tape.join()

    return draw_activation


def make_washing_machine(make: Rng) -> ActivationSource:
    """Draw a washing machine: heating, tumbling with reversals, rinses, growing spins."""
    heater_w = make.uniform(1720, 2150)
    tumble_w = make.uniform(70, 210)
    spin_w = make.uniform(240, 600)
    on_s, off_s = make.uniform(8, 24), make.uniform(3, 7)
    uneven = make.uniform(0.03, 0.15)
    one_way = make.uniform(0.0, 0.18)
    litres = make.uniform(9, 14)
    rinses = int(make.choice([2, 2, 3, 3, 4]))
    reheats = make.random() < 0.6
    usual = make.dirichlet([3.0, 1.0, 1.3, 0.5])
    warmth = make.uniform(0.7, 1.7)

    def draw_tumbling(rng: Rng, seconds: float, power: float = 1.0, rest: float = 1.0) -> Watts:
        length = int(seconds)
        spans = draw_spans(rng, length, on_s, off_s * rest, 0.25, 1.0)
        sizes = np.zeros(len(spans), np.float32)
        sizes[::2] = tumble_w * power * np.exp(uneven * rng.standard_normal(len(spans) // 2))
        sizes[::4] *= 1.0 + one_way
        pulses = np.repeat(sizes, spans)
        starts = np.cumsum(spans)[1:-1:2]
        pulses[starts] *= rng.uniform(1.0, 1.6, len(starts)).astype(np.float32)
        return pulses[:length] + np.abs(draw_texture(rng, length, 3, 2)) + np.float32(3.0)

    def draw_balancing(rng: Rng, seconds: float) -> Watts:
        """Draw the tumbling that spreads the laundry before a spin, stronger pulse after pulse."""
        pulses = draw_tumbling(rng, seconds, rng.uniform(1.0, 1.7), rng.uniform(0.7, 1.6))
        return pulses * np.linspace(0.4, 1.3, len(pulses), dtype=np.float32)

    def add_spins(rng: Rng, tape: Tape, strength: float, plateaus: int) -> None:
        for _ in range(int(rng.integers(1, 4))):
            tape.add(seconds := rng.uniform(40, 160), draw_balancing(rng, seconds))
            tape.add(rng.uniform(8, 16), spin_w * rng.uniform(0.25, 0.8))
            tape.add(rng.uniform(6, 30), 6.0)
        for level in np.linspace(0.45, 1.0, plateaus) * strength * rng.uniform(0.9, 1.08):
            rise = rng.uniform(8, 30)
            swing = np.linspace(0.4, rng.uniform(1.0, 1.4), int(rise), dtype=np.float32)
            tape.add(rise, swing * np.float32(level * spin_w))
            hold = rng.uniform(25, 190)
            tape.add(
                hold,
                level * spin_w * make_settling(hold, 1.0, 0.9, 60) + draw_texture(rng, hold, 4, 3),
            )
            if rng.random() < 0.35:
                tape.add(rng.uniform(15, 50), make_settling(50, 40, 8, 8))
        tape.add(rng.uniform(15, 40), make_settling(40, 25, 6, 8))

    def add_drain(rng: Rng, tape: Tape) -> None:
        seconds = rng.uniform(40, 90)
        tape.add(seconds, 28 + draw_texture(rng, seconds, 4, 5))

    def add_fill(rng: Rng, tape: Tape) -> None:
        for _ in range(int(rng.integers(2, 5))):
            tape.add(rng.uniform(12, 35), 8.0)
            tape.add(seconds := rng.uniform(10, 30), draw_tumbling(rng, seconds))

    def draw_activation(rng: Rng) -> Activation:
        programme = ("cotton", "hot", "quick", "cold")[int(rng.choice(4, p=usual))]
        rise_k = (
            {"cotton": 24.0, "hot": 43.0, "quick": 14.0, "cold": 3.0}[programme]
            * warmth
            * rng.uniform(0.85, 1.15)
        )
        tape = Tape()
        add_fill(rng, tape)
        tape.add(seconds := rng.uniform(60, 240), draw_tumbling(rng, seconds))
        heat_s = litres * rise_k * 4186 / (heater_w * 0.9)
        heating = np.full(int(heat_s), heater_w, np.float32)
        if rng.random() < 0.25:
            for at in rng.uniform(0, heat_s, 3):
                heating[int(at) : int(at) + int(rng.uniform(6, 20))] = 0.0
        tape.add(heat_s, draw_tumbling(rng, heat_s), heating)
        wash_min = {"cotton": 34.0, "hot": 40.0, "quick": 10.0, "cold": 24.0}[
            programme
        ] * rng.uniform(0.85, 1.2)
        for _ in range(3 if reheats and programme in ("cotton", "hot") else 0):
            tape.add(seconds := rng.uniform(200, 420), draw_tumbling(rng, seconds))
            seconds = rng.uniform(25, 70)
            tape.add(seconds, draw_tumbling(rng, seconds), heater_w)
            wash_min -= 5.5
        tape.add(seconds := 60 * max(wash_min, 3), draw_tumbling(rng, seconds))
        count = max(rinses - 1, 1) if programme == "quick" else rinses
        for rinse in range(count):
            add_drain(rng, tape)
            if rinse:
                add_spins(rng, tape, rng.uniform(0.5, 0.85), int(rng.integers(1, 3)))
            add_fill(rng, tape)
            tape.add(
                seconds := 60 * rng.uniform(2.5, 7),
                draw_tumbling(rng, seconds, rng.uniform(0.9, 1.3), 1.5),
            )
        add_drain(rng, tape)
        tape.add(seconds := rng.uniform(60, 160), draw_tumbling(rng, seconds, 0.7))
        add_spins(rng, tape, 1.0, int(rng.integers(2, 6)))
        tape.add(seconds := rng.uniform(40, 150), draw_tumbling(rng, seconds, 0.5))
        tape.add(rng.uniform(60, 400), 3.0)
        return tape.join()

    return draw_activation
