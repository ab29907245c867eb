"""Loss curves as a few whole numbers, which page.js draws when they are seen."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

LEVELS = 1000
"""Steps between the lowest and the highest loss of a run, on a logarithmic axis."""
MOST_POINTS = 120
"""Validations of a curve that are kept, evenly over a run: more than a phone has room for."""
LOSSES = {"train": "interval_loss", "val": "val_loss"}


def pack_curves(history: Sequence[Mapping[str, Any]]) -> str:
    """Return the losses of a run as JSON, '' for fewer than two validations.

    'step' has the steps; 'train' and 'val' a level for each, null where it is not known; 'range'
    the losses of level 0 and of the highest.
    """
    rows = thin(history)
    losses = {name: [_find_loss(row, key) for row in rows] for name, key in LOSSES.items()}
    known = [loss for several in losses.values() for loss in several if loss is not None]
    if len(rows) < 2 or not known:
        return ""
    low, high = min(known), max(known)
    span = math.log(high / low) or 1.0
    levels = {
        name: [None if x is None else round(LEVELS * math.log(x / low) / span) for x in several]
        for name, several in losses.items()
    }
    steps = [int(row["step"]) for row in rows]
    packed: dict[str, Any] = {
        "step": steps,
        **levels,
        "range": [float(f"{low:.4g}"), float(f"{high:.4g}")],
    }
    return json.dumps(packed, separators=(",", ":"))


def thin(history: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return at most `MOST_POINTS` rows, with the first, the last and the best."""
    if len(history) <= MOST_POINTS:
        return list(history)
    kept = {round(i * (len(history) - 1) / (MOST_POINTS - 2)) for i in range(MOST_POINTS - 1)}
    losses = [_find_loss(row, LOSSES["val"]) or math.inf for row in history]
    best = losses.index(min(losses))
    return [history[i] for i in sorted(kept | {best})]


def _find_loss(row: Mapping[str, Any], key: str) -> float | None:
    """Return a loss that a logarithmic axis can show: above zero, and known."""
    loss = row.get(key)
    return float(loss) if loss is not None and math.isfinite(loss) and loss > 0 else None
