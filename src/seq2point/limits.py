"""What a reading of power can be: beyond these it is a mistake of the meter, of its unit, or of who
reads it.
"""

import numpy as np
import numpy.typing as npt

ABSURD_W = 100_000.0  # more than a house can draw, in a table whose meter is not known
HOUSE_LIMIT_W = (
    32_766.0  # a house of the data sets; 32767 is what a meter of sixteen bits says when it fails
)
PLUG_LIMIT_W = 4000.0
NOISE_W = 1.0
KILOWATTS_BELOW = 30.0  # mains that never exceed this are kilowatts


def remove_absurd(power_w: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Make readings that are infinite or beyond `ABSURD_W`, on either side of zero, gaps (NaN).

    Returns the same array where there are none.
    """
    lowest_w, highest_w = (find.reduce(power_w, initial=0) for find in (np.fmin, np.fmax))
    if lowest_w >= -ABSURD_W and highest_w <= ABSURD_W:
        return power_w
    return np.where(np.abs(power_w) <= ABSURD_W, power_w, np.float32(np.nan))
