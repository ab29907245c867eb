"""The sampling period that a file's metadata claims, beside that of its times."""

from pathlib import Path

import numpy as np

from seq2point.errors import DataError
from seq2point.wording import format_seconds

CLAIM_TOLERANCE = 0.05
"""The share by which the period in a file's metadata may differ from that of its times."""


def differs_from_claim(claimed_s: float, shown_s: float) -> bool:
    """Return whether a file's times show another period than its metadata claims."""
    return abs(shown_s / claimed_s - 1) > CLAIM_TOLERANCE


def require_claimed_period(path: Path, claimed_s: float | None, shown_s: float | None) -> None:
    """Raise DataError where a file's times show another period than its metadata claims."""
    if claimed_s and shown_s and differs_from_claim(claimed_s, shown_s):
        raise DataError(
            f"{path}: its metadata claims a reading every {format_seconds(claimed_s)}, its times"
            f" show one every {format_seconds(shown_s)}"
        )


def parse_claimed_period_s(path: Path, claim: str | None) -> float | None:
    """Return the sampling period that a file's metadata claims; None for no claim.

    Raises DataError for a claim that is no positive number.
    """
    if claim is None:
        return None
    try:
        claimed_s = float(claim)
    except ValueError:
        claimed_s = np.nan
    if not 0 < claimed_s < np.inf:
        raise DataError(
            f"{path}: its metadata has an invalid period_s '{claim}': expected for example 6"
        )
    return claimed_s
