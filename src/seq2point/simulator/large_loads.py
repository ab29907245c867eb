"""Large loads of some houses: cars, heat pumps, air conditioning, dryers, hot water, storage."""

import math

import numpy as np

from seq2point.simulator.habits import DAY_S, Habit, Household, Peak
from seq2point.simulator.noise import draw_texture
from seq2point.simulator.waveforms import (
    Activation,
    ActivationSource,
    Rng,
    Watts,
    draw_log_uniform,
    draw_switching,
    draw_uniform,
    make_settling,
    pick,
)

DeviceDraw = tuple[Habit, ActivationSource]


def make_car_charger(make: Rng, people: Household) -> DeviceDraw:
    """Draw a car that charges at 2.3, 3.6 or 7.4 kW for hours, at night or on coming home."""
    rated_w = pick(make, [2300, 3600, 3600, 7400, 7400]) * draw_uniform(make, 0.94, 1.02)
    taper_s = draw_uniform(make, 120, 2400)
    hours = draw_log_uniform(make, 0.8, 5)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 3600 * min(hours * math.exp(0.5 * rng.standard_normal()), 9.0)
        curve = rated_w * (1.0 + draw_texture(rng, seconds, 0.003, 30))
        taper = make_settling(min(taper_s, seconds), 1.0, 0.15, 0.5 * taper_s)
        curve[len(curve) - len(taper) :] *= taper
        return Activation(motor_w=curve)

    at_night = Peak("midnight", draw_uniform(make, 0.3, 3), 0.02)
    peak = at_night if make.random() < 0.5 else Peak("return", 0.3, 0.4)
    return Habit(
        draw_uniform(make, 0.25, 0.9), (peak,), winter=0.2, unattended=True
    ), draw_activation


