"""The progress of a training: a bar on a terminal, a line for each validation elsewhere."""

import sys
import time
from contextlib import suppress
from typing import Any

import lightning.pytorch as pl
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from seq2point.system.console import make_console
from seq2point.training.pace import Plan
from seq2point.wording import format_number


class ProgressLine(pl.Callback):
    """Shows steps, losses, windows a second and the time left, on standard error.

    Where nothing is held out, the loss and the MAE are of the training data, and are called so.
    """

    def __init__(self, plan: Plan, windows_per_step: int, held_out: bool = True):
        self.plan, self.windows_per_step, self.held_out = plan, windows_per_step, held_out
        console = make_console(to_stderr=True)
        self.bar = Progress(
            TextColumn("training", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self.on_terminal = console.is_terminal
        self.task = self.bar.add_task("training", total=plan.steps, figures="")
        self.figures: dict[str, float] = {}
        self._began_at = 0.0
        self._first_step = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the bar, which begins at the step of a resumed training."""
        self._began_at = time.perf_counter()
        self._first_step = trainer.global_step
        if trainer.global_step:
            _print_line(f"going on from step {trainer.global_step} of {self.plan.steps}")
        self.bar.start()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, i: int
    ) -> None:
        """Move the bar by one step."""
        steps = trainer.global_step - self._first_step
        pace = steps / (time.perf_counter() - self._began_at)
        self.figures["windows/s"] = pace * self.windows_per_step
        if self.on_terminal:
            self.figures["loss"] = float(outputs["loss"])
            figures = self._format_figures()
            self.bar.update(self.task, completed=trainer.global_step, figures=figures)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the validation's loss and MAE."""
        metrics = trainer.callback_metrics
        loss, mae = (
            ("validation loss", "MAE in W")
            if self.held_out
            else ("loss on the training data", "MAE in W there")
        )
        self.figures |= {loss: float(metrics["val_loss"]), mae: float(metrics["val_mae_w"])}
        if not self.on_terminal:
            _print_line(f"step {trainer.global_step}/{self.plan.steps}  {self._format_figures()}")

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop the bar, and leave it on the terminal."""
        self.bar.stop()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Stop the bar before the error is printed."""
        self.bar.stop()

    def _format_figures(self) -> str:
        return "  ".join(
            f"{name} {format_number(value, 3 if value > 100 else 4)}"
            for name, value in self.figures.items()
        )


def _print_line(line: str) -> None:
    """Print a line; a closed standard error does not end the training."""
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)
