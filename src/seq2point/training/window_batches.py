"""Batches of shuffled single windows, as in the paper."""

import numpy as np
import torch
from torch import Tensor

from seq2point.network import Seq2Point
from seq2point.training.houses import Houses
from seq2point.training.loss import SQUARED, Loss


class WindowBatches:
    """Shuffled single windows, gathered from the series by number.

    Every epoch visits each usable window once, in a fresh order. The windows are never all in
    memory at once.
    """

    rows = "windows"

    def __init__(self, houses: Houses, batch_size: int, seed: int, error: Loss = SQUARED):
        self.data = houses
        self.windows_per_step = batch_size
        self.seed = seed
        self.error = error
        self.ends = np.cumsum([house.runs.total for house in houses.houses])
        self.steps_per_epoch = -(-houses.windows // batch_size)
        self._epoch = -1
        self._order = np.empty(0, dtype=np.int32)

    def draw(self, step: int) -> Tensor:
        """Return the window numbers of a step, i64[B], fewer in the last step of an epoch."""
        epoch, batch = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._order = np.arange(self.data.windows, dtype=np.int32)
            np.random.default_rng((self.seed, epoch)).shuffle(self._order)
            self._epoch = epoch
        span = slice(batch * self.windows_per_step, (batch + 1) * self.windows_per_step)
        return torch.from_numpy(self._order[span].astype(np.int64))

    def gather(self, drawn: Tensor) -> tuple[Tensor, Tensor]:
        """Return scaled mains f32[B, W] and scaled targets f32[B, A] of windows by number."""
        numbers = drawn.cpu().numpy()
        shape = self.data.architecture
        house_of = np.searchsorted(self.ends, numbers, side="right")
        mains, power = [], []
        for i in np.unique(house_of):
            house = self.data.houses[i]
            in_house = numbers[house_of == i] - (self.ends[i] - house.runs.total)
            starts = torch.from_numpy(house.runs.starts(in_house)).to(house.mains_w.device)
            targets_w = [power_w[starts + shape.target_index] for power_w in house.appliances_w]
            mains.append(house.mains_w.unfold(0, shape.window, 1)[starts])
            power.append(torch.stack(targets_w, dim=1))
        return self.data.scale_mains_(torch.cat(mains)), self.data.scale_power(torch.cat(power))

    def loss(self, network: Seq2Point, drawn: Tensor, progress: float = 1.0) -> Tensor:
        """Return the mean error on the drawn windows."""
        x, target = self.gather(drawn)
        return self.error.ramp(progress)(network(x), target, self.data.scale_power).mean()
