"""The loop that Lightning runs: a module, and the callbacks that prune, keep the best weights,
write checkpoints and tell.

One Lightning epoch is the interval between two validations, or what a signal leaves of one: a
resumed training begins with the rest of it, and goes on exactly.

    each step:          masks of the step -> loss -> backward -> optimiser step -> weights of the step back
                        -> masks.apply_ zeroes -> pruner decides -> masks.apply_ zeroes, where it decided
    each interval:      validation -> best weights (once the final sparsity is reached) -> checkpoint -> early stop
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.plugins.io import CheckpointIO
from torch import Tensor
from torch.utils.data import DataLoader

from seq2point.compression.pruning import Pruner, PruneState, StepInfo
from seq2point.configuration import TrainingConfig
from seq2point.errors import TrainingError
from seq2point.network import Seq2Point, masks
from seq2point.system.atomic_files import atomic_write
from seq2point.training.batches import Batches, take_share
from seq2point.training.pace import Plan
from seq2point.training.signals import StopRequest

FULL_RATE_INPUTS = 1000
DIGEST = b"\nsha256:"
DIGEST_BYTES = len(DIGEST) + 64
BLOCK = 1 << 20

Validate = Callable[[Seq2Point], dict[str, float]]


class _Interval:
    """The draws of the steps from `first` to the next validation, fewer where the training is to
    stop.
    """

    def __init__(
        self, batches: Batches, first: int, plan: Plan, rank: int, ranks: int, stop: StopRequest
    ):
        self.batches, self.first, self.rank, self.ranks, self.stop = (
            batches,
            first,
            rank,
            ranks,
            stop,
        )
        self.length = min(plan.interval - first % plan.interval, plan.steps - first)

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Tensor]:
        for i in range(self.length):
            if self.stop.agree():
                return
            yield take_share(self.batches.draw(self.first + i), self.rank, self.ranks)


class Loop(pl.LightningModule):
    """The training of one network: Adam on the batches' loss, the learning rate on its schedule.

    `validate` gives 'val_loss' and whatever else is to be logged.
    """

    def __init__(
        self,
        network: Seq2Point,
        batches: Batches,
        validate: Validate,
        settings: TrainingConfig,
        plan: Plan,
        stop: StopRequest,
    ):
        super().__init__()
        self.network, self.batches, self.validate = network, batches, validate
        self.settings, self.plan, self.stop = settings, plan, stop
        self._losses: list[Tensor] = []

    def on_train_start(self) -> None:
        """Begin a resumed training with the steps that its checkpoint left of an interval, as an
        interval of its own.
        """
        epochs = self.trainer.fit_loop
        epochs.reset_restart_stage()
        epochs.epoch_loop.restarting = False

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """The losses of every process since the last validation."""
        ranks = self.trainer.world_size
        losses = torch.stack(self._losses) if self._losses else torch.empty(0, device=self.device)
        gathered = self.trainer.strategy.all_gather(losses) if len(losses) and ranks > 1 else losses
        checkpoint["losses"] = gathered.reshape(ranks, len(losses)).cpu()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """This process's losses since the last validation."""
        losses = checkpoint["losses"]
        self._losses = list(losses[self.global_rank]) if losses.numel() else []

    def train_dataloader(self) -> _Interval:
        """The interval's steps, one item each."""
        return _Interval(
            self.batches,
            self.global_step,
            self.plan,
            self.global_rank,
            self.trainer.world_size,
            self.stop,
        )

    def val_dataloader(self) -> DataLoader[int]:
        """One item: a validation looks at all held-out blocks at once."""
        return DataLoader([0], batch_size=None)  # type: ignore[arg-type]

    def training_step(self, drawn: Tensor) -> Tensor:
        """The loss of a step; dropout's random state follows from the seed, the step and the rank."""
        words = np.random.SeedSequence(
            (self.settings.seed, self.global_step, self.global_rank)
        ).generate_state(1, np.uint64)
        torch.manual_seed(int(words[0] >> np.uint64(1)))
        loss = self.batches.loss(self.network, drawn, self.global_step / self.plan.steps)
        self.log("train_loss", loss, sync_dist=True)
        self._losses.append(loss.detach())
        return loss

    def validation_step(self, _: object) -> None:
        """Log what `validate` finds; a loss that is no number ends the training.

        Of several processes the first validates and tells the others, so that all of them stop at
        the same step.
        """
        strategy = self.trainer.strategy
        found = strategy.broadcast(self.validate(self.network) if self.global_rank == 0 else {})
        if not np.isfinite(found["val_loss"]):
            raise TrainingError(
                f"the loss is not a number at step {self.global_step}; try a lower `learning_rate`"
            )
        losses = torch.stack([loss.to(self.device) for loss in self._losses])
        interval_loss = float(strategy.reduce(losses.mean(), reduce_op="mean"))
        self.log_dict(found | {"interval_loss": interval_loss}, batch_size=1)
        self._losses.clear()

    def configure_optimizers(self) -> Any:
        """Adam with the learning rate's schedule, stepped every batch."""
        optimiser = torch.optim.Adam(
            parameter_groups(self.network, self.settings.initial_learning_rate),
            lr=self.settings.initial_learning_rate,
            fused=True,
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: self.plan.learning_rate_factor(step, self.settings.schedule)
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def parameter_groups(network: Seq2Point, learning_rate: float) -> list[dict[str, Any]]:
    """All parameters, those of a wide layer with a learning rate in inverse proportion to its
    inputs.

    A step of Adam moves every weight by about the rate, and all in step: 28,500 inputs together
    then move a hidden unit out of the ReLU's reach, for good. Dividing the rate by the fan-in keeps
    what a step changes the same at every width (Yang et al. 2022, Tensor Programs V, arXiv
    2203.03466, table 3). What is frozen is in no group: it has no optimiser state.
    """
    weights = (network.module(layer).weight for layer in network.architecture.linear_layers[:-1])
    wide = [weight for weight in weights if weight.requires_grad]
    rest = [p for p in network.parameters() if p.requires_grad and not any(p is w for w in wide)]
    return [
        {"params": rest, "lr": learning_rate},
        *(
            {"params": [w], "lr": learning_rate * min(1.0, FULL_RATE_INPUTS / w.shape[1])}
            for w in wide
        ),
    ]


def _network(module: pl.LightningModule) -> Seq2Point:
    if not isinstance(module, Loop):
        raise TypeError(f"a callback of Loop was given a {type(module).__name__}")
    return module.network


class Pruning(pl.Callback):
    """Runs a pruner beside the training: it decides after each optimiser step, masks.py zeroes.

    `fixed` are masks that hold throughout, of a network that came pruned; without a pruner they are
    all there is.
    """

    def __init__(
        self, pruner: Pruner | None, plan: Plan, state: PruneState, fixed: masks.Masks | None = None
    ):
        self.pruner, self.plan, self.state, self.fixed = pruner, plan, state, fixed or {}
        self._merged: tuple[Mapping[str, Tensor], dict[str, Tensor]] | None = None
        self._aside: list[masks.Stash] = []

    @property
    def masks(self) -> Mapping[str, Tensor]:
        """The masks that hold now."""
        if not self.fixed:
            return self.state.masks
        if self._merged is None or self._merged[0] is not self.state.masks:
            self._merged = (self.state.masks, masks.merge(self.fixed, self.state.masks))
        return self._merged[1]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Bring the masks of a checkpoint to where the weights are, and zero what was dropped
        before the first step.
        """
        device = next(_network(pl_module).parameters()).device
        chosen = {name: mask.to(device) for name, mask in self.state.masks.items()}
        self.state = PruneState(chosen, self.state.final, self.state.memory)
        self.fixed = {name: mask.to(device) for name, mask in self.fixed.items()}
        masks.apply_(_network(pl_module), self.masks)

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, i: int
    ) -> None:
        """Take out what the pruner drops for this step alone."""
        drawn = self.pruner.masks_for_step(self.state) if self.pruner else None
        self._aside = masks.stash_(_network(pl_module), drawn) if drawn else []

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Any
    ) -> None:
        """What was not in the step learns nothing from it."""
        masks.clear_gradients_(_network(pl_module), self._aside)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, i: int
    ) -> None:
        """Zero what the optimiser moved of the dropped, let the pruner decide, and zero what it
        drops.

        The pruner sees the network as the masks leave it, and the step's gradients.
        """
        network = _network(pl_module)
        masks.restore_(network, self._aside)
        held = self.masks
        masks.apply_(network, held)
        if self.pruner:
            loss = trainer.strategy.reduce(outputs["loss"].detach().clone(), reduce_op="mean")
            info = StepInfo(trainer.global_step, self.plan.steps, float(loss))
            self.state = self.pruner.update(network, self.state, info)
        if self.masks is not held:
            masks.apply_(network, self.masks)

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log how far the pruner is."""
        if self.pruner:
            pl_module.log_dict(self.pruner.measure_progress(self.state))

    def state_dict(self) -> dict[str, Any]:
        """The pruner's state, for the checkpoint."""
        return {
            "masks": dict(self.state.masks),
            "final": self.state.final,
            "memory": dict(self.state.memory),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The pruner's state from a checkpoint."""
        self.state = PruneState(**state_dict)


class BestWeights(pl.Callback):
    """Keeps the weights of the lowest validation loss among those with the final sparsity, and
    stops a training without progress.

    `history` has a row for every validation: what was logged, the step, and the seconds trained.
    """

    def __init__(self, patience: int, pruning: Pruning):
        self.patience, self.pruning = patience, pruning
        self.best_loss, self.best_step, self.waited = float("inf"), 0, 0
        self.weights: Mapping[str, Tensor] = {}
        self.masks: Mapping[str, Tensor] = {}
        self.history: list[dict[str, float]] = []
        self.trained_s, self._resumed_at = 0.0, 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """A training that had stopped for want of progress is resumed to no step."""
        trainer.should_stop = self.waited >= self.patience

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock of the interval."""
        self._resumed_at = time.perf_counter()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Compare, keep, and stop when nothing has improved for long."""
        self._count_seconds()
        found = {name: float(value) for name, value in trainer.callback_metrics.items()}
        state, held = self.pruning.state, self.pruning.masks
        row = {
            "step": trainer.global_step,
            "seconds": self.trained_s,
            "sparsity": masks.measure_sparsity(_network(pl_module), held),
        }
        self.history.append(row | found)
        if not state.final:
            return
        if found["val_loss"] < self.best_loss:
            self.best_loss, self.best_step, self.waited = found["val_loss"], trainer.global_step, 0
            network = _network(pl_module)
            self.weights = {
                name: t.detach().cpu().clone() for name, t in network.state_dict().items()
            }
            self.masks = {name: t.cpu() for name, t in held.items()}
        else:
            self.waited += 1
            trainer.should_stop = trainer.should_stop or self.waited >= self.patience

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Count the seconds of an interval that was cut short."""
        self._count_seconds()

    def _count_seconds(self) -> None:
        now = time.perf_counter()
        self.trained_s, self._resumed_at = self.trained_s + now - self._resumed_at, now

    def state_dict(self) -> dict[str, Any]:
        """All but the settings and the clock."""
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
        """As it was saved."""
        self.__dict__.update(state_dict)


class Checkpoints(pl.Callback):
    """Writes `last.ckpt` after the first validation, then at most once in `every_s` seconds, and
    where the training stops.
    """

    def __init__(self, path: Path, stop: StopRequest, every_s: float):
        self.path, self.stop, self.every_s, self._written = path, stop, every_s, float("-inf")

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write, if it is time by the first process's clock; all take part."""
        due = time.perf_counter() - self._written >= self.every_s
        if self.stop.agreed or trainer.strategy.broadcast(due):
            trainer.save_checkpoint(self.path)
            self._written = time.perf_counter()


class AtomicCheckpoints(CheckpointIO):
    """Checkpoints written beside and renamed, sealed with their SHA-256, and read without
    unpickling objects.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Write a checkpoint whole or not at all."""
        with atomic_write(path) as beside:
            try:
                torch.save(checkpoint, beside)
            except RuntimeError as error:  # what torch makes of a full disk
                raise OSError(str(error).partition("\n")[0]) from error
            with beside.open("r+b") as file:
                digest = _digest(file, file.seek(0, os.SEEK_END))
                file.write(DIGEST + digest)

    def load_checkpoint(
        self, path: Any, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read tensors and plain values; raises TrainingError for a damaged file, down to the bit."""
        try:
            _check_digest(Path(path))
            loaded: dict[str, Any] = torch.load(
                path, map_location=map_location or "cpu", weights_only=True
            )
        except Exception as error:
            why = (str(error) or type(error).__name__).splitlines()[0]
            raise TrainingError(
                f"{path}: the checkpoint is damaged ({why}); train anew with `overwrite`"
            ) from error
        return loaded

    def remove_checkpoint(self, path: Any) -> None:
        """Remove a checkpoint."""
        Path(path).unlink(missing_ok=True)


def _digest(file: BinaryIO, length: int) -> bytes:
    """The SHA-256 of a file's first bytes, in hexadecimal."""
    file.seek(0)
    digest = hashlib.sha256()
    while length and (block := file.read(min(length, BLOCK))):
        digest.update(block)
        length -= len(block)
    return digest.hexdigest().encode()


def _check_digest(path: Path) -> None:
    """Raises ValueError for a file that differs from its seal, or has none."""
    with path.open("rb") as file:
        length = file.seek(0, os.SEEK_END) - DIGEST_BYTES
        if (
            length < 0
            or file.seek(length) != length
            or not (seal := file.read()).startswith(DIGEST)
        ):
            raise ValueError("its checksum is missing")
        if seal != DIGEST + _digest(file, length):
            raise ValueError("its checksum differs")
