"""Signals while a training runs: noted as they come, obeyed between two steps, so that nothing of
the training is lost.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import lightning.pytorch as pl

from seq2point.training import processes
from seq2point.training.processes import SIGNALS


class StopRequest:
    """A signal that has asked this training to stop.

    A second one has the effect that it had before the training began. Of several processes all stop
    at the same step; the process that has spawned them decides what a second signal does.
    """

    def __init__(self) -> None:
        self.agreed = 0
        self._noted = 0
        self._before: dict[signal.Signals, Any] = {}

    def agree(self) -> bool:
        """Whether to stop now, the same in all processes, which all take part; `agreed` is then the
        signal's number.
        """
        self.agreed = int(processes.find_greatest(self._noted))
        return self.agreed > 0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Note signals inside, those that waited (`processes.run_processes`) first; an ignored one
        stays ignored.

        The handlers of before are put back at the end, and a signal that nobody has obeyed by then
        is sent again.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._before = {number: signal.getsignal(number) for number in SIGNALS}
        for number, handler in self._before.items():
            if handler not in (signal.SIG_IGN, None):
                signal.signal(number, self._note)
        waiting = signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, waiting)
            self._put_back()
            if self._noted and not self.agreed and processes.count_ranks() == 1:
                signal.raise_signal(self._noted)

    def _note(self, number: int, _: FrameType | None) -> None:
        self._noted = self._noted or number
        if processes.count_ranks() == 1:
            self._put_back()

    def _put_back(self) -> None:
        for number, handler in self._before.items():
            if handler is not None:
                signal.signal(number, handler)


class StopBetweenSteps(pl.Callback):
    """Ends a training after the interval that a signal has cut short."""

    def __init__(self, stop: StopRequest):
        self.stop = stop

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop, where a signal has asked for it."""
        if self.stop.agree():
            trainer.should_stop = True
