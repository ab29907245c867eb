"""What each training step learns from, as a function of the seed and the step alone: nothing to save, exact to resume."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from seq2point.errors import DataError
from seq2point.network import Architecture, Seq2Point
from seq2point.recording import Recording
from seq2point.windows import Scale, window_runs


class Batches(Protocol):
    """Draws what a step learns from and computes the loss on it."""

    steps_per_epoch: int

    def draw(self, step: int) -> Tensor:
        """The numbers of what step `step` (from 0) learns from, i64[B], the same whenever it is asked."""
        ...

    def loss(self, network: Seq2Point, drawn: Tensor) -> Tensor:
        """The mean squared error, in network units, on what was drawn."""
        ...


class _House:
    """A recording on the device: watts f32[T] and f32[T, A], and which windows are usable."""

    def __init__(self, recording: Recording, architecture: Architecture, names: Sequence[str], device: torch.device):
        self.runs = window_runs(recording, architecture.window, architecture.target_index, names)
        self.mains_w = torch.from_numpy(recording.mains_w).to(device)
        self.appliances_w = [torch.from_numpy(recording.appliance_w(name)).to(device) for name in names]


class WindowBatches:
    """Shuffled single windows, gathered from the series by number and never held all at once.

    Every epoch visits each usable window once, in a fresh order.
    Raises DataError when no recording has a usable window.
    """

    def __init__(
        self,
        recordings: Sequence[Recording],
        names: Sequence[str],
        architecture: Architecture,
        scale: Scale,
        batch_size: int,
        seed: int,
        device: torch.device,
    ):
        self.houses = [_House(r, architecture, names, device) for r in recordings]
        self.ends = np.cumsum([house.runs.total for house in self.houses])
        self.total = int(self.ends[-1])
        if not self.total:
            raise DataError(
                f"no training window: {', '.join(r.house for r in recordings)} hold no stretch of "
                f"{architecture.window} samples without a gap where {', '.join(names)} is known"
            )
        self.architecture, self.scale, self.batch_size, self.seed = architecture, scale, batch_size, seed
        self.steps_per_epoch = -(-self.total // batch_size)
        self.mean_w = torch.tensor(scale.appliance_mean_w, device=device)
        self.std_w = torch.tensor(scale.appliance_std_w, device=device)
        self._epoch, self._order = -1, np.empty(0, dtype=np.int32)

    def draw(self, step: int) -> Tensor:
        """Window numbers of a step, i64[B]; the last step of an epoch takes what is left."""
        epoch, batch = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._order = np.arange(self.total, dtype=np.int32)
            np.random.default_rng((self.seed, epoch)).shuffle(self._order)
            self._epoch = epoch
        return torch.from_numpy(self._order[batch * self.batch_size : (batch + 1) * self.batch_size].astype(np.int64))

    def gather(self, drawn: Tensor) -> tuple[Tensor, Tensor]:
        """Scaled mains f32[B, W] and scaled targets f32[B, A] of windows by number."""
        numbers = drawn.cpu().numpy()
        house_of = np.searchsorted(self.ends, numbers, side="right")
        mains, power = [], []
        for i in np.unique(house_of):
            house = self.houses[i]
            starts = torch.from_numpy(house.runs.starts(numbers[house_of == i] - (self.ends[i] - house.runs.total)))
            starts = starts.to(house.mains_w.device)
            mains.append(house.mains_w.unfold(0, self.architecture.window, 1)[starts])
            at = starts + self.architecture.target_index
            power.append(torch.stack([appliance_w[at] for appliance_w in house.appliances_w], dim=1))
        x = torch.cat(mains).sub_(self.scale.mains_mean_w).div_(self.scale.mains_std_w)
        return x, (torch.cat(power) - self.mean_w) / self.std_w

    def loss(self, network: Seq2Point, drawn: Tensor) -> Tensor:
        """The mean squared error on the drawn windows."""
        x, target = self.gather(drawn)
        return torch.nn.functional.mse_loss(network(x), target)
