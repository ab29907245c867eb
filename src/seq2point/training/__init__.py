"""Training: batches from recordings, the loop, pruning beside it, checkpoints, and `train`."""

from seq2point.training.run import Trained, meant, train, train_with_history
from seq2point.training.settings import Settings

__all__ = ["Settings", "Trained", "meant", "train", "train_with_history"]
