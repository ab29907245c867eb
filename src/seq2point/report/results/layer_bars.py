"""What pruning left of each layer, as bars."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

WIDTH, ROW, FIRST, LAST = 400, 22, 118, 300
"""Of the picture, in its own lengths: its width, a bar's row, and where bars begin and end."""


class LayerBar(NamedTuple):
    """A layer's bar: its name, what is kept, and where it stands."""

    name: str
    y: int
    width: float
    text: str


def draw_layer_bars(layers: Sequence[Mapping[str, Any]]) -> list[LayerBar]:
    """Return a bar for each layer that has weights, as long as the share that is kept."""
    known = [layer for layer in layers if layer["total"]]
    return [
        LayerBar(
            layer["name"].removesuffix(".weight").replace(".", " "),
            i * ROW,
            round((LAST - FIRST) * layer["kept"] / layer["total"], 1),
            f"{100 - 100 * layer['kept'] / layer['total']:.3g} % removed",
        )
        for i, layer in enumerate(known)
    ]
