"""Training: options and recordings resolved to a job, batches, the loop, pruning, checkpoints."""

from seq2point.training.resolve import resolve_appliance
from seq2point.training.training import TrainingResult, run_training, train, train_with_history

__all__ = ["TrainingResult", "resolve_appliance", "run_training", "train", "train_with_history"]
