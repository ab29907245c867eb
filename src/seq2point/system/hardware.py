"""What the machine has, found without torch: processors to compute on, and a GPU."""

import os
from importlib.util import find_spec
from pathlib import Path

THREADS_VARIABLE = "OMP_NUM_THREADS"
GPU_FILES = ("/dev/nvidiactl", "/dev/nvhost-ctrl", "/dev/dxg")
"""Files of NVIDIA's driver: of a card, of a Jetson, and of Windows' Linux."""


def count_threads(threads: int | None = None) -> int:
    """Return the number of threads: that given, that of OMP_NUM_THREADS, or the processors'."""
    if threads:
        return threads
    words = os.environ.get(THREADS_VARIABLE, "")
    if words.isdecimal() and int(words):
        return int(words)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def may_have_cuda() -> bool:
    """Return whether torch could find a CUDA device here.

    It is asked only where it is installed and a driver's file is there: its import takes seconds.
    """
    driver = os.name == "nt" or any(Path(path).exists() for path in GPU_FILES)
    return driver and find_spec("torch") is not None
