"""What cooks besides the five appliances: how often, and what an activation draws."""

from seq2point.simulator.habits import Habit, Household, Peak
from seq2point.simulator.waveforms import (
    Activation,
    ActivationSource,
    Rng,
    Tape,
    draw_switching,
    draw_uniform,
    limit,
    make_motor,
    make_resistive,
    make_settling,
    pick,
)


def make_oven(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    """Draw a make of oven: how often it is used, and what its activations draw."""
    rated_w, fan_w = draw_uniform(make, 1700, 2700), draw_uniform(make, 25, 60)
    period_s = draw_uniform(make, 60, 200)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * draw_uniform(rng, 18, 75)
        duty = draw_uniform(rng, 0.2, 0.42)
        heat_up = 60 * draw_uniform(rng, 5, 12) / (period_s * duty)
        heat = rated_w * draw_switching(
            rng, seconds, period_s * duty, period_s * (1 - duty), 0.12, heat_up
        )
        return make_resistive(heat, fan_w)

    rate = draw_uniform(make, 0.25, 0.8)
    return Habit(
        rate, (Peak("dinner", -0.6, 0.5, 4), Peak("noon", 0, 0.6, 1)), weekend=1.5
    ), draw_activation


def make_hob(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    """Draw a make of hob: how often it is used, and what its activations draw."""
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
        return make_motor(heat) if induction else make_resistive(heat)

    rate = draw_uniform(make, 0.8, 2.4)
    return (
        Habit(
            rate,
            (Peak("dinner", -0.5, 0.4, 4), Peak("noon", 0, 0.4, 1), Peak("wake", 0.6, 0.3, 0.5)),
        ),
        draw_activation,
    )


def make_toaster(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    """Draw a make of toaster: how often it is used, and what its activations draw."""
    rated_w = draw_uniform(make, 750, 1500)
    usual_s = draw_uniform(make, 100, 200)
    rate = draw_uniform(make, 0.3, 1.4)

    def draw_activation(rng: Rng) -> Activation:
        return make_resistive(
            rated_w * make_settling(usual_s * draw_uniform(rng, 0.6, 1.3), 1.04, 1.0, 10)
        )

    return (
        Habit(
            rate,
            (Peak("wake", 0.7, 0.4, 4), Peak("noon", 0.2, 0.6, 1), Peak("sleep", -2, 0.8, 0.5)),
        ),
        draw_activation,
    )


def make_coffee_maker(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    """Draw a make of coffee maker: how often it is used, and what its activations draw."""
    rated_w = draw_uniform(make, 900, 1500)
    espresso = make.random() < 0.5

    def draw_activation(rng: Rng) -> Activation:
        if espresso:
            seconds = draw_uniform(rng, 60, 400)
            return make_resistive(rated_w * draw_switching(rng, seconds, 8, 25, 0.4, 5), 5.0)
        tape = Tape()
        tape.add(draw_uniform(rng, 180, 480), heater=rated_w)
        plate_s = draw_uniform(rng, 600, 2400)
        tape.add(plate_s, heater=80 * draw_switching(rng, plate_s, 60, 70))
        return tape.join()

    return (
        Habit(draw_uniform(make, 0.8, 2.5), (Peak("wake", 0.4, 0.3, 3), Peak("noon", 0.8, 1.0, 1))),
        draw_activation,
    )


def make_slow_cooker(make: Rng, people: Household) -> tuple[Habit, ActivationSource]:
    """Draw a make of slow cooker: how often it is used, and what its activations draw."""
    rated_w = draw_uniform(make, 800, 1800)
    period_s = draw_uniform(make, 40, 120)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * draw_uniform(rng, 10, 40)
        duty = draw_uniform(rng, 0.45, 0.85)
        return make_resistive(
            rated_w * draw_switching(rng, seconds, period_s * duty, period_s * (1 - duty), 0.1, 4),
            40.0,
        )

    return (
        Habit(
            draw_uniform(make, 0.15, 0.7), (Peak("dinner", -0.5, 0.5, 3), Peak("noon", 0, 0.5, 1))
        ),
        draw_activation,
    )
