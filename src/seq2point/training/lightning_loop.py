"""The loop that Lightning runs, as a module of Lightning.

One Lightning epoch is the interval between two validations. A signal may cut it short. A resumed
training then begins with the rest of it, and goes on exactly. Callbacks prune, keep the best
weights, write checkpoints and show progress:

    each step:      the step's masks -> loss -> backward -> optimiser step -> weights restored
                    -> masks.apply_ zeroes -> pruner decides -> masks.apply_ zeroes new masks
    each interval:  validation -> best weights, at the final sparsity -> checkpoint -> early stop
"""

from collections.abc import Callable, Iterator
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from seq2point.configuration import TrainingConfig
from seq2point.errors import TrainingError
from seq2point.network import Seq2Point
from seq2point.training.batches import Batches, take_share
from seq2point.training.pace import Plan
from seq2point.training.signals import StopRequest

FULL_RATE_INPUTS = 1000
LOG_EVERY = 10
"""Steps between two lines of the logs."""

Validate = Callable[[Seq2Point], dict[str, float]]


class _Interval:
    """The draws of the steps from `first` to the next validation, or until they stop early.

    `is_late` says of a step whether to stop before it.
    """

    def __init__(
        self,
        batches: Batches,
        first: int,
        plan: Plan,
        rank: int,
        ranks: int,
        stop: StopRequest,
        is_late: Callable[[int], bool],
    ):
        self.batches = batches
        self.first = first
        self.rank = rank
        self.ranks = ranks
        self.stop = stop
        self.is_late = is_late
        self.length = min(plan.interval - first % plan.interval, plan.steps - first)

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Tensor]:
        for i in range(self.length):
            if self.stop.agree(self.is_late(self.first + i)):
                return
            yield take_share(self.batches.draw(self.first + i), self.rank, self.ranks)


class Loop(pl.LightningModule):
    """Trains one network: Adam on the batches' loss, with a schedule of the learning rate.

    `validate` returns 'val_loss' and other metrics to log. `is_late` says before which step to stop
    because the budget is used up.
    """

    def __init__(
        self,
        network: Seq2Point,
        batches: Batches,
        validate: Validate,
        config: TrainingConfig,
        plan: Plan,
        stop: StopRequest,
        is_late: Callable[[int], bool],
    ):
        super().__init__()
        self.network = network
        self.batches = batches
        self.validate = validate
        self.config = config
        self.plan = plan
        self.stop = stop
        self.is_late = is_late
        self._losses: list[Tensor] = []

    def on_train_start(self) -> None:
        """Begin a resumed training with the rest of an interval, as an interval of its own."""
        epochs = self.trainer.fit_loop
        epochs.reset_restart_stage()
        epochs.epoch_loop.restarting = False

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Save the losses of every process since the last validation."""
        ranks = self.trainer.world_size
        losses = torch.stack(self._losses) if self._losses else torch.empty(0, device=self.device)
        gathered = self.trainer.strategy.all_gather(losses) if len(losses) and ranks > 1 else losses
        checkpoint["losses"] = gathered.reshape(ranks, len(losses)).cpu()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take this process's losses since the last validation."""
        losses = checkpoint["losses"]
        self._losses = list(losses[self.global_rank]) if losses.numel() else []

    def train_dataloader(self) -> _Interval:
        """Return the interval's steps, one item each."""
        return _Interval(
            self.batches,
            self.global_step,
            self.plan,
            self.global_rank,
            self.trainer.world_size,
            self.stop,
            self.is_late,
        )

    def val_dataloader(self) -> DataLoader[int]:
        """Return one item: a validation predicts all held-out blocks at once."""
        return DataLoader([0], batch_size=None)  # type: ignore[arg-type]

    def training_step(self, drawn: Tensor) -> Tensor:
        """Return the loss of a step; dropout depends on seed, step and rank alone."""
        entropy = (self.config.seed, self.global_step, self.global_rank)
        words = np.random.SeedSequence(entropy).generate_state(1, np.uint64)
        # torch's seeds have 63 bits
        seed_step(int(words[0] >> np.uint64(1)), self.device)
        loss = self.batches.loss(self.network, drawn, self.global_step / self.plan.steps)
        if self._logs_step(self.global_step + 1):
            self.log("train_loss", loss, sync_dist=True)
        self._losses.append(loss.detach())
        return loss

    def _logs_step(self, number: int) -> bool:
        """Return whether a line of the logs or a validation follows a step, the first being 1."""
        ends = number % self.plan.interval == 0 or number == self.plan.steps
        return ends or number % LOG_EVERY == 0

    def validation_step(self, _: object) -> None:
        """Log the metrics of `validate`; raises TrainingError where the loss is not a number.

        Of several processes the first one validates and tells the others. So all of them stop at
        the same step.
        """
        strategy = self.trainer.strategy
        metrics = strategy.broadcast(self.validate(self.network) if self.global_rank == 0 else {})
        if not np.isfinite(metrics["val_loss"]):
            raise TrainingError(
                f"the loss is not a number at step {self.global_step}; try a lower `learning_rate`"
            )
        losses = torch.stack([loss.to(self.device) for loss in self._losses])
        interval_loss = float(strategy.reduce(losses.mean(), reduce_op="mean"))
        self.log_dict(metrics | {"interval_loss": interval_loss}, batch_size=1)
        self._losses.clear()

    def configure_optimizers(self) -> Any:
        """Return Adam and the schedule of the learning rate, which moves at every step."""
        rate = self.config.initial_learning_rate
        groups = group_parameters(self.network, rate)
        optimiser = torch.optim.Adam(groups, lr=rate, fused=True)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: self.plan.learning_rate_factor(step, self.config.schedule)
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def seed_step(seed: int, device: torch.device) -> None:
    """Seed torch's generator of a device.

    `torch.manual_seed` seeds those of all kinds of devices. For each that is not there it keeps the
    call, and a picture of the stack, for later: a millisecond a step, and memory without end.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


def group_parameters(network: Seq2Point, learning_rate: float) -> list[dict[str, Any]]:
    """Return the parameters in Adam's groups: a wide layer learns more slowly.

    Its rate is in inverse proportion to its inputs, above FULL_RATE_INPUTS. A step of Adam moves
    every weight by about the rate, all in one direction: 28,500 inputs together then move a hidden
    unit out of the ReLU's reach, for good. Dividing the rate by the fan-in keeps the effect of a
    step the same at every width (Yang et al. 2022, Tensor Programs V, arXiv 2203.03466, table 3).
    Frozen parameters are in no group: they have no optimiser state.
    """
    weights = (network.module(layer).weight for layer in network.architecture.linear_layers[:-1])
    wide = [weight for weight in weights if weight.requires_grad]
    rest = [p for p in network.parameters() if p.requires_grad and not any(p is w for w in wide)]
    groups: list[dict[str, Any]] = [{"params": rest, "lr": learning_rate}]
    for weight in wide:
        rate = learning_rate * min(1.0, FULL_RATE_INPUTS / weight.shape[1])
        groups.append({"params": [weight], "lr": rate})
    return groups


def get_network(module: pl.LightningModule) -> Seq2Point:
    """Return the network that a `Loop` trains; raises TypeError for another module."""
    if not isinstance(module, Loop):
        raise TypeError(f"invalid module of type {type(module).__name__}: expected a Loop")
    return module.network
