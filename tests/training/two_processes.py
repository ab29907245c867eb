"""What each of two processes of a training comes to, and that it is the same."""

from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch


class Outcome(pl.Callback):
    """Leaves the masks of every step, the weights at the end, and what went on record, in a file
    for each process.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.masks: list[dict[str, torch.Tensor]] = []

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        pruning = next(c for c in trainer.callbacks if hasattr(c, "pruner"))  # type: ignore[attr-defined]
        self.masks.append({name: mask.clone() for name, mask in pruning.masks.items()})

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        best = next(c for c in trainer.callbacks if hasattr(c, "best_loss"))  # type: ignore[attr-defined]
        history = [
            {key: value for key, value in row.items() if key != "seconds"} for row in best.history
        ]
        told = {"masks": self.masks, "weights": pl_module.state_dict(), "history": history}
        torch.save(told, self.folder / f"{trainer.global_rank}.pt")


def assert_the_same_in_both(folder: Path) -> list[dict[str, torch.Tensor]]:
    """The two files of a folder hold the same; return the masks of every step."""
    first, second = (torch.load(folder / f"{rank}.pt", weights_only=True) for rank in (0, 1))
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    masks: list[dict[str, torch.Tensor]] = first["masks"]
    return masks
