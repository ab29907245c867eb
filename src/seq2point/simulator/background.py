"""The other devices of a house, which a network must not mistake for the five appliances."""

from collections.abc import Callable
from dataclasses import dataclass

from seq2point.simulator import climate, cooking, large_loads, personal_devices
from seq2point.simulator.habits import Habit, Household
from seq2point.simulator.streams import Streams
from seq2point.simulator.waveforms import ActivationSource, Rng


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
    for kind, count, make_kind in (
        ("lamp", lamps, personal_devices.make_lamp),
        ("gadget", gadgets, personal_devices.make_gadget),
    ):
        for name in (f"{kind} {number}" for number in range(count)):
            devices.append(Device(name, *make_kind(streams.open(f"{name} make"))))
    return devices


_KINDS: tuple[
    tuple[str, float, Callable[[Rng, Household], tuple[Habit, ActivationSource]]], ...
] = (
    ("oven", 0.65, cooking.make_oven),
    ("hob", 0.5, cooking.make_hob),
    ("shower", 0.42, personal_devices.make_shower),
    ("toaster", 0.85, cooking.make_toaster),
    ("iron", 0.8, personal_devices.make_iron),
    ("hair dryer", 0.7, personal_devices.make_hair_dryer),
    ("television", 1.0, personal_devices.make_television),
    ("second television", 0.5, personal_devices.make_television),
    ("computer", 0.85, personal_devices.make_computer),
    ("second computer", 0.5, personal_devices.make_computer),
    ("vacuum cleaner", 0.95, personal_devices.make_vacuum),
    ("tumble dryer", 0.42, large_loads.make_tumble_dryer),
    ("immersion heater", 0.15, large_loads.make_immersion_heater),
    ("space heater", 0.3, climate.make_space_heater),
    ("boiler", 0.75, climate.make_boiler),
    ("coffee maker", 0.3, cooking.make_coffee_maker),
    ("instant heater", 0.15, large_loads.make_instant_heater),
    ("air fryer", 0.35, cooking.make_slow_cooker),
    ("dehumidifier", 0.15, climate.make_dehumidifier),
    ("car", 0.08, large_loads.make_car_charger),
    ("heat pump", 0.07, large_loads.make_heat_pump),
    ("air conditioner", 0.06, large_loads.make_air_conditioner),
    ("storage heaters", 0.06, large_loads.make_storage_heater),
    ("ventilation", 0.15, large_loads.make_ventilation),
)
