"""A home's energy: kWh by appliance, always on and other, by day, from any file of its mains."""

from seq2point.household.home_energy import ApplianceReport, HomeEnergy
from seq2point.household.large_loads import LargeLoad
from seq2point.household.tariff import Tariff

__all__ = ["ApplianceReport", "HomeEnergy", "LargeLoad", "Tariff"]
