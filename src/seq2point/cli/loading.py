"""What the verbs work on: models, onto the device that the options name, and recordings that fit them."""

import sys
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
    return not path.suffix and path.name == str(path) and not path.is_file()


def file_of(path: Path, period_s: float | None = None, *, exported: bool = False) -> Path:
    """The file of a model that is given by its path or by the name of one that comes with the package.

    A name may be an appliance's alone: `period_s`, that of the data at hand, then decides, for the finest model that they allow.
    By name it is the native file, or the exported one where that is asked for or torch is not installed.
    Raises UsageError for an unknown name, and for one that fits several models where no data decide.
    """
    from importlib.util import find_spec

    from seq2point import pretrained

    if not is_name(path):
        return path
    name = str(path)
    if period_s is not None and name not in pretrained.names():
        name = pretrained.finest(name, period_s).name
    found = pretrained.find(name)
    return found.onnx if exported or not find_spec("torch") else found.native


def file_for(
    path: Path, data: Sequence[Path], columns: "Columns", period_s: float | None = None, *, exported: bool = False
) -> Path:
    """As `file_of`; where the name is an appliance's, the first of the data decides, and what was chosen is said.

    `period_s` is what the data are resampled to, where that is known.
    Raises DataError for data that cannot be read, and UsageError where they have no times, as `file_of` does besides.
    """
    from seq2point import pretrained
    from seq2point.data.table import read_table

    if not is_name(path) or str(path) in pretrained.names() or not data:
        return file_of(path, exported=exported)
    found = file_of(path, period_s or known_period_s(path, read_table(data[0], (), columns)), exported=exported)
    print(f"{path}: {found.stem}, for the readings of {data[0].name}", file=sys.stderr)
    return found


def known_period_s(path: Path, table: "Table | LongTable", period_s: float | None = None) -> float:
    """A table's sampling period, else the one that is given; raises UsageError where neither says which model is meant."""
    found_s = table.period_s or period_s
    if found_s is None:
        raise UsageError(f"{table.path}: has no times, so which '{path}' fits is unknown; say --period 8s or whatever it is")
    return found_s


def load_model(
    path: Path,
    device: Device,
    threads: int | None,
    data: Sequence[Path] = (),
    columns: "Columns | None" = None,
    period_s: float | None = None,
) -> "Model":
    """Load a model, by path or name; where the name is an appliance's, data decide which (`file_for`).

    Raises ModelFileError, and UsageError for an unknown or ambiguous name and an absent device.
    """
    from seq2point.data.table import USUAL
    from seq2point.machine import choose_device, prepare
    from seq2point.model_file import Model

    prepare(threads)
    model = Model.load(file_for(path, data, columns or USUAL, period_s))
    model.network.to(choose_device(device))
    return model


def load_predictor(
    path: Path, device: Device, threads: int | None, data: Sequence[Path] = (), columns: "Columns | None" = None
) -> "Predictor":
    """Load a model or, without torch, an exported one, by the file's ending; raises as `load_model` does."""
    from seq2point import runtime
    from seq2point.data.table import USUAL

    path = file_for(path, data, columns or USUAL)
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
