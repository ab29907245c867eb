"""The machine that computes: its device, its threads and its memory."""

import ctypes
import sys

import torch

from seq2point.choices import Device
from seq2point.errors import UsageError

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
NEVER = 2**31 - 1


def choose_device(name: Device) -> torch.device:
    """Return the torch device of a name; 'auto' is CUDA where there is any.

    Raises UsageError for 'cuda' where torch finds no CUDA device.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("'cuda': torch finds no CUDA device here; choose cpu", field="device")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def set_threads(threads: int | None) -> None:
    """Set the number of threads; None leaves torch's own choice, all cores."""
    if threads:
        torch.set_num_threads(threads)


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


def prepare_process(threads: int | None = None) -> None:
    """Set threads and memory, for work whose data are small or already loaded."""
    set_threads(threads)
    keep_freed_memory()
