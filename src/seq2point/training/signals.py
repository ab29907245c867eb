"""What ends a training early, between two steps: signals, and a budget that is used up.

Signals are noted as they come. So nothing of the training is lost.
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

LATE = 0.5  # less than any signal's number


class StopRequest:
    """A signal, or a budget that is used up, that asks this training to stop.

    `number` is the signal on which all processes have agreed, 0 for none. `late` says that they
    have agreed to stop, for a signal or because one of them finds that it is late. A second signal
    has the effect that it had before the training began. Several processes all stop at the same
    step. The process that spawned them decides what a second signal does.
    """

    def __init__(self) -> None:
        self.number = 0
        self.late = False
        self._received = 0
        self._handlers: dict[signal.Signals, Any] = {}

    def agree(self, late: bool = False) -> bool:
        """Return whether to stop now, the same in all processes, which must all call this.

        Once they stop because it is late, they stay so.
        """
        greatest = processes.find_greatest(self._received or LATE * (late or self.late))
        self.number, self.late = int(greatest), greatest > 0
        return self.late

    @contextmanager
    def listen(self) -> Iterator[None]:
        """Note signals inside, first those that were blocked (`processes.run_processes`).

        An ignored signal stays ignored. The former handlers are restored at the end, and a signal
        that nobody has obeyed by then is sent again.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._handlers = {number: signal.getsignal(number) for number in SIGNALS}
        for number, handler in self._handlers.items():
            if handler not in (signal.SIG_IGN, None):
                signal.signal(number, self._receive)
        mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            self._restore_handlers()
            if self._received and not self.number and processes.count_ranks() == 1:
                signal.raise_signal(self._received)

    def _receive(self, number: int, _: FrameType | None) -> None:
        self._received = self._received or number
        if processes.count_ranks() == 1:
            self._restore_handlers()

    def _restore_handlers(self) -> None:
        for number, handler in self._handlers.items():
            if handler is not None:
                signal.signal(number, handler)


class StopBetweenSteps(pl.Callback):
    """Stops a training after the interval that was cut short."""

    def __init__(self, stop: StopRequest):
        self.stop = stop

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop where that was agreed."""
        if self.stop.agree():
            trainer.should_stop = True
