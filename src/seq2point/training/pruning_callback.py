"""Pruning beside a training, as a callback of Lightning's loop."""

from collections.abc import Mapping
from typing import Any

import lightning.pytorch as pl
from torch import Tensor

from seq2point.compression.pruning import Pruner, PruneState, StepInfo
from seq2point.network import masks
from seq2point.training.lightning_loop import get_network
from seq2point.training.pace import Plan


class Pruning(pl.Callback):
    """Runs a pruner: it decides after each optimiser step, and `network.masks` zeroes.

    `fixed` are the masks of a network that came pruned, which hold throughout. Without a pruner
    they are the only ones. Checkpoints know this callback by its class's name.
    """

    def __init__(
        self, pruner: Pruner | None, plan: Plan, state: PruneState, fixed: masks.Masks | None = None
    ):
        self.pruner = pruner
        self.plan = plan
        self.state = state
        self.fixed = fixed or {}
        self._merged: tuple[Mapping[str, Tensor], dict[str, Tensor]] | None = None
        self._stashes: list[masks.Stash] = []

    @property
    def masks(self) -> Mapping[str, Tensor]:
        """The masks that hold now."""
        if not self.fixed:
            return self.state.masks
        if self._merged is None or self._merged[0] is not self.state.masks:
            self._merged = (self.state.masks, masks.merge(self.fixed, self.state.masks))
        return self._merged[1]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Move the masks of a checkpoint to the weights' device, and zero what they drop."""
        network = get_network(pl_module)
        device = next(network.parameters()).device
        pruned = {name: mask.to(device) for name, mask in self.state.masks.items()}
        self.state = PruneState(pruned, self.state.final, self.state.memory)
        self.fixed = {name: mask.to(device) for name, mask in self.fixed.items()}
        masks.apply_(network, self.masks)

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, i: int
    ) -> None:
        """Set aside the weights that the pruner drops for this step alone."""
        step_masks = self.pruner.masks_for_step(self.state) if self.pruner else None
        self._stashes = masks.stash_(get_network(pl_module), step_masks) if step_masks else []

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Any
    ) -> None:
        """Clear the gradients of the weights that this step left out."""
        masks.clear_gradients_(get_network(pl_module), self._stashes)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, i: int
    ) -> None:
        """Zero the dropped weights that the optimiser moved, and let the pruner decide.

        The pruner sees the network as the masks leave it, and the step's gradients. What it drops
        is zeroed, too.
        """
        network = get_network(pl_module)
        masks.restore_(network, self._stashes)
        earlier = self.masks
        masks.apply_(network, earlier)
        if self.pruner:
            loss = trainer.strategy.reduce(outputs["loss"].detach().clone(), reduce_op="mean")
            info = StepInfo(trainer.global_step, self.plan.steps, float(loss))
            self.state = self.pruner.update(network, self.state, info)
        if self.masks is not earlier:
            masks.apply_(network, self.masks)

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log how far the pruner is."""
        if self.pruner:
            pl_module.log_dict(self.pruner.measure_progress(self.state))

    def state_dict(self) -> dict[str, Any]:
        """Return the pruner's state, for the checkpoint."""
        return {
            "masks": dict(self.state.masks),
            "final": self.state.final,
            "memory": dict(self.state.memory),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the pruner's state from a checkpoint."""
        self.state = PruneState(**state_dict)
