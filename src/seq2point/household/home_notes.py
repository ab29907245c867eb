"""Notes: what to know of a home's energy beside how its mains were read."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seq2point.appliances import canonical_name
from seq2point.events import LEAST_DAYS
from seq2point.recording.coverage import DAY_S
from seq2point.wording import format_count, format_minutes

if TYPE_CHECKING:
    from seq2point.household.home_energy import HomeEnergy


def list_notes(energy: "HomeEnergy", without: Sequence[str]) -> list[str]:
    """Return the notes on a home's energy; `without` are the appliances that it lacks, as said."""
    notes = [load.describe(energy.coverage.predicted_days) for load in energy.large_loads]
    if without:
        labels = ", ".join(canonical_name(name).replace("_", " ") for name in without)
        notes.append(f"as you said, the home has no {labels}")
    if energy.appliances and energy.coverage.predicted_days < LEAST_DAYS:
        known = format_minutes(energy.coverage.predicted_days * DAY_S)
        notes.append(
            f"only {known} of readings are known, which is too little to say which appliances the"
            " home has: give some days"
        )
    if not energy.appliances and not without:
        notes.append("no model fits readings so far apart: no appliance is told apart")
    notes += [
        f"no {each.label} was found: the home has none, or one of a kind that the model does not"
        " know"
        for each in energy.appliances
        if each.is_owned is False
    ]
    if energy.tariff is not None:
        days = energy.totals
        unpriced = int(np.count_nonzero(days.known & ~days.priced))
        if unpriced:
            notes.append(
                f"{format_count(unpriced, 'day')} of {len(days.days)} have no cost: the tariff has"
                " no price for some of their hours"
            )
    return notes
