"""What a training shows while it runs: a bar on a terminal, a line for each validation elsewhere."""

import sys
import time
from contextlib import suppress
from typing import Any

import lightning.pytorch as pl
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from seq2point.training.pace import Plan
from seq2point.wording import format_number


class ShownProgress(pl.Callback):
    """Steps done, losses, windows a second and the time left, on standard error."""

    def __init__(self, plan: Plan, windows_per_step: int):
        self.plan, self.windows_per_step = plan, windows_per_step
        console = Console(stderr=True)
        self.bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[shown]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self.plain = not console.is_terminal
        self.task = self.bar.add_task("training", total=plan.steps, shown="")
        self.shown: dict[str, float] = {}
        self._since = self._steps = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the bar, from where a resumed training stands."""
        self._since, self._steps = time.perf_counter(), trainer.global_step
        if trainer.global_step:
            _show(f"going on from step {trainer.global_step} of {self.plan.steps}")
        self.bar.start()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, i: int
    ) -> None:
        """One step on."""
        pace = (trainer.global_step - self._steps) / (time.perf_counter() - self._since)
        self.shown["windows/s"] = pace * self.windows_per_step
        if not self.plain:
            self.shown["loss"] = float(outputs["loss"])
            self.bar.update(self.task, completed=trainer.global_step, shown=self._text())

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The validation's losses."""
        found = trainer.callback_metrics
        self.shown |= {
            "validation loss": float(found["val_loss"]),
            "MAE in W": float(found["val_mae_w"]),
        }
        if self.plain:
            _show(f"step {trainer.global_step}/{self.plan.steps}  {self._text()}")

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Leave the bar as it is."""
        self.bar.stop()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Leave the bar before the error is printed."""
        self.bar.stop()

    def _text(self) -> str:
        return "  ".join(
            f"{name} {format_number(value, 3 if value > 100 else 4)}"
            for name, value in self.shown.items()
        )


def _show(line: str) -> None:
    """Print a line; one that cannot be printed is no reason to end a training."""
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)
