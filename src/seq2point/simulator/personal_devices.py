"""Showers, irons, screens and the like: how often each is used, and what it then draws."""

import math

import numpy as np

from seq2point.simulator.habits import Habit, Household, Peak
from seq2point.simulator.noise import draw_texture
from seq2point.simulator.waveforms import (
    Activation,
    ActivationSource,
    Rng,
    Watts,
    draw_levels,
    draw_switching,
    draw_uniform,
    limit,
    make_motor,
    make_resistive,
    make_settling,
    pick,
)


def make_shower(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    """Draw a make of shower: how often it is used, and what its activations draw."""
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
        return make_resistive(heat, 25.0)

    rate = people.occupants * draw_uniform(make, 0.25, 0.6)
    return (
        Habit(
            rate,
            (Peak("wake", 0.4, 0.35, 3), Peak("return", 0.8, 1.0, 1), Peak("sleep", -1.2, 0.6, 1)),
        ),
        draw_activation,
    )


def make_iron(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    """Draw a make of iron: how often it is used, and what its activations draw."""
    rated_w = draw_uniform(make, 1500, 2500)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * draw_uniform(rng, 8, 40)
        on_s = draw_uniform(rng, 8, 18)
        return make_resistive(
            rated_w * draw_switching(rng, seconds, on_s, on_s * draw_uniform(rng, 1.5, 4), 0.35, 6)
        )

    return (
        Habit(
            draw_uniform(make, 0.1, 0.4),
            (Peak("wake", 0.6, 0.3), Peak("dinner", 1.5, 1.0), Peak("noon", 2, 1.5)),
        ),
        draw_activation,
    )


def make_hair_dryer(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    """Draw a make of hair dryer: how often it is used, and what its activations draw."""
    rated_w = draw_uniform(make, 1100, 2100)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * draw_uniform(rng, 1.5, 9)
        level = 1.0 if rng.random() < 0.6 else 0.5
        return make_resistive(level * rated_w * draw_switching(rng, seconds, 100, 6, 0.7), 60.0)

    return (
        Habit(
            draw_uniform(make, 0.2, 1.2), (Peak("wake", 0.8, 0.3, 2), Peak("sleep", -1.5, 0.7, 1))
        ),
        draw_activation,
    )


def make_television(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    """Draw a make of television: how often it is used, and what its activations draw."""
    power_w = draw_uniform(make, 45, 170)
    picture = draw_uniform(make, 0.01, 0.1)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * limit(rng.lognormal(4.5, 0.7), 10, 330)
        return make_motor(
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


def make_computer(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    """Draw a make of computer: how often it is used, and what its activations draw."""
    idle_w = pick(make, [22, 35, 60, 90, 130]) * draw_uniform(make, 0.8, 1.2)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * limit(rng.lognormal(4.6, 0.8), 10, 600)
        load: Watts = np.abs(draw_levels(rng, seconds, 0.25, 20)) + np.abs(
            draw_texture(rng, seconds, 0.08, 3)
        )
        return make_motor(idle_w * (1.0 + load))

    rate = draw_uniform(make, 0.5, 2.2)
    return (
        Habit(
            rate,
            (Peak("wake", 2.0, 1.0, 2), Peak("noon", 1.5, 1.5, 2), Peak("dinner", 1.5, 1.2, 2)),
        ),
        draw_activation,
    )


def make_vacuum(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    """Draw a make of vacuum: how often it is used, and what its activations draw."""
    power_w = draw_uniform(make, 550, 1500)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * draw_uniform(rng, 4, 26)
        curve = (
            power_w
            * make_settling(seconds, 1.12, 1.0, 20)
            * draw_switching(rng, seconds, 240, 12, 0.6)
        )
        return make_motor(curve * (1.0 + draw_texture(rng, seconds, 0.03, 6)))

    return (
        Habit(
            draw_uniform(make, 0.1, 0.45),
            (Peak("noon", -1.5, 1.2), Peak("return", 0.5, 1.2)),
            weekend=1.8,
        ),
        draw_activation,
    )


def make_lamp(make: Rng) -> tuple[Habit, ActivationSource]:
    """Draw a make of lamp: how often it is used, and what its activations draw."""
    power_w = pick(make, [6, 9, 14, 20, 28, 42, 60, 100]) * draw_uniform(make, 0.85, 1.15)
    long_min = draw_uniform(make, 8, 120)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * limit(rng.lognormal(math.log(long_min), 0.8), 0.5, 360)
        return make_resistive(power_w * make_settling(seconds, 1.03, 1.0, 90))

    peaks = (
        Peak("dusk", 0.2, 0.4, 3),
        Peak("wake", 0.1, 0.3, 2),
        Peak("sleep", -2, 1.2, 3),
        Peak("dinner", 0, 1, 2),
    )
    return Habit(draw_uniform(make, 0.7, 3.0), peaks, dark=True), draw_activation


def make_gadget(make: Rng) -> tuple[Habit, ActivationSource]:
    """Draw a make of gadget: how often it is used, and what its activations draw."""
    power_w = limit(make.lognormal(3.2, 0.9), 4, 260)
    long_min = limit(make.lognormal(2.5, 1.2), 0.3, 120)
    busy = draw_uniform(make, 0, 0.15)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * limit(rng.lognormal(math.log(long_min), 0.6), 0.15, 300)
        return make_motor(
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
