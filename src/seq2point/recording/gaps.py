"""Gaps in a series: readings that are missing, filled with the reading before them, and short gaps
told from long ones.
"""

import numpy as np
import numpy.typing as npt

Watts = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]


def fill_forward(
    values: Watts, absent: Flags, limit: int, before: tuple[Watts, Flags] | None = None
) -> None:
    """Give absent samples the value before them, in place, up to `limit` samples after it.

    `before` are the values and absences of the `limit` samples ahead of the first.
    """
    if limit == 0 or not absent.any():
        return
    if before is not None and absent[0]:
        head = np.concatenate((before[0], values[:limit]))
        fill_forward(head, np.concatenate((before[1], absent[:limit])), limit)
        values[:limit] = head[len(before[0]) :]
    here = np.flatnonzero(absent)
    first = np.diff(here, prepend=-2) > 1
    last = here[first][np.cumsum(first) - 1] - 1
    fillable = (here - last <= limit) & (last >= 0)
    values[here[fillable]] = values[last[fillable]]


def bridge(known: Flags, limit: int) -> Flags:
    """Flags bool[T] with every gap of at most `limit` samples between two known ones counted as
    known.
    """
    edges = np.flatnonzero(np.diff(known))
    first, end = edges[:-1] + 1, edges[1:] + 1
    short = ~known[first] & (end - first <= limit)
    bridged = known.copy()
    for a, b in zip(first[short], end[short], strict=True):
        bridged[a:b] = True
    return bridged
