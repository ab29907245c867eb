"""The options of a fleet: how its homes are told apart, and what works them off."""

from pydantic import PositiveInt

from seq2point.configuration.declare import option
from seq2point.configuration.workers import ClusterConfig


class FleetConfig(ClusterConfig):
    """What names the homes of a fleet, what is written of them, and on how many cores."""

    house: str | None = option(
        None,
        "Partition or column that names the home.",
        unset="house, house_id, home_id, household_id, customer_id or site_id",
    )
    energy_only: bool = option(False, "Write the energy of each day, and no power by the minute.")
    processes: PositiveInt | None = option(
        None, "Processes on this machine.", unset="one for each core"
    )
    retry: bool = option(False, "Try homes again that an earlier run has set aside.")
