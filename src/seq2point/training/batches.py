"""What each training step learns from, as a function of the seed and the step alone: nothing to
save, exact to resume.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seq2point.errors import DataError
from seq2point.network import Architecture, Seq2Point, sliding
from seq2point.recording import Recording
from seq2point.recording.scaling import Scale
from seq2point.recording.windows import WindowRuns, find_window_runs
from seq2point.training.augmentation import (
    NOTHING,
    PER_MILLE,
    Augmentation,
    draw_repeats,
    replace_appliance,
)
from seq2point.training.loss import Loss
from seq2point.training.synthetic_loads import draw_synthetic_loads_w

SQUARED = Loss()


class Batches(Protocol):
    """Draws what a step learns from and computes the loss on it."""

    steps_per_epoch: int
    windows_per_step: int
    data: "Houses"
    rows: str

    def draw(self, step: int) -> Tensor:
        """What step `step` (from 0) learns from, one row each of i64, the same whenever it is
        asked.
        """
        ...

    def loss(self, network: Seq2Point, drawn: Tensor, progress: float = 1.0) -> Tensor:
        """The mean error, in network units, on what was drawn, at a point of the training from 0 to
        1.
        """
        ...


def take_share(drawn: Tensor, rank: int, ranks: int) -> Tensor:
    """What one of several processes learns from of a draw: its turn of the rows, or all of them
    where there are too few.
    """
    return drawn[rank::ranks] if len(drawn) >= ranks else drawn


class _House(NamedTuple):
    """A recording on the device, watts f32[T] and f32[T, A], and its usable windows.

    `held_w` are the appliances' with short gaps filled: what the mains hold of them, but nothing to
    learn from.
    """

    runs: WindowRuns
    mains_w: Tensor
    appliances_w: list[Tensor]
    held_w: list[Tensor]

    def move(self, device: torch.device) -> "_House":
        """The same on another device."""
        mains_w, appliances_w, held_w = (
            [watts.to(device) for watts in series]
            for series in ([self.mains_w], self.appliances_w, self.held_w)
        )
        return _House(self.runs, mains_w[0], appliances_w, held_w)


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
        self.architecture, self.scale, self.period_s = architecture, scale, recordings[0].period_s
        self.houses = [
            _House(
                find_window_runs(r, architecture.window, architecture.target_index, names),
                torch.from_numpy(r.filled_mains_w),
                [torch.from_numpy(r.appliance_w(name)) for name in names],
                [torch.from_numpy(r.fill_gaps(r.appliance_w(name))) for name in names],
            ).move(device)
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
        self.houses = [house.move(device) for house in self.houses]
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

    def __init__(self, houses: Houses, batch_size: int, seed: int, error: Loss = SQUARED):
        self.data, self.windows_per_step, self.seed, self.error = houses, batch_size, seed, error
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
            starts = torch.from_numpy(
                house.runs.starts(numbers[house_of == i] - (self.ends[i] - house.runs.total))
            )
            starts = starts.to(house.mains_w.device)
            mains.append(house.mains_w.unfold(0, shape.window, 1)[starts])
            power.append(
                torch.stack(
                    [power_w[starts + shape.target_index] for power_w in house.appliances_w], dim=1
                )
            )
        return self.data.scaled_mains(torch.cat(mains)), self.data.scaled_power(torch.cat(power))

    def loss(self, network: Seq2Point, drawn: Tensor, progress: float = 1.0) -> Tensor:
        """The mean error on the drawn windows."""
        x, target = self.gather(drawn)
        return self.error.at(progress)(network(x), target, self.data.scaled_power).mean()


class ChunkBatches:
    """Chunks of consecutive windows for sliding evaluation.

    Every epoch tiles each house anew from a random offset and takes the tiles in a fresh order, so
    that it visits each usable window about once; windows over gaps are left out of the loss.

    A step of a few chunks may see a rare appliance once or not at all, and its gradient then swings
    from step to step. So the fraction `active` of a step's chunks is drawn in proportion to how
    much the appliances' power varies in each tile, and every chunk's error is weighted with the
    inverse of how often it comes: what is minimised stays the same (importance sampling,
    Katharopoulos and Fleuret 2018, arXiv 1803.00942).
    """

    rows = "chunks"

    def __init__(
        self,
        houses: Houses,
        windows_per_chunk: int,
        chunks_per_step: int,
        seed: int,
        active: float = 0.0,
        augmentation: Augmentation = NOTHING,
        error: Loss = SQUARED,
    ):
        self.data, self.hop, self.chunks, self.seed = (
            houses,
            windows_per_chunk,
            chunks_per_step,
            seed,
        )
        self.augmentation, self.error = augmentation, error
        self.windows_per_step = windows_per_chunk * chunks_per_step
        self.activity = [_activity(house, houses.architecture) for house in houses.houses]
        self.whole_activity = sum(float(summed[-1]) for summed in self.activity)
        self.active = active if self.whole_activity > 0 else 0.0
        self.tiles = sum(len(self._tiles(house, 0)) for house in houses.houses)
        self.steps_per_epoch = -(-self.tiles // chunks_per_step)
        self._epoch, self._order, self._chances = -1, np.empty((0, 2), dtype=np.int64), np.empty(0)

    def _tiles(self, house: _House, offset: int) -> npt.NDArray[np.int64]:
        """First windows of the tiles that hold a usable window."""
        windows = len(house.mains_w) - self.data.architecture.window + 1
        starts = np.arange(-offset, windows, self.hop, dtype=np.int64)
        return starts[house.runs.count_within(starts, self.hop) > 0]

    def draw(self, step: int) -> Tensor:
        """House and first window of a step's chunks, i64[N, 2]; augmented, all that
        `Augmentation.draw` gives, i64[N, 7].
        """
        epoch, batch = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            random = np.random.default_rng((self.seed, epoch))
            tiles = [
                self._tiles(house, int(random.integers(self.hop))) for house in self.data.houses
            ]
            pairs = [
                np.stack([np.full_like(starts, i), starts], axis=1)
                for i, starts in enumerate(tiles)
            ]
            self._order, self._epoch = random.permutation(np.concatenate(pairs)), epoch
            if self.active:
                share = self._share_of_activity(self._order)
                self._chances = share / share.sum()
        places = np.arange(batch * self.chunks, (batch + 1) * self.chunks) % len(self._order)
        if chosen := round(self.active * self.chunks):
            random = np.random.default_rng((self.seed, epoch, batch))
            places[:chosen] = random.choice(len(self._order), chosen, p=self._chances)
        drawn = self._order[places]
        if self.augmentation:
            random = np.random.default_rng((self.seed, epoch, batch, 1))
            drawn = np.column_stack([drawn, self.augmentation.draw(drawn, self._order, random)])
        return torch.from_numpy(drawn)

    def _share_of_activity(self, tiles: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """What part of all the power's variation lies in each tile, given as house and first
        window.
        """
        share = np.empty(len(tiles))
        for i, summed in enumerate(self.activity):
            first = tiles[tiles[:, 0] == i, 1]
            ends = np.clip([first, first + self.hop], 0, len(summed) - 1)
            share[tiles[:, 0] == i] = (summed[ends[1]] - summed[ends[0]]) / self.whole_activity
        return share

    def weights(self, drawn: Tensor) -> Tensor:
        """The weight of each chunk's error, f32[N]: how often it would come by lot over how often
        it comes.
        """
        active = round(self.active * self.chunks) / self.chunks
        often = (
            1 - active + active * self.tiles * self._share_of_activity(drawn.cpu().numpy())
            if active
            else np.ones(len(drawn))
        )
        return torch.from_numpy(1 / often).float()

    def gather(self, drawn: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Scaled mains f32[N, L], scaled targets f32[N, M, A] and which of the M windows of each
        chunk are usable, bool[N, M].
        """
        shape, places = self.data.architecture, drawn[:, :2]
        mains_w, target_w, usable = (
            self._mains_w(places),
            self._power_w(places),
            self._usable(places),
        )
        if self.augmentation:
            mains_from, (gain, duration), seeds = (
                drawn[:, 2:4],
                drawn[:, 4:6].T.to(target_w) / PER_MILLE,
                drawn[:, 6],
            )
            held_w = self._power_w(places, held=True)
            if self.augmentation.stretch:
                target_w, held_w = (
                    self._stretched_w(places, duration, held) for held in (False, True)
                )
                known = ~target_w[
                    :, shape.target_index : shape.target_index + self.hop
                ].isnan().any(-1)
                usable = torch.where((duration == 1)[:, None], usable, known)
            target_w, held_w = (power_w * gain[:, None, None] for power_w in (target_w, held_w))
            mains_w = replace_appliance(
                self._mains_w(mains_from), self._power_w(mains_from, held=True), held_w
            )
            usable = usable & self._usable(mains_from)
            if a_day := self.augmentation.loads:
                made_up = np.stack(
                    [
                        draw_synthetic_loads_w(seed, mains_w.shape[1], self.data.period_s, a_day)
                        for seed in seeds.tolist()
                    ]
                )
                mains_w = mains_w + torch.from_numpy(made_up).to(mains_w)
            if share := self.augmentation.missing:
                mains_w = torch.stack(
                    [
                        row[draw_repeats(seed, len(row), share)]
                        for row, seed in zip(mains_w, seeds.tolist(), strict=True)
                    ]
                )
        target_w = target_w[:, shape.target_index : shape.target_index + self.hop]
        return (
            torch.nan_to_num_(self.data.scaled_mains(mains_w)),
            torch.nan_to_num_(self.data.scaled_power(target_w)),
            usable,
        )

    def _mains_w(self, places: Tensor) -> Tensor:
        """The mains of chunks, f32[N, L], NaN beyond a house's ends."""
        length = self.hop + self.data.architecture.window - 1
        return torch.stack(
            [_padded(self.data.houses[i].mains_w, start, length) for i, start in places.tolist()]
        )

    def _power_w(self, places: Tensor, held: bool = False) -> Tensor:
        """The appliances' power in chunks, f32[N, L, A], NaN where it is missing or, with `held`,
        in long gaps alone.
        """
        length = self.hop + self.data.architecture.window - 1
        return torch.stack(
            [
                torch.stack(
                    [_padded(power_w, start, length) for power_w in self._series_w(i, held)], dim=1
                )
                for i, start in places.tolist()
            ]
        )

    def _series_w(self, house: int, held: bool) -> list[Tensor]:
        return self.data.houses[house].held_w if held else self.data.houses[house].appliances_w

    def _stretched_w(self, places: Tensor, duration: Tensor, held: bool) -> Tensor:
        """The appliances' power in chunks, so many times as long about their middles, between
        samples on a line: f32[N, L, A].
        """
        length = self.hop + self.data.architecture.window - 1
        middle = (length - 1) / 2
        stretched = []
        for (i, start), times in zip(places.tolist(), duration.tolist(), strict=True):
            at = start + middle + (np.arange(length) - middle) / times
            first = int(np.floor(at[0]))
            before = torch.from_numpy(at - first).floor().long()
            along = torch.from_numpy(at - first - before.numpy()).to(places.device, torch.float32)
            series = [
                _padded(power_w, first, int(before[-1]) + 2) for power_w in self._series_w(i, held)
            ]
            stretched.append(
                torch.stack(
                    [torch.lerp(power_w[before], power_w[before + 1], along) for power_w in series],
                    dim=1,
                )
            )
        return torch.stack(stretched)

    def _usable(self, places: Tensor) -> Tensor:
        """Which windows of chunks are usable, bool[N, M]."""
        flags = [self.data.houses[i].runs.flags(start, self.hop) for i, start in places.tolist()]
        return torch.from_numpy(np.stack(flags)).to(self.data.houses[0].mains_w.device)

    def loss(self, network: Seq2Point, drawn: Tensor, progress: float = 1.0) -> Tensor:
        """The mean error on the usable windows of the drawn chunks, weighted."""
        x, target, usable = self.gather(drawn)
        weight_NT = usable * self.weights(drawn).to(x.device)[:, None]
        error = self.error.at(progress)(
            self.answers(network, drawn, x), target, self.data.scaled_power
        ).mean(-1)
        return (error * weight_NT).sum() / weight_NT.sum().clamp(min=1e-9)

    def answers(self, network: Seq2Point, drawn: Tensor, x: Tensor) -> Tensor:
        """What a network answers to the windows of drawn chunks, whose scaled mains are x: f32[N,
        M, A].
        """
        return sliding.predict_chunks(network, x)


def _activity(house: _House, shape: Architecture) -> npt.NDArray[np.float64]:
    """How far the appliances' power is from its mean at the usable windows, summed up to each,
    f64[windows + 1].
    """
    windows = max(len(house.mains_w) - shape.window + 1, 0)
    usable = house.runs.flags(0, windows)
    summed = np.zeros(windows + 1)
    for power_w in house.appliances_w:
        targets_w = power_w[shape.target_index : shape.target_index + windows].cpu().numpy()
        away_w = np.where(
            usable, np.abs(targets_w - np.nanmean(targets_w[usable]) if usable.any() else 0.0), 0.0
        )
        if away_w.sum() > 0:
            summed[1:] += np.cumsum(away_w / away_w.mean(), dtype=np.float64)
    return summed


def _padded(series: Tensor, first: int, length: int) -> Tensor:
    """Samples [first, first + length) of a series, NaN where it does not reach."""
    inside = series[max(first, 0) : max(first + length, 0)]
    before = max(-first, 0)
    return torch.nn.functional.pad(
        inside, (before, length - before - len(inside)), value=float("nan")
    )
