"""The machine that computes with torch: its device and its threads."""

import torch

from seq2point.choices import Device
from seq2point.errors import UsageError
from seq2point.system.hardware import keep_freed_memory


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


_kernel_threads: list[int] = []


def set_kernel_threads(threads: int | None) -> None:
    """Set the number of threads of the C kernels apart from torch's; None makes them the same."""
    _kernel_threads[:] = [threads] if threads else []


def count_kernel_threads() -> int:
    """Return the number of threads that the C kernels compute with on tensors."""
    return _kernel_threads[0] if _kernel_threads else torch.get_num_threads()


def prepare_process(threads: int | None = None) -> None:
    """Set threads and memory, for work whose data are small or already loaded."""
    set_threads(threads)
    keep_freed_memory()
