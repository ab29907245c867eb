"""What the machine has, found without torch: processors to compute on, memory, and a GPU."""

import ctypes
import os
import sys
from importlib.util import find_spec
from pathlib import Path

THREADS_VARIABLE = "OMP_NUM_THREADS"
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
NEVER = 2**31 - 1
GPU_FILES = ("/dev/nvidiactl", "/dev/nvhost-ctrl", "/dev/dxg")
"""Files of NVIDIA's driver: of a card, of a Jetson, and of Windows' Linux."""


def count_cores() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def count_threads(threads: int | None = None) -> int:
    """Return the number of threads: that given, that of OMP_NUM_THREADS, or the processors'."""
    if threads:
        return threads
    words = os.environ.get(THREADS_VARIABLE, "")
    if words.isdecimal() and int(words):
        return int(words)
    return count_cores()


def may_have_cuda() -> bool:
    """Return whether torch could find a CUDA device here.

    It is asked only where it is installed and a driver's file is there: its import takes seconds.
    """
    driver = os.name == "nt" or any(Path(path).exists() for path in GPU_FILES)
    return driver and find_spec("torch") is not None


def keep_freed_memory() -> None:
    """Have glibc keep freed memory for the next step.

    A training step allocates and frees hundreds of megabytes. If glibc gave them back to the
    system, every page would fault again in the next step: a third of the speed or less
    (docs/lab/performance.md).
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):
            libc.mallopt(M_MMAP_THRESHOLD, NEVER)
            libc.mallopt(M_TRIM_THRESHOLD, NEVER)
