"""A home's energy: kWh by appliance, always on and other, by day, from any file of its mains.

What needs Polars is imported when it is asked for: live shares the sums without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seq2point.household.home_energy import ApplianceReport, HomeEnergy
    from seq2point.household.large_loads import LargeLoad
    from seq2point.household.tariff import Tariff

__all__ = ["ApplianceReport", "HomeEnergy", "LargeLoad", "Tariff"]

_MODULES = {
    "ApplianceReport": "home_energy",
    "HomeEnergy": "home_energy",
    "LargeLoad": "large_loads",
    "Tariff": "tariff",
}


def __getattr__(name: str) -> Any:
    """Import what a home's energy is made of when it is asked for."""
    if name not in _MODULES:
        raise AttributeError(f"module 'seq2point.household' has no attribute '{name}'")
    return getattr(import_module(f"seq2point.household.{_MODULES[name]}"), name)
