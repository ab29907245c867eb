"""A study's part in words, by the choices that make it."""

from collections.abc import Mapping, Sequence
from typing import Any

USUAL = "usual"
"""The recipe and the network of the protocol itself."""
UNPRUNED = "none"

Settings = Mapping[str, Any]


def describe_settings(settings: Settings) -> str:
    """Return the choices of a part in words: 'kettle, reduced, magnitude 0.5, seed 0'."""
    pruner = settings["pruner"]
    sparsity = "" if settings["sparsity"] is None else f" {settings['sparsity']:g}"
    recipe = [] if settings["recipe"] == USUAL else [settings["recipe"]]
    words = [settings["appliance"], settings["network"], *recipe]
    words += [] if pruner == UNPRUNED else [f"{pruner}{sparsity}"]
    return ", ".join([*words, f"seed {settings['seed']}"])


def describe_failed(failed: Sequence[Settings]) -> list[str]:
    """Return why parts failed: each reason once, after the first part that it is of.

    Raises KeyError and TypeError for what is no record of failed parts.
    """
    labels: dict[str, list[str]] = {}
    for each in failed:
        labels.setdefault(str(each["reason"]), []).append(describe_settings(each))
    return [f"{first}{_count_more(more)}: {reason}" for reason, (first, *more) in labels.items()]


def _count_more(labels: Sequence[str]) -> str:
    return f" and {len(labels):,} more" if labels else ""
