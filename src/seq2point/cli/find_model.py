"""What the verbs work on: models, onto the device that the options name, and recordings that fit
them.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seq2point.choices import Device
from seq2point.errors import UsageError

if TYPE_CHECKING:
    from seq2point.configuration import ColumnsConfig
    from seq2point.data.long_table import LongTable
    from seq2point.data.table import Table
    from seq2point.model.model_file import Model
    from seq2point.predictor import Predictor
    from seq2point.recording import Recording


def is_model_name(path: Path) -> bool:
    """Whether a model is given by name, as `kettle` or `kettle-8s`: no file has it, and it has no
    ending.
    """
    return not path.suffix and path.name == str(path) and not path.is_file()


def find_model_file(path: Path, period_s: float | None = None, *, exported: bool = False) -> Path:
    """The file of a model that is given by its path or by the name of one that comes with the
    package.

    A name may be an appliance's alone: `period_s`, that of the data at hand, then decides, for the
    finest model that they allow. By name it is the native file, or the exported one where that is
    asked for or torch is not installed.
    Raises UsageError for an unknown name, and for one that fits several models where no data
    decide.
    """
    from importlib.util import find_spec

    from seq2point.model import pretrained

    if not is_model_name(path):
        return path
    name = str(path)
    if period_s is not None and name not in pretrained.list_names():
        name = pretrained.find_finest(name, period_s).name
    found = pretrained.find_pretrained(name)
    return found.onnx if exported or not find_spec("torch") else found.native


def find_model_file_for(
    path: Path,
    data: Sequence[Path],
    columns: "ColumnsConfig",
    period_s: float | None = None,
    *,
    exported: bool = False,
) -> Path:
    """As `find_model_file`; where the name is an appliance's, the first of the data decides, and
    what was chosen is said.

    `period_s` is what the data are resampled to, where that is known.
    Raises DataError for data that cannot be read, and UsageError where they have no times, as
    `find_model_file` does besides.
    """
    from seq2point.data.table import read_table
    from seq2point.model import pretrained

    if not is_model_name(path) or str(path) in pretrained.list_names() or not data:
        return find_model_file(path, exported=exported)
    found = find_model_file(
        path, period_s or read_period_s(path, read_table(data[0], (), columns)), exported=exported
    )
    print(f"{path}: {found.stem}, for the readings of {data[0].name}", file=sys.stderr)
    return found


def read_period_s(path: Path, table: "Table | LongTable", period_s: float | None = None) -> float:
    """A table's sampling period, else the one that is given; raises UsageError where neither says
    which model is meant.
    """
    found_s = table.period_s or period_s
    if found_s is None:
        raise UsageError(
            f"{table.path}: has no times, so which '{path}' fits is unknown; say --period 8s or"
            " whatever it is"
        )
    return found_s


def load_model(
    path: Path,
    device: Device,
    threads: int | None,
    data: Sequence[Path] = (),
    columns: "ColumnsConfig | None" = None,
    period_s: float | None = None,
) -> "Model":
    """Load a model, by path or name; where the name is an appliance's, data decide which
    (`find_model_file_for`).

    Raises ModelFileError, and UsageError for an unknown or ambiguous name and an absent device.
    """
    from seq2point.data.columns import DEFAULT_COLUMNS
    from seq2point.model.model_file import Model
    from seq2point.system.device import choose_device, prepare_process

    prepare_process(threads)
    model = Model.load(find_model_file_for(path, data, columns or DEFAULT_COLUMNS, period_s))
    model.network.to(choose_device(device))
    return model


def load_predictor(
    path: Path,
    device: Device,
    threads: int | None,
    data: Sequence[Path] = (),
    columns: "ColumnsConfig | None" = None,
) -> "Predictor":
    """Load a model or, without torch, an exported one, by the file's ending; raises as `load_model`
    does.
    """
    from seq2point import runtime
    from seq2point.data.columns import DEFAULT_COLUMNS

    path = find_model_file_for(path, data, columns or DEFAULT_COLUMNS)
    if not runtime.supports(path):
        return load_model(path, device, threads)
    if device == "cuda":
        raise UsageError(f"--device cuda: {path.name} runs on the CPU")
    return runtime.load(path, threads)


def load_houses(
    paths: Sequence[Path],
    appliances: Sequence[str],
    period_s: float,
    columns: "ColumnsConfig",
    resample: bool = False,
) -> list["Recording"]:
    """The recordings of some files with these appliances, at a model's sampling period.

    Raises DataError for a file that cannot be read so, and for another period where `resample` does
    not ask for the model's.
    """
    from seq2point.data.table import read_table, to_recording

    tables = [read_table(path, appliances, columns) for path in paths]
    for table in tables:
        table.require_period(period_s, resample)
    return [to_recording(table, period_s) for table in tables]
