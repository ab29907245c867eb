"""The machine that computes: its device, its threads, and an allocator that keeps what it was
given.
"""

import ctypes
import sys

import torch

from seq2point.choices import Device
from seq2point.errors import UsageError

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
NEVER = 2**31 - 1


def choose_device(name: Device) -> torch.device:
    """The device of a name; 'auto' is CUDA where there is any. Raises UsageError where CUDA is
    asked for in vain.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: torch finds no CUDA device here; use --device cpu")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def set_threads(threads: int | None) -> None:
    """Compute with so many threads; None leaves torch's own choice, all cores."""
    if threads:
        torch.set_num_threads(threads)


def keep_freed_memory() -> None:
    """Have glibc keep freed memory for the next step.

    A training step allocates and frees hundreds of megabytes; handed back to the system each time,
    every page of it faults again on the next step: a third of the speed or less
    (docs/lab/performance.md).
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):
            libc.mallopt(M_MMAP_THRESHOLD, NEVER)
            libc.mallopt(M_TRIM_THRESHOLD, NEVER)


def prepare_process(threads: int | None = None) -> None:
    """Threads and memory, for work whose data are small or already there."""
    set_threads(threads)
    keep_freed_memory()
