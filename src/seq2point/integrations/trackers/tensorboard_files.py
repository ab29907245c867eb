"""Finished trainings as TensorBoard reads them: a folder each, with its curves and its numbers."""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from seq2point.integrations.trackers import FinishedTraining
from seq2point.system.atomic_files import explain_write_errors

KEY_DIGITS = 12


def write(folder: Path, study: str, trainings: Iterable[FinishedTraining]) -> None:
    """Write trainings below DIR/STUDY; those that are there stay as they are."""
    for training in trainings:
        name = re.sub(r"[^A-Za-z0-9._-]+", "_", training.name)
        place = folder / study / f"{name}-{training.key[:KEY_DIGITS]}"
        if place.exists():
            continue
        beside = place.with_name(f".{place.name}.part")
        with explain_write_errors(place):
            shutil.rmtree(beside, ignore_errors=True)
            _write_one(beside, training)
            beside.replace(place)


def _write_one(folder: Path, training: FinishedTraining) -> None:
    with SummaryWriter(folder) as writer:
        for row in training.history:
            for name, value in row.items():
                if name != "step":
                    writer.add_scalar(name, value, int(row["step"]))
        choices = {k: v for k, v in training.choices.items() if v is not None}
        writer.add_text("choices", str(choices))
        for name, number in training.numbers.items():
            writer.add_scalar(f"end/{name}", number, 0)
