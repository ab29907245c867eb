"""What the verbs work on: models, onto the device that the options name, and recordings that fit them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seq2point.choices import Device
from seq2point.errors import UsageError

if TYPE_CHECKING:
    from seq2point.data.table import Columns
    from seq2point.model_file import Model
    from seq2point.predictor import Predictor
    from seq2point.recording import Recording


def load_model(path: Path, device: Device, threads: int | None) -> "Model":
    """Load a model; raises ModelFileError, or UsageError where the device is not there."""
    from seq2point.machine import choose_device, prepare
    from seq2point.model_file import Model

    prepare(threads)
    model = Model.load(path)
    model.network.to(choose_device(device))
    return model


def load_predictor(path: Path, device: Device, threads: int | None) -> "Predictor":
    """Load a model or, without torch, an exported one, by the file's ending; raises as `load_model` does."""
    from seq2point import runtime

    if not runtime.serves(path):
        return load_model(path, device, threads)
    if device == "cuda":
        raise UsageError(f"--device cuda: {path.name} runs on the CPU")
    return runtime.load(path, threads)


def load_houses(
    paths: Sequence[Path], appliances: Sequence[str], period_s: float, columns: "Columns", resample: bool = False
) -> list["Recording"]:
    """The recordings of some files with these appliances, at a model's sampling period.

    Raises DataError for a file that cannot be read so, and for another period where `resample` does not ask for the model's.
    """
    from seq2point.data.table import read_table, to_recording

    tables = [read_table(path, appliances, columns) for path in paths]
    for table in tables:
        table.require_period(period_s, resample)
    return [to_recording(table, period_s) for table in tables]
