"""What is wrong with readings that come in: their unit, or their clock."""

import logging
import math
from collections.abc import Sequence
from datetime import UTC, datetime

from seq2point.limits import KILOWATTS_BELOW
from seq2point.live.readings import Reading
from seq2point.wording import format_minutes

CLOCK_BACK_S = 60.0
"""A reading so long before the latest one is not late: the clock has gone back."""

MANY_SEEN = 500
"""So many readings show whether they are in watts."""

LOG = logging.getLogger("seq2point.live")


class ReadingChecks:
    """Warns of readings that may come up to `late_s` late, once of each fault."""

    def __init__(self, late_s: float):
        self._late_s = late_s
        self._highest_w, self._seen = 0.0, 0
        self._is_back = False

    def check_unit(self, readings: Sequence[Reading]) -> None:
        """Warn once of mains that never exceed what a home in kilowatts does."""
        known = [reading.watts for reading in readings if not math.isnan(reading.watts)]
        self._highest_w = max([self._highest_w, *known])
        before, self._seen = self._seen, self._seen + len(known)
        if before < MANY_SEEN <= self._seen and 0 < self._highest_w < KILOWATTS_BELOW:
            LOG.warning(
                "the mains never exceeded %.3g W: if they are in kilowatts, set the scale to 1000",
                self._highest_w,
            )

    def check_clock(self, readings: Sequence[Reading], newest_s: float) -> None:
        """Warn once of a reading's clock that has gone back: no time is answered twice."""
        newest_s = max(newest_s, *(reading.time_s for reading in readings))
        back_s = newest_s - readings[-1].time_s - self._late_s
        if back_s > CLOCK_BACK_S and not self._is_back:
            until = datetime.fromtimestamp(newest_s, UTC).isoformat(" ", "minutes")
            LOG.warning(
                "the readings' clock has gone back by %s: they are left out until it has caught up,"
                " at %s; if it was wrong before, move the store away",
                format_minutes(back_s),
                until,
            )
        self._is_back = back_s > CLOCK_BACK_S
