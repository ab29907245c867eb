"""The options of a home's energy."""

from collections.abc import Sequence

from seq2point.configuration.declare import Config, option


class TariffConfig(Config):
    """What a home pays for a kWh."""

    tariff: str | None = option(
        None,
        "Price of a kWh: '0.30 GBP', '0.30 GBP, 0.12 23:00-07:00' in local time, or a table of"
        " half-hours, prices.csv.",
        unset="no cost",
    )


class HouseholdConfig(TariffConfig):
    """What a home pays for a kWh, and which appliances it lacks."""

    without: Sequence[str] = option((), "An appliance that the home lacks; repeat for several.")
