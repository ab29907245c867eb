"""Fleet: the energy of thousands of homes, one task and one pair of files a home.

`list_homes` finds the homes, `run_fleet` works them off in a pool of processes or on a Ray cluster.
"""

from seq2point.fleet.homes import HomeInput, list_homes
from seq2point.fleet.models import FleetModels
from seq2point.fleet.run import FleetResult, check_fleet, run_fleet
from seq2point.fleet.task import FleetJob

__all__ = [
    "FleetJob",
    "FleetModels",
    "FleetResult",
    "HomeInput",
    "check_fleet",
    "list_homes",
    "run_fleet",
]
