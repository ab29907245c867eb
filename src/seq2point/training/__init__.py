"""Training: options and recordings resolved to a job, batches, the loop, pruning, checkpoints.

What needs torch is imported when it is asked for: a run's record is read without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seq2point.training.starting_model import resolve_appliance
    from seq2point.training.training import TrainingResult, run_training, train, train_with_history

__all__ = ["TrainingResult", "resolve_appliance", "run_training", "train", "train_with_history"]


def __getattr__(name: str) -> Any:
    """Import what trains when it is asked for."""
    if name not in __all__:
        raise AttributeError(f"module 'seq2point.training' has no attribute '{name}'")
    module = "starting_model" if name == "resolve_appliance" else "training"
    return getattr(import_module(f"seq2point.training.{module}"), name)
