"""Limits of a power reading: beyond them the meter, its unit or the reader is wrong."""

import numpy as np
import numpy.typing as npt

ABSURD_W = 100_000.0
"""No house draws more. The limit for tables of unknown meters."""

HOUSE_LIMIT_W = 32_766.0
"""No house of the data sets draws more. A failing meter of 16 bits reads 32767."""

PLUG_LIMIT_W = 4000.0
"""No plug carries more: 13 A at 240 V is 3.1 kW, 16 A at 230 V is 3.7 kW."""

NOISE_W = 1.0
"""A reading this little below zero is noise of the meter and counts as zero."""

KILOWATTS_BELOW = 30.0
"""Mains that never exceed this are in kilowatts: 100 A at 230 V are 23 kW."""


def remove_absurd(power_w: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return readings with NaN for those that are infinite or beyond `ABSURD_W` on either side of
    0.

    Returns the same array where there are none.
    """
    lowest_w, highest_w = (find.reduce(power_w, initial=0) for find in (np.fmin, np.fmax))
    if lowest_w >= -ABSURD_W and highest_w <= ABSURD_W:
        return power_w
    return np.where(np.abs(power_w) <= ABSURD_W, power_w, np.float32(np.nan))
