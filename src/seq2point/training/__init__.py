"""Training: batches from recordings, the loop, pruning beside it, checkpoints, and `train`."""

from seq2point.training.config import TrainingConfig
from seq2point.training.run import TrainingResult, resolve_appliance, train, train_with_history

__all__ = ["TrainingConfig", "TrainingResult", "resolve_appliance", "train", "train_with_history"]
