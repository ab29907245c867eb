"""Checkpoints: when they are written, and how they are written, checked and read."""

import hashlib
import os
import time
from pathlib import Path
from typing import Any, BinaryIO

import lightning.pytorch as pl
import torch
from lightning.pytorch.plugins.io import CheckpointIO

from seq2point.errors import TrainingError
from seq2point.system.atomic_files import atomic_write
from seq2point.training.signals import StopRequest

DIGEST = b"\nsha256:"
DIGEST_BYTES = len(DIGEST) + 64
BLOCK = 1 << 20


class Checkpoints(pl.Callback):
    """Writes `last.ckpt` after the first validation, then at most once in `every_s` seconds.

    Where the training stops early, it is written, too.
    """

    def __init__(self, path: Path, stop: StopRequest, every_s: float):
        self.path = path
        self.stop = stop
        self.every_s = every_s
        self._written_at = float("-inf")

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write a checkpoint where the first process's clock says so; all processes take part."""
        due = time.perf_counter() - self._written_at >= self.every_s
        if self.stop.late or trainer.strategy.broadcast(due):
            trainer.save_checkpoint(self.path)
            self._written_at = time.perf_counter()


class AtomicCheckpoints(CheckpointIO):
    """Reads and writes checkpoint files that are whole, or not there.

    A file is written beside its place and renamed, with its SHA-256 at its end. Reading unpickles
    no objects.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Write a checkpoint; raises OSError where the disk is full."""
        with atomic_write(path) as beside:
            try:
                torch.save(checkpoint, beside)
            except RuntimeError as error:  # torch raises this for a full disk
                raise OSError(str(error).partition("\n")[0]) from error
            with beside.open("r+b") as file:
                digest = _compute_digest(file, file.seek(0, os.SEEK_END))
                file.write(DIGEST + digest)

    def load_checkpoint(
        self, path: Any, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read tensors and plain values; raises TrainingError where a single bit differs."""
        try:
            _check_digest(Path(path))
            checkpoint: dict[str, Any] = torch.load(
                path, map_location=map_location or "cpu", weights_only=True
            )
        except Exception as error:
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise TrainingError(
                f"{path}: the checkpoint is damaged ({reason}); train anew with `overwrite`"
            ) from error
        return checkpoint

    def remove_checkpoint(self, path: Any) -> None:
        """Remove a checkpoint."""
        Path(path).unlink(missing_ok=True)


def _compute_digest(file: BinaryIO, length: int) -> bytes:
    """Return the SHA-256 of a file's first bytes, in hexadecimal."""
    file.seek(0)
    digest = hashlib.sha256()
    while length and (block := file.read(min(length, BLOCK))):
        digest.update(block)
        length -= len(block)
    return digest.hexdigest().encode()


def _check_digest(path: Path) -> None:
    """Raise ValueError for a file that differs from the digest at its end, or has none."""
    with path.open("rb") as file:
        length = file.seek(0, os.SEEK_END) - DIGEST_BYTES
        file.seek(max(length, 0))
        digest = file.read()
        if length < 0 or not digest.startswith(DIGEST):
            raise ValueError("its checksum is missing")
        if digest != DIGEST + _compute_digest(file, length):
            raise ValueError("its checksum differs")
