"""A study's part in words, by the choices that make it."""

from collections.abc import Mapping
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
