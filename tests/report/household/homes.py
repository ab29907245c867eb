"""Homes whose energy is known to the watt, for the tests of their page."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from seq2point.appliances import APPLIANCES
from seq2point.events import find_activations
from seq2point.household import ApplianceReport, HomeEnergy, Tariff
from seq2point.recording import Watts
from seq2point.recording.coverage import Coverage

GOOD = "good: of use in 4 of 4 homes left out of training, with the energy wrong by 2% to 20%"
BAD = "not to be relied on: of use in 1 of 4 homes left out of training"
REPORTS = (
    ApplianceReport("kettle", "kettle", "kettle-60s", 60.0, "good", GOOD, True),
    ApplianceReport("fridge", "fridge", "fridge-60s", 60.0, None, None, None),
    ApplianceReport(
        "washing_machine",
        "washing machine",
        "washing_machine-60s",
        60.0,
        "not to be relied on",
        BAD,
        True,
        True,
        ("British houses alone",),
    ),
    ApplianceReport("dishwasher", "dishwasher", "dishwasher-60s", 60.0, "good", GOOD, False),
)


def make_home(
    days: int = 3,
    start: datetime = datetime(2025, 1, 30, tzinfo=UTC),
    unknown: slice = slice(0, 0),
    period_s: float = 60.0,
    **changes: Any,
) -> HomeEnergy:
    """Return a home with 100 W always on, a fridge, a kettle twice a day, and a wash at noon.

    Samples in `unknown` are not known. `changes` replace fields of the result.
    """
    minute = np.arange(days * 1440)
    day_w = {
        "kettle": np.where(np.isin(minute % 1440, (431, 432, 1020, 1021)), 2800.0, 0.0),
        "fridge": np.where(minute % 60 < 20, 90.0, 0.0),
        "washing_machine": np.where((minute % 1440 >= 720) & (minute % 1440 < 780), 500.0, 0.0),
        "dishwasher": np.zeros(len(minute)),
    }
    other_w = 64.0 + 32.0 * np.random.default_rng(1).random(len(minute)).round(2)
    per_sample = round(period_s / 60)
    power_w = {name: _average(w, per_sample, unknown) for name, w in day_w.items()}
    always_on_w, other_w = (
        _average(w, per_sample, unknown) for w in (np.full(len(minute), 100.0), other_w)
    )
    mains_w = (sum(power_w.values()) + always_on_w + other_w).astype(np.float32)
    start_s = start.timestamp()
    known = int((~np.isnan(mains_w)).sum())
    fields: Mapping[str, Any] = {
        "house": "house 7",
        "zone": "Europe/London",
        "start_s": start_s,
        "period_s": period_s,
        "mains_w": mains_w,
        "power_w": power_w,
        "always_on_w": always_on_w,
        "other_w": other_w,
        "cycles": {
            name: find_activations(
                w, APPLIANCES[name], period_s, start_s + period_s * np.arange(len(w))
            )
            for name, w in power_w.items()
        },
        "appliances": REPORTS,
        "coverage": Coverage(days, known * period_s / 86400),
        "tariff": Tariff.parse("0.25 GBP"),
    }
    return HomeEnergy(**{**fields, **changes})


def make_noisy_year() -> HomeEnergy:
    """Return a year whose every minute differs from the last, as a real home's does."""
    home = make_home(365, unknown=slice(50_000, 60_000))
    rng = np.random.default_rng(2)
    other_w = home.other_w * np.exp(rng.normal(0, 0.2, len(home.other_w))).astype(np.float32)
    fridge_w = home.power_w["fridge"] * rng.normal(1, 0.03, len(other_w)).astype(np.float32)
    power_w = {**home.power_w, "fridge": fridge_w}
    mains_w = (sum(power_w.values()) + home.always_on_w + other_w).astype(np.float32)
    fields = {name: getattr(home, name) for name in home.__dataclass_fields__}
    return HomeEnergy(**fields | {"other_w": other_w, "power_w": power_w, "mains_w": mains_w})


def _average(power_w: np.ndarray, per_sample: int, unknown: slice) -> Watts:
    mean_w = np.floor(64 * power_w.reshape(-1, per_sample).mean(axis=1)) / 64
    mean_w[unknown] = np.nan
    return mean_w.astype(np.float32)
