"""The best weights of a training, its history and early stopping."""

import time
from collections.abc import Mapping
from typing import Any

import lightning.pytorch as pl
from torch import Tensor

from seq2point.network import masks
from seq2point.training.lightning_loop import get_network
from seq2point.training.pruning_callback import Pruning


class BestWeights(pl.Callback):
    """Keeps the weights of the lowest validation loss, and stops a training without progress.

    Only weights with the final sparsity count. `history` has a row for every validation: the
    metrics, the step, the sparsity and the seconds trained. Checkpoints know this callback by its
    class's name, and its state by the names of the attributes.
    """

    def __init__(self, patience: int, pruning: Pruning):
        self.patience = patience
        self.pruning = pruning
        self.best_loss = float("inf")
        self.best_step = 0
        self.waited = 0
        self.weights: Mapping[str, Tensor] = {}
        self.masks: Mapping[str, Tensor] = {}
        self.history: list[dict[str, float]] = []
        self.trained_s = 0.0
        self._resumed_at = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop a resumed training that had already stopped for want of progress."""
        trainer.should_stop = self.waited >= self.patience

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock of the interval."""
        self._resumed_at = time.perf_counter()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep the weights if they are the best, and stop after `patience` validations without."""
        self._count_seconds()
        network = get_network(pl_module)
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        current_masks = self.pruning.masks
        row = {
            "step": trainer.global_step,
            "seconds": self.trained_s,
            "sparsity": masks.measure_sparsity(network, current_masks),
        }
        self.history.append(row | metrics)
        if not self.pruning.state.final:
            return
        if metrics["val_loss"] < self.best_loss:
            self.best_loss = metrics["val_loss"]
            self.best_step = trainer.global_step
            self.waited = 0
            state = network.state_dict()
            self.weights = {name: t.detach().cpu().clone() for name, t in state.items()}
            self.masks = {name: t.cpu() for name, t in current_masks.items()}
        else:
            self.waited += 1
            trainer.should_stop = trainer.should_stop or self.waited >= self.patience

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Count the seconds of an interval that was cut short."""
        self._count_seconds()

    def _count_seconds(self) -> None:
        now = time.perf_counter()
        self.trained_s += now - self._resumed_at
        self._resumed_at = now

    def state_dict(self) -> dict[str, Any]:
        """Return the state for the checkpoint: all but the settings and the clock."""
        return {
            "best_loss": self.best_loss,
            "best_step": self.best_step,
            "waited": self.waited,
            "weights": dict(self.weights),
            "masks": dict(self.masks),
            "history": self.history,
            "trained_s": self.trained_s,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the state from a checkpoint."""
        self.__dict__.update(state_dict)
