"""What each training step learns from, as a function of the seed and the step alone: nothing to save, exact to resume."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seq2point import sliding
from seq2point.errors import DataError
from seq2point.network import Architecture, Seq2Point
from seq2point.recording import Recording
from seq2point.windows import Scale, WindowRuns, window_runs


class Batches(Protocol):
    """Draws what a step learns from and computes the loss on it."""

    steps_per_epoch: int
    windows_per_step: int
    data: "Houses"
    rows: str

    def draw(self, step: int) -> Tensor:
        """What step `step` (from 0) learns from, one row each of i64, the same whenever it is asked."""
        ...

    def loss(self, network: Seq2Point, drawn: Tensor) -> Tensor:
        """The mean squared error, in network units, on what was drawn."""
        ...


def share(drawn: Tensor, rank: int, ranks: int) -> Tensor:
    """What one of several processes learns from of a draw: its turn of the rows, or all of them where there are too few."""
    return drawn[rank::ranks] if len(drawn) >= ranks else drawn


class _House(NamedTuple):
    """A recording on the device, watts f32[T] and f32[T, A], and its usable windows."""

    runs: WindowRuns
    mains_w: Tensor
    appliances_w: list[Tensor]


class Houses:
    """The training recordings on one device, with the scale to network units.

    Raises DataError when no recording has a usable window.
    """

    def __init__(
        self,
        recordings: Sequence[Recording],
        names: Sequence[str],
        architecture: Architecture,
        scale: Scale,
        device: torch.device,
    ):
        self.architecture, self.scale = architecture, scale
        self.houses = [
            _House(
                window_runs(r, architecture.window, architecture.target_index, names),
                torch.from_numpy(r.mains_w).to(device),
                [torch.from_numpy(r.appliance_w(name)).to(device) for name in names],
            )
            for r in recordings
        ]
        self.windows = sum(house.runs.total for house in self.houses)
        if not self.windows:
            raise DataError(
                f"no training window: {', '.join(r.house for r in recordings)} hold no stretch of "
                f"{architecture.window} samples without a gap where {', '.join(names)} is known"
            )
        self._mean_w = torch.tensor(scale.appliance_mean_w, device=device)
        self._std_w = torch.tensor(scale.appliance_std_w, device=device)

    def move(self, device: torch.device) -> None:
        """Bring the recordings to another device."""
        self.houses = [_House(h.runs, h.mains_w.to(device), [w.to(device) for w in h.appliances_w]) for h in self.houses]
        self._mean_w, self._std_w = self._mean_w.to(device), self._std_w.to(device)

    def scaled_mains(self, mains_w: Tensor) -> Tensor:
        """Watts to network units, in place."""
        return mains_w.sub_(self.scale.mains_mean_w).div_(self.scale.mains_std_w)

    def scaled_power(self, power_w: Tensor) -> Tensor:
        """Watts [..., A] to network units."""
        return (power_w - self._mean_w) / self._std_w


class WindowBatches:
    """Shuffled single windows, gathered from the series by number and never held all at once.

    Every epoch visits each usable window once, in a fresh order.
    """

    rows = "windows"

    def __init__(self, houses: Houses, batch_size: int, seed: int):
        self.data, self.windows_per_step, self.seed = houses, batch_size, seed
        self.ends = np.cumsum([house.runs.total for house in houses.houses])
        self.steps_per_epoch = -(-houses.windows // batch_size)
        self._epoch, self._order = -1, np.empty(0, dtype=np.int32)

    def draw(self, step: int) -> Tensor:
        """Window numbers of a step, i64[B]; the last step of an epoch takes what is left."""
        epoch, batch = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._order = np.arange(self.data.windows, dtype=np.int32)
            np.random.default_rng((self.seed, epoch)).shuffle(self._order)
            self._epoch = epoch
        span = slice(batch * self.windows_per_step, (batch + 1) * self.windows_per_step)
        return torch.from_numpy(self._order[span].astype(np.int64))

    def gather(self, drawn: Tensor) -> tuple[Tensor, Tensor]:
        """Scaled mains f32[B, W] and scaled targets f32[B, A] of windows by number."""
        numbers, shape = drawn.cpu().numpy(), self.data.architecture
        house_of = np.searchsorted(self.ends, numbers, side="right")
        mains, power = [], []
        for i in np.unique(house_of):
            house = self.data.houses[i]
            starts = torch.from_numpy(house.runs.starts(numbers[house_of == i] - (self.ends[i] - house.runs.total)))
            starts = starts.to(house.mains_w.device)
            mains.append(house.mains_w.unfold(0, shape.window, 1)[starts])
            power.append(torch.stack([power_w[starts + shape.target_index] for power_w in house.appliances_w], dim=1))
        return self.data.scaled_mains(torch.cat(mains)), self.data.scaled_power(torch.cat(power))

    def loss(self, network: Seq2Point, drawn: Tensor) -> Tensor:
        """The mean squared error on the drawn windows."""
        x, target = self.gather(drawn)
        return torch.nn.functional.mse_loss(network(x), target)


class ChunkBatches:
    """Chunks of consecutive windows for sliding evaluation.

    Every epoch tiles each house anew from a random offset and takes the tiles in a fresh order, so that it visits each usable
    window about once; windows over gaps are left out of the loss.
    """

    rows = "chunks"

    def __init__(self, houses: Houses, windows_per_chunk: int, chunks_per_step: int, seed: int):
        self.data, self.hop, self.chunks, self.seed = houses, windows_per_chunk, chunks_per_step, seed
        self.windows_per_step = windows_per_chunk * chunks_per_step
        tiles = sum(len(self._tiles(house, 0)) for house in houses.houses)
        self.steps_per_epoch = -(-tiles // chunks_per_step)
        self._epoch, self._order = -1, np.empty((0, 2), dtype=np.int64)

    def _tiles(self, house: _House, offset: int) -> npt.NDArray[np.int64]:
        """First windows of the tiles that hold a usable window."""
        windows = len(house.mains_w) - self.data.architecture.window + 1
        starts = np.arange(-offset, windows, self.hop, dtype=np.int64)
        return starts[house.runs.count_within(starts, self.hop) > 0]

    def draw(self, step: int) -> Tensor:
        """House and first window of a step's chunks, i64[N, 2]."""
        epoch, batch = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            random = np.random.default_rng((self.seed, epoch))
            tiles = [self._tiles(house, int(random.integers(self.hop))) for house in self.data.houses]
            pairs = [np.stack([np.full_like(starts, i), starts], axis=1) for i, starts in enumerate(tiles)]
            self._order, self._epoch = random.permutation(np.concatenate(pairs)), epoch
        places = np.arange(batch * self.chunks, (batch + 1) * self.chunks) % len(self._order)
        return torch.from_numpy(self._order[places])

    def gather(self, drawn: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Scaled mains f32[N, L], scaled targets f32[N, M, A] and which of the M windows of each chunk are usable, bool[N, M]."""
        shape, length = self.data.architecture, self.hop + self.data.architecture.window - 1
        mains, power, usable = [], [], []
        for i, start in drawn.tolist():
            house = self.data.houses[i]
            mains.append(_padded(house.mains_w, start, length))
            at = start + shape.target_index
            power.append(torch.stack([_padded(power_w, at, self.hop) for power_w in house.appliances_w], dim=1))
            usable.append(torch.from_numpy(house.runs.flags(start, self.hop)))
        x = torch.nan_to_num_(self.data.scaled_mains(torch.stack(mains)))
        target = torch.nan_to_num_(self.data.scaled_power(torch.stack(power)))
        return x, target, torch.stack(usable).to(x.device)

    def loss(self, network: Seq2Point, drawn: Tensor) -> Tensor:
        """The mean squared error on the usable windows of the drawn chunks."""
        x, target, usable = self.gather(drawn)
        error = (sliding.predict_chunks(network, x) - target) * usable[..., None]
        return error.square().sum() / (usable.sum() * target.shape[-1])


def _padded(series: Tensor, first: int, length: int) -> Tensor:
    """Samples [first, first + length) of a series, NaN where it does not reach."""
    inside = series[max(first, 0) : max(first + length, 0)]
    before = max(-first, 0)
    return torch.nn.functional.pad(inside, (before, length - before - len(inside)), value=float("nan"))