def make_heat_pump(make: Rng, people: Household) -> DeviceDraw:
    """Draw a heat pump that modulates between 0.5 and 4 kW all day, or switches on and off."""
    most_w = draw_log_uniform(make, 1000, 4000)
    least_w = draw_uniform(make, 0.25, 0.5) * most_w
    pump_w = draw_uniform(make, 20, 90)
    switches = make.random() < 0.35
    on_s, off_s = draw_log_uniform(make, 500, 3600), draw_log_uniform(make, 400, 4000)
    defrosts = make.random() < 0.5

    def draw_activation(rng: Rng) -> Activation:
        hours = np.arange(DAY_S // 300 + 2) / 12
        wave = np.sin(2 * np.pi * (hours - draw_uniform(rng, 2, 5)) / 24)
        slow = np.interp(np.arange(DAY_S), 3600 * hours, wave).astype(np.float32)
        level = draw_uniform(rng, 0.2, 0.8) + 0.2 * slow + draw_texture(rng, DAY_S, 0.1, 1800)
        curve = np.float32(most_w) * np.clip(level, 0.0, 1.0)
        curve = np.maximum(curve, np.float32(least_w)) * (1 + draw_texture(rng, DAY_S, 0.02, 40))
        if switches:
            curve *= draw_switching(rng, DAY_S, on_s, off_s, 0.2)
        if defrosts:
            curve *= np.maximum(1.0 - draw_switching(rng, DAY_S, 300, 5400, 0.3), 0.2)
        return Activation(motor_w=curve + np.float32(pump_w))

    peak = Peak("midnight", 0.0, 0.0)
    return Habit(0.8, (peak,), winter=0.6, regular=True, unattended=True), draw_activation


def make_air_conditioner(make: Rng, people: Household) -> DeviceDraw:
    """Draw an air conditioner of 0.5 to 3 kW that switches, or modulates with an inverter."""
    rated_w = draw_log_uniform(make, 500, 3000)
    fan_w = draw_uniform(make, 20, 90)
    inverter = make.random() < 0.5
    on_s, off_s = draw_log_uniform(make, 300, 1500), draw_log_uniform(make, 200, 1500)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 3600 * draw_uniform(rng, 0.7, 9)
        if inverter:
            level = make_settling(seconds, 1.0, draw_uniform(rng, 0.25, 0.7), 900)
            curve = level * (1 + draw_texture(rng, seconds, 0.12, 200))
        else:
            curve = draw_switching(rng, seconds, on_s, off_s, 0.2, 3)
        return Activation(motor_w=np.float32(rated_w) * np.maximum(curve, 0) + np.float32(fan_w))

    peaks = Peak("noon", 1, 2, 2), Peak("return", 1, 1.5, 2), Peak("sleep", -1, 1, 1)
    return Habit(draw_uniform(make, 0.3, 1.2), peaks, winter=-1.0, unattended=True), draw_activation


def make_storage_heater(make: Rng, people: Household) -> DeviceDraw:
    """Draw one to four storage heaters that charge together through the night."""
    rated_w = int(make.integers(1, 5)) * draw_uniform(make, 1600, 3400) / 1.5
    start_h = draw_uniform(make, 0, 2)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 3600 * draw_uniform(rng, 3, 7)
        lead = seconds * draw_uniform(rng, 0.4, 0.95) / 600
        return Activation(np.float32(rated_w) * draw_switching(rng, seconds, 600, 900, 0.2, lead))

    peak = Peak("midnight", start_h, 0.01)
    return Habit(0.75, (peak,), winter=0.9, regular=True, unattended=True), draw_activation


def make_tumble_dryer(make: Rng, people: Household) -> DeviceDraw:
    """Draw a vented, condenser or heat pump dryer."""
    heat_pump = make.random() < 0.35
    rated_w = draw_log_uniform(make, 280, 900) if heat_pump else draw_uniform(make, 1700, 2700)
    motor_w = draw_uniform(make, 120, 320)
    cycle_s, reversal_s = draw_log_uniform(make, 60, 500), draw_log_uniform(make, 100, 600)
    steady = draw_uniform(make, 0.2, 0.9)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * (draw_uniform(rng, 60, 180) if heat_pump else draw_uniform(rng, 25, 110))
        drum: Watts = motor_w * (1.0 - draw_switching(rng, seconds, 6, reversal_s, 0.1))
        drum = np.maximum(drum + draw_texture(rng, seconds, 5, 8), 0)
        cool = int(300 * draw_uniform(rng, 0.7, 1.6))
        if heat_pump:
            compressor = rated_w * make_settling(seconds, draw_uniform(rng, 0.6, 0.9), 1.05, 900)
            compressor[-cool:] = 0.0
            return Activation(motor_w=drum + compressor)
        lead = steady * seconds / (0.55 * cycle_s)
        heat = rated_w * draw_switching(rng, seconds, 0.55 * cycle_s, 0.45 * cycle_s, 0.2, lead)
        heat[-cool:] = 0.0
        return Activation(heat, drum)

    rate = draw_uniform(make, 0.2, 0.7)
    peaks = Peak("noon", 0.5, 2.0), Peak("dinner", 0.5, 1.2)
    return Habit(rate, peaks, weekend=1.4, winter=0.4), draw_activation


def make_immersion_heater(make: Rng, people: Household) -> DeviceDraw:
    """Draw an immersion heater of a hot water tank, at night or before waking."""
    rated_w = draw_uniform(make, 2400, 3100)

    def draw_activation(rng: Rng) -> Activation:
        seconds = 60 * draw_uniform(rng, 20, 150)
        lead = seconds * draw_uniform(rng, 0.5, 0.95) / 90
        return Activation(rated_w * draw_switching(rng, seconds, 90, 600, 0.2, lead))

    at_night = Peak("midnight", draw_uniform(make, 1, 5), 0.02)
    peak = at_night if make.random() < 0.5 else Peak("wake", -0.8, 0.1)
    return Habit(
        draw_uniform(make, 0.5, 1.0), (peak,), regular=True, unattended=True
    ), draw_activation


def make_instant_heater(make: Rng, people: Household) -> DeviceDraw:
    """Draw an instant water heater: 2 to 3.5 kW at a basin, or 6 to 10 kW for a flat."""
    rated_w = (
        draw_uniform(make, 2000, 3500) if make.random() < 0.75 else draw_uniform(make, 6000, 10000)
    )

    def draw_activation(rng: Rng) -> Activation:
        seconds = draw_log_uniform(rng, 6, 240)
        return Activation(np.full(int(seconds), rated_w * draw_uniform(rng, 0.9, 1.0), np.float32))

    peaks = Peak("wake", 0.5, 0.6), Peak("noon", 1, 2), Peak("dinner", 0.8, 1.2)
    return Habit(draw_uniform(make, 2, 7), peaks), draw_activation


def make_ventilation(make: Rng, people: Household) -> DeviceDraw:
    """Draw a fan or a pump that runs all day, now and then at a higher speed."""
    power_w = draw_log_uniform(make, 15, 150)
    boost = draw_uniform(make, 1.0, 2.2)
    off_s = draw_log_uniform(make, 1800, 20000)

    def draw_activation(rng: Rng) -> Activation:
        fast = draw_switching(rng, DAY_S, 1500, off_s, 0.6)
        return Activation(motor_w=np.float32(power_w) * (1 + np.float32(boost - 1) * fast))

    peak = Peak("midnight", 0.0, 0.0)
    return Habit(1.0, (peak,), regular=True, unattended=True), draw_activation
