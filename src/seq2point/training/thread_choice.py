"""How many threads a training computes with: chosen by the seconds of its own steps.

Beside other work several threads may be slower than one, and which is faster changes while a
training runs. So real steps are made with each number in turns, at the start and again when the
pace has changed. The kernels give the same numbers with any number of threads
(`seq2point.kernels`), so what is chosen does not change what is learned.
"""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import fmean, median
from typing import Any

import lightning.pytorch as pl
import torch

from seq2point.system.device import set_kernel_threads

TRIALS = 3
"""Steps with each number of threads before one is chosen."""
ADVANTAGE = 0.95
"""Several threads must take less than this of one thread's seconds."""
HOPELESS = 4.0
"""A number that takes so many times the seconds of another is not tried again."""
WATCHED = 16
"""Steps whose mean is the pace."""
CHANGED = 1.5
"""The pace has changed by this factor, up or down: time to choose anew."""
LEAST_STEPS, MOST_STEPS = 50, 1600
"""Steps between two choices. They double each time that the choice stays."""


class ThreadChoice:
    """The number of threads of a training, at most `most`; with `fixed` it is always that.

    `by_kernels` says that the heavy part of a step is the kernels'. Torch then has one thread: what
    it does is small, and its threads would spin in wait of more.
    """

    def __init__(self, most: int, by_kernels: bool, fixed: bool):
        self.by_kernels = by_kernels
        self.counts = [most] if fixed else sorted({1, max(most // 2, 1), most})
        self.chosen = most
        self._trial: list[int] = []
        self._seconds: dict[int, list[float]] = {}
        self._recent: deque[float] = deque(maxlen=WATCHED)
        self._expected_s = 0.0
        self._wait, self._since = LEAST_STEPS, 0
        self._began_at = self._processor_s = 0.0
        self.processor_shares: list[float] = []
        self._begin_trial()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Compute with the chosen number inside, and leave torch's number as it was."""
        before = torch.get_num_threads()
        self._set(self.chosen)
        try:
            yield
        finally:
            set_kernel_threads(None)
            torch.set_num_threads(before)

    @property
    def decides(self) -> bool:
        """Whether numbers of threads are being tried."""
        return bool(self._trial)

    def begin_step(self) -> None:
        """Start the clock of a step, which runs with the number that is due."""
        self._set(self._trial[0] if self._trial else self.chosen)
        self._began_at, self._processor_s = time.perf_counter(), time.thread_time()

    def end_step(self) -> None:
        """Count a step's seconds, and choose where enough of them were tried."""
        seconds = time.perf_counter() - self._began_at
        if self._trial:
            threads = self._trial.pop(0)
            if threads == 1 and seconds:
                self.processor_shares.append((time.thread_time() - self._processor_s) / seconds)
            self._seconds.setdefault(threads, []).append(seconds)
            self._drop_the_hopeless()
            if not self._trial:
                self._choose()
        elif len(self.counts) > 1:
            self._watch(seconds)

    def _set(self, threads: int) -> None:
        if self.by_kernels:
            set_kernel_threads(threads)
        torch_threads = 1 if self.by_kernels else threads
        if torch.get_num_threads() != torch_threads:
            torch.set_num_threads(torch_threads)

    def _begin_trial(self) -> None:
        self._trial = self.counts * TRIALS if len(self.counts) > 1 else []
        self._seconds = {}

    def _drop_the_hopeless(self) -> None:
        best_s = min(min(seconds) for seconds in self._seconds.values())
        hopeless = [n for n, seconds in self._seconds.items() if min(seconds) > HOPELESS * best_s]
        self._trial = [n for n in self._trial if n not in hopeless]

    def _choose(self) -> None:
        means_s = {n: fmean(seconds) for n, seconds in self._seconds.items()}
        best = min(means_s, key=lambda n: means_s[n] / (ADVANTAGE if n == 1 else 1))
        if 1 in means_s and means_s[best] > ADVANTAGE * means_s[1]:
            best = 1
        self._wait = LEAST_STEPS if best != self.chosen else min(2 * self._wait, MOST_STEPS)
        self.chosen, self._expected_s, self._since = best, means_s[best], 0
        self._recent.clear()

    def _watch(self, seconds: float) -> None:
        self._recent.append(seconds)
        self._since += 1
        if self._since < self._wait or len(self._recent) < WATCHED:
            return
        if not 1 / CHANGED < fmean(self._recent) / self._expected_s < CHANGED:
            self._begin_trial()

    def measure_processor_share(self) -> float | None:
        """Return the share of the time in which one thread had a processor, None if not known."""
        return median(self.processor_shares) if self.processor_shares else None


class ThreadTrials(pl.Callback):
    """Lets a choice of threads time the steps of Lightning's loop."""

    def __init__(self, choice: ThreadChoice):
        self.choice = choice

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, i: int
    ) -> None:
        """Start the clock of the step."""
        self.choice.begin_step()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, i: int
    ) -> None:
        """Count the step."""
        self.choice.end_step()
