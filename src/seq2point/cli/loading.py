"""What the verbs work on: models, onto the device that the options name, and recordings that fit them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seq2point.choices import Device
from seq2point.errors import UsageError

if TYPE_CHECKING:
    from seq2point.data.pieces import LongTable
    from seq2point.data.table import Columns, Table
    from seq2point.model_file import Model
    from seq2point.predictor import Predictor
    from seq2point.recording import Recording


def is_name(path: Path) -> bool:
    """Whether a model is given by name, as `kettle` or `kettle-8s`: no file has it, and it has no ending."""
    return not path.suffix and path.name == str(path) and not path.exists()


def file_of(path: Path) -> Path:
    """The file of a model that is given by its path or by the name of one that comes with the package.

    By name it is the native file, or the exported one where torch is not installed. Raises UsageError for an unknown name.
    """
    from importlib.util import find_spec

    from seq2point import pretrained

    if not is_name(path):
        return path
    found = pretrained.find(str(path))
    return found.native if find_spec("torch") else found.onnx


def file_for(path: Path, table: "Table | LongTable", period_s: float | None, resample: bool) -> Path:
    """As `file_of` for a name, which may be an appliance's alone: then the finest period that a table's readings allow is taken.

    `period_s` is that of a table without times.
    Raises DataError where the table's period does not fit without `resample`, and UsageError where none is known.
    """
    from seq2point import pretrained
    from seq2point.recording import same_period

    name, found_s = str(path), table.period_s or period_s
    if name in pretrained.names():
        return file_of(path)
    there_s = pretrained.periods_s(name)
    if found_s is None:
        raise UsageError(f"{table.path}: has no times, so which '{name}' fits is unknown; say --period 8s or whatever it is")
    chosen_s = next((one_s for one_s in there_s if one_s >= found_s or same_period(one_s, found_s)), there_s[-1])
    table.require_period(chosen_s, resample)
    return file_of(Path(pretrained.find(name, chosen_s).card.name))


def load_model(path: Path, device: Device, threads: int | None) -> "Model":
    """Load a model, by path or name; raises ModelFileError, or UsageError for an unknown name and an absent device."""
    from seq2point.machine import choose_device, prepare
    from seq2point.model_file import Model

    prepare(threads)
    model = Model.load(file_of(path))
    model.network.to(choose_device(device))
    return model


def load_predictor(path: Path, device: Device, threads: int | None) -> "Predictor":
    """Load a model or, without torch, an exported one, by the file's ending; raises as `load_model` does."""
    from seq2point import runtime

    path = file_of(path)
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
