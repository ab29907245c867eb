"""Small devices that heat and dry rooms: how often each runs, and what it then draws."""

from seq2point.simulator.habits import Habit, Household, Peak
from seq2point.simulator.noise import draw_texture
from seq2point.simulator.waveforms import (
    Activation,
    ActivationSource,
    Rng,
    draw_switching,
    draw_uniform,
    make_motor,
    make_resistive,
    make_settling,
    pick,
)


def make_space_heater(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    """Draw a make of space heater: how often it is used, and what its activations draw."""
    rated_w = pick(make, [750, 1000, 1500, 2000, 2500]) * draw_uniform(make, 0.93, 1.02)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * draw_uniform(rng, 20, 180)
        on_s = draw_uniform(rng, 120, 700)
        return make_resistive(
            rated_w * draw_switching(rng, seconds, on_s, on_s * draw_uniform(rng, 0.4, 2), 0.2, 3)
        )

    peaks = (Peak("wake", 0.3, 0.4, 2), Peak("dinner", 1.5, 1.5, 3), Peak("noon", 1, 2, 1))
    return Habit(draw_uniform(make, 0.2, 0.8), peaks, winter=1.0), draw_activation


def make_boiler(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    """Draw a make of boiler: how often it is used, and what its activations draw."""
    pump_w, burner_w = draw_uniform(make, 35, 95), draw_uniform(make, 25, 60)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * draw_uniform(rng, 40, 210)
        burning = draw_switching(rng, seconds, 420, 300, 0.3, 3)
        burning *= 1.0 + draw_texture(rng, seconds, 0.1, 60)
        return make_motor(pump_w + burner_w * burning)

    peaks = (
        Peak("wake", -0.5, 0.3, 3),
        Peak("return", 0.2, 0.5, 3),
        Peak("dinner", 1.5, 0.8, 2),
        Peak("noon", 0, 2, 1),
    )
    return Habit(2.2, peaks, winter=0.75, regular=True, unattended=True), draw_activation


def make_dehumidifier(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    """Draw a make of dehumidifier: how often it is used, and what its activations draw."""
    power_w = draw_uniform(make, 160, 340)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * draw_uniform(rng, 120, 420)
        running = draw_switching(
            rng, seconds, draw_uniform(rng, 900, 2400), draw_uniform(rng, 400, 1500), 0.15
        )
        return make_motor(power_w * running * make_settling(seconds, 1.1, 0.97, 900) + 25)

    return (
        Habit(
            draw_uniform(make, 0.2, 0.9),
            (Peak("wake", 1, 2), Peak("dinner", 2, 2)),
            winter=0.4,
            unattended=True,
        ),
        draw_activation,
    )
