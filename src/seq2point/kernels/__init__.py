"""The C kernels of sliding evaluation, on raw memory: no torch, and no arrays.

`library` calls the C by addresses; `blocking` says how a series is cut into passes. Their callers
own the memory: `runtime.native` with NumPy's arrays, `network.sliding` with torch's tensors.
"""

from seq2point.kernels.blocking import Blocking, has_one_hidden, prefers_windows
from seq2point.kernels.library import (
    MOST_CONVOLUTIONS,
    SOURCE,
    Convolutions,
    Library,
    Shape,
    load_kernels,
)

__all__ = [
    "MOST_CONVOLUTIONS",
    "SOURCE",
    "Blocking",
    "Convolutions",
    "Library",
    "Shape",
    "has_one_hidden",
    "load_kernels",
    "prefers_windows",
]
