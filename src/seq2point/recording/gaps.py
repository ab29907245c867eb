"""Gaps in a series: missing readings are filled, short gaps are bridged."""

import numpy as np
import numpy.typing as npt

Watts = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]


def fill_forward(
    values: Watts, absent: Flags, limit: int, before: tuple[Watts, Flags] | None = None
) -> None:
    """Give absent samples the value before them, in place, up to `limit` samples after it.

    `values` is f32[T], `absent` bool[T]. `before` holds the values and absences of the `limit`
    samples ahead of the first.
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


def bridge_gaps(known: Flags, limit: int) -> Flags:
    """Return flags bool[T] with every gap of at most `limit` samples between known ones filled."""
    edges = np.flatnonzero(np.diff(known))
    first, end = edges[:-1] + 1, edges[1:] + 1
    short = ~known[first] & (end - first <= limit)
    bridged = known.copy()
    for a, b in zip(first[short], end[short], strict=True):
        bridged[a:b] = True
    return bridged
