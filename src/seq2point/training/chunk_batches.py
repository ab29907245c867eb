"""Batches of chunks of neighbouring windows, for the sliding engine."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seq2point.network import Architecture, Seq2Point, sliding
from seq2point.training.augmentation import (
    NO_AUGMENTATION,
    PER_MILLE,
    Augmentation,
    draw_repeats,
    replace_power_w,
)
from seq2point.training.houses import House, Houses
from seq2point.training.loss import SQUARED, Loss
from seq2point.training.synthetic_loads import draw_synthetic_loads_w
from seq2point.training.teachers import NO_TEACHERS, Teachers


class ChunkBatches:
    """Chunks of consecutive windows for the sliding engine.

    Every epoch tiles each house anew from a random offset and takes the tiles in a fresh order. So
    it visits each usable window about once. Windows over gaps are left out of the loss.

    A step of a few chunks may see a rare appliance once or not at all, and its gradient then swings
    from step to step. So the fraction `active` of a step's chunks is drawn in proportion to how
    much the appliances' power varies in each tile. Every chunk's error is weighted with the inverse
    of its frequency, so that the minimised loss stays the same (importance sampling, Katharopoulos
    and Fleuret 2018, arXiv 1803.00942).
    """

    rows = "chunks"

    def __init__(
        self,
        houses: Houses,
        windows_per_chunk: int,
        chunks_per_step: int,
        seed: int,
        active: float = 0.0,
        augmentation: Augmentation = NO_AUGMENTATION,
        error: Loss = SQUARED,
        teachers: Teachers = NO_TEACHERS,
    ):
        self.data = houses
        self.teachers = teachers
        self.hop = windows_per_chunk
        self.chunks = chunks_per_step
        self.seed = seed
        self.augmentation = augmentation
        self.error = error
        self.windows_per_step = windows_per_chunk * chunks_per_step
        self.activity = [sum_activity(house, houses.architecture) for house in houses.houses]
        self.whole_activity = sum(float(summed[-1]) for summed in self.activity)
        self.active = active if self.whole_activity > 0 else 0.0
        self.tiles = sum(len(self._find_tiles(house, 0)) for house in houses.houses)
        self.steps_per_epoch = -(-self.tiles // chunks_per_step)
        self._epoch = -1
        self._order = np.empty((0, 2), dtype=np.int64)
        self._chances = np.empty(0)

    @property
    def changes(self) -> bool:
        """Whether chunks are changed, so that a draw says how."""
        return bool(self.augmentation)

    @property
    def _chunk_samples(self) -> int:
        """The readings that the windows of a chunk cover."""
        return self.hop + self.data.architecture.window - 1

    @property
    def _targets(self) -> slice:
        """The readings of a chunk that are targets of its windows."""
        first = self.data.architecture.target_index
        return slice(first, first + self.hop)

    def _find_tiles(self, house: House, offset: int) -> npt.NDArray[np.int64]:
        """Return the first windows of the tiles that hold a usable window."""
        windows = len(house.mains_w) - self.data.architecture.window + 1
        starts = np.arange(-offset, windows, self.hop, dtype=np.int64)
        return starts[house.runs.count_within(starts, self.hop) > 0]

    def draw(self, step: int) -> Tensor:
        """Return house and first window of a step's chunks, i64[N, 2].

        With augmentation the columns of `Augmentation.draw` follow, i64[N, 7].
        """
        epoch, batch = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._begin_epoch(epoch)
        rows = np.arange(batch * self.chunks, (batch + 1) * self.chunks) % len(self._order)
        if active_chunks := round(self.active * self.chunks):
            random = np.random.default_rng((self.seed, epoch, batch))
            rows[:active_chunks] = random.choice(len(self._order), active_chunks, p=self._chances)
        drawn = self._order[rows]
        if self.changes:
            random = np.random.default_rng((self.seed, epoch, batch, 1))
            drawn = np.column_stack([drawn, self.augmentation.draw(drawn, self._order, random)])
        return torch.from_numpy(drawn)

    def _begin_epoch(self, epoch: int) -> None:
        """Tile the houses anew and shuffle the tiles."""
        random = np.random.default_rng((self.seed, epoch))
        tiles = []
        for i, house in enumerate(self.data.houses):
            starts = self._find_tiles(house, int(random.integers(self.hop)))
            tiles.append(np.stack([np.full_like(starts, i), starts], axis=1))
        self._order = random.permutation(np.concatenate(tiles))
        self._epoch = epoch
        if self.active:
            share = self._measure_activity(self._order)
            self._chances = share / share.sum()

    def _measure_activity(self, tiles: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return the share of the power's variation in each tile, a house and its first window."""
        share = np.empty(len(tiles))
        for i, summed in enumerate(self.activity):
            first = tiles[tiles[:, 0] == i, 1]
            ends = np.clip([first, first + self.hop], 0, len(summed) - 1)
            share[tiles[:, 0] == i] = (summed[ends[1]] - summed[ends[0]]) / self.whole_activity
        return share

    def weigh(self, drawn: Tensor) -> Tensor:
        """Return the weight of each chunk's error, f32[N].

        It is the chunk's frequency in a plain draw, over its frequency in this one.
        """
        active = round(self.active * self.chunks) / self.chunks
        if not active:
            return torch.ones(len(drawn))
        activity = self._measure_activity(drawn.cpu().numpy())
        frequency = 1 - active + active * self.tiles * activity
        return torch.from_numpy(1 / frequency).float()

    def gather(self, drawn: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return scaled mains f32[N, L], scaled targets f32[N, M, A] and usable windows bool[N, M].

        A chunk has L readings and M windows.
        """
        if self.changes:
            mains_w, power_w, usable = self._gather_augmented(drawn)
        else:
            places = drawn[:, :2]
            mains_w = self._gather_mains_w(places)
            power_w = self._gather_power_w(places)
            usable = self._find_usable(places)
        return (
            torch.nan_to_num_(self.data.scale_mains_(mains_w)),
            torch.nan_to_num_(self.data.scale_power(power_w[:, self._targets])),
            usable,
        )

    def _gather_augmented(self, drawn: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return mains_w f32[N, L], power_w f32[N, L, A] and usable windows bool[N, M], changed."""
        places, mains_from, seeds = drawn[:, :2], drawn[:, 2:4], drawn[:, 6].tolist()
        usable = self._find_usable(places)
        mains_w = self._gather_mains_w(mains_from)
        gain, duration = drawn[:, 4:6].T.to(mains_w) / PER_MILLE
        if self.augmentation.stretch:
            power_w, added_w = self._gather_stretched_w(places, duration)
            known = ~power_w[:, self._targets].isnan().any(-1)
            usable = torch.where((duration == 1)[:, None], usable, known)
        else:
            power_w = self._gather_power_w(places)
            added_w = self._gather_power_w(places, filled=True)
        removed_w = self._gather_power_w(mains_from, filled=True)
        mains_w = replace_power_w(mains_w, removed_w, added_w * gain[:, None, None])
        mains_w = self.add_loads_w(seeds, mains_w)
        if share := self.augmentation.missing:
            rows = zip(mains_w, seeds, strict=True)
            mains_w = torch.stack([row[draw_repeats(seed, len(row), share)] for row, seed in rows])
        return mains_w, power_w * gain[:, None, None], usable & self._find_usable(mains_from)

    def add_loads_w(self, seeds: list[int], mains_w: Tensor) -> Tensor:
        """Return the mains f32[N, L] with other loads added, drawn by seed."""
        if per_day := self.augmentation.loads:
            length, period_s = mains_w.shape[1], self.data.period_s
            loads_w = [draw_synthetic_loads_w(seed, length, period_s, per_day) for seed in seeds]
            mains_w = mains_w + torch.from_numpy(np.stack(loads_w)).to(mains_w)
        return mains_w

    def find_house(self, number: int) -> House:
        """Return a house by its number."""
        return self.data.houses[number]

    def _gather_mains_w(self, places: Tensor) -> Tensor:
        """Return the mains of chunks, f32[N, L], NaN beyond a house's ends."""
        length = self._chunk_samples
        return torch.stack(
            [_cut(self.find_house(i).mains_w, start, length) for i, start in places.tolist()]
        )

    def _gather_power_w(
        self, places: Tensor, filled: bool = False, length: int | None = None
    ) -> Tensor:
        """Return the appliances' power in chunks, f32[N, L, A], NaN where it is missing.

        With `filled` it is missing in long gaps alone. `length` is L where it is not a chunk's.
        """
        length = length or self._chunk_samples
        chunks = []
        for i, start in places.tolist():
            house = self.find_house(i)
            series = house.filled_w if filled else house.appliances_w
            chunks.append(torch.stack([_cut(power_w, start, length) for power_w in series], dim=1))
        return torch.stack(chunks)

    def _gather_stretched_w(self, places: Tensor, duration: Tensor) -> tuple[Tensor, Tensor]:
        """Return the appliances' power in chunks, f32[N, L, A], and the same with short gaps
        filled.

        Each chunk is `duration` times as long, stretched about its middle and interpolated between
        samples.
        """
        steps = np.arange(self._chunk_samples) - (self._chunk_samples - 1) / 2
        middle = places[:, 1].cpu().numpy() - steps[0]
        position = middle[:, None] + steps / duration.cpu().numpy().astype(np.float64)[:, None]
        first = np.floor(position[:, 0]).astype(np.int64)
        position -= first[:, None]
        before = np.floor(position).astype(np.int64)
        cut_from = torch.column_stack([places[:, 0].cpu(), torch.from_numpy(first)])
        length = int(before.max()) + 2
        fraction = torch.from_numpy(position - before).to(places.device, torch.float32)[..., None]
        at = torch.from_numpy(before).to(places.device)[..., None]
        power_w, filled_w = (
            self._interpolate_w(cut_from, length, at, fraction, filled) for filled in (False, True)
        )
        return power_w, filled_w

    def _interpolate_w(
        self, places: Tensor, length: int, at: Tensor, fraction: Tensor, filled: bool
    ) -> Tensor:
        """Return the power in chunks of some length between the samples at i64[N, L, 1] and the
        next ones, f32[N, L, A].
        """
        power_w = self._gather_power_w(places, filled, length)
        at = at.expand(-1, -1, power_w.shape[2])
        return torch.lerp(power_w.gather(1, at), power_w.gather(1, at + 1), fraction)

    def _find_usable(self, places: Tensor) -> Tensor:
        """Return which windows of chunks are usable, bool[N, M]."""
        flags = [self.find_house(i).runs.flags(start, self.hop) for i, start in places.tolist()]
        return torch.from_numpy(np.stack(flags)).to(self.data.houses[0].mains_w.device)

    def loss(self, network: Seq2Point, drawn: Tensor, progress: float = 1.0) -> Tensor:
        """Return the weighted mean error on the usable windows of the drawn chunks."""
        x, target, usable = self.gather(drawn)
        weight_NT = usable * self.weigh(drawn).to(x.device)[:, None]
        prediction = self.predict(network, drawn, x)
        target = self.teachers.mix(x, target)
        error = self.error.ramp(progress)(prediction, target, self.data.scale_power).mean(-1)
        return (error * weight_NT).sum() / weight_NT.sum().clamp(min=1e-9)

    def predict(self, network: Seq2Point, drawn: Tensor, x: Tensor) -> Tensor:
        """Return a network's predictions f32[N, M, A] for the drawn chunks' scaled mains x."""
        return sliding.predict_chunks(network, x)


def sum_activity(house: House, shape: Architecture) -> npt.NDArray[np.float64]:
    """Return how far the appliances' power is from its mean, summed up to each window.

    The sums are f64[windows + 1] and count usable windows alone.
    """
    windows = max(len(house.mains_w) - shape.window + 1, 0)
    usable = house.runs.flags(0, windows)
    summed = np.zeros(windows + 1)
    if not usable.any():
        return summed
    for power_w in house.appliances_w:
        targets_w = power_w[shape.target_index : shape.target_index + windows].cpu().numpy()
        distance_w = np.where(usable, np.abs(targets_w - np.nanmean(targets_w[usable])), 0.0)
        if distance_w.sum() > 0:
            summed[1:] += np.cumsum(distance_w / distance_w.mean(), dtype=np.float64)
    return summed


def _cut(series: Tensor, first: int, length: int) -> Tensor:
    """Return samples [first, first + length) of a series, NaN where it does not reach.

    They are the series' own memory where it reaches.
    """
    if 0 <= first <= len(series) - length:
        return series[first : first + length]
    inside = series[max(first, 0) : max(first + length, 0)]
    before = max(-first, 0)
    return torch.nn.functional.pad(
        inside, (before, length - before - len(inside)), value=float("nan")
    )
