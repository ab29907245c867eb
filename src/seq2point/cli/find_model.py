"""The models that the verbs load, by path or by name."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from seq2point.choices import Device
from seq2point.errors import DataError, ModelFileError, UsageError

if TYPE_CHECKING:
    from seq2point.appliances import Appliance
    from seq2point.configuration import ColumnsConfig
    from seq2point.data.long_table import LongTable
    from seq2point.data.table import Table
    from seq2point.model.model_file import Model
    from seq2point.predictor import Predictor


def is_model_name(path: Path) -> bool:
    """Return whether `path` is the name of a model, as `kettle` or `kettle-8s`.

    A name has no ending, and no file has it.
    """
    return not path.suffix and path.name == str(path) and not path.is_file()


def require_model_ending(out: Path) -> None:
    """Raise UsageError for a path that a model is not written to."""
    from seq2point.runtime import NATIVE
    from seq2point.system.atomic_files import check_ending

    check_ending(out, "a model is", (NATIVE,))


def require_replaceable(out: Path, appliances: "Sequence[Appliance]") -> None:
    """Raise UsageError for a path that holds a model of other appliances than those to write.

    A model of the same ones is replaced, as by any output; so is a file that is no model.
    """
    from seq2point.runtime.native_file import read_model_file

    if not out.is_file():
        return
    with suppress(ModelFileError):
        held = read_model_file(out)[0].appliances
        if [a.name for a in held] != [a.name for a in appliances]:
            lies, comes = (", ".join(a.label for a in each) for each in (held, appliances))
            raise UsageError(
                f"{out}: holds a model of the {lies}, which one of the {comes} would replace: give"
                " another name, or remove the file"
            )


def require_no_table(models: Sequence[Path]) -> None:
    """Raise UsageError where a table of readings stands in the place of a model."""
    from seq2point import runtime
    from seq2point.data.table_file import open_table_file

    for path in models:
        if not path.is_file() or path.suffix.lower() in runtime.RUNTIMES:
            continue
        with suppress(DataError):
            open_table_file(path)
            raise UsageError(f"{path}: is a table, not a model; name models first, the mains last")


def find_model_file(path: Path, period_s: float | None = None, *, exported: bool = False) -> Path:
    """Return the file of a model: `path` itself, or that of a model of the package by its name.

    A name may be an appliance's alone. The period of the data, `period_s`, then chooses the finest
    model that they allow. A name means the native file, or the exported one with `exported`.
    Raises UsageError for an unknown name, and for one that fits several models without a period.
    """
    from seq2point.model import pretrained

    if not is_model_name(path):
        return path
    name = str(path)
    if period_s is not None and name not in pretrained.list_names():
        name = pretrained.find_finest(name, period_s).name
    model = pretrained.find_pretrained(name)
    return model.onnx if exported else model.native


def find_model_file_for(
    path: Path,
    data: Sequence[Path],
    columns: "ColumnsConfig",
    period_s: float | None = None,
    *,
    exported: bool = False,
) -> Path:
    """Return the file of a model, by the first of the data where the name is an appliance's.

    That choice is printed. `period_s` is the period that the data are resampled to, if any.
    Raises DataError for data that cannot be read, UsageError where they have no times, and the
    errors of `find_model_file`.
    """
    from seq2point.data.table import read_table
    from seq2point.model import pretrained

    if not is_model_name(path) or str(path) in pretrained.list_names() or not data:
        return find_model_file(path, exported=exported)
    if period_s is None:
        period_s = read_period_s(path, read_table(data[0], (), columns))
    file = find_model_file(path, period_s, exported=exported)
    print(f"{path}: {file.stem}, for the readings of {data[0].name}", file=sys.stderr)
    return file


def read_period_s(path: Path, table: "Table | LongTable", period_s: float | None = None) -> float:
    """Return a table's sampling period, else `period_s`.

    Raises UsageError where neither is known: the model named `path` cannot be chosen.
    """
    table_period_s = table.period_s or period_s
    if table_period_s is None:
        raise UsageError(
            f"{table.path}: has no times, so which '{path}' fits is unknown; say --period 8s or"
            " whatever it is"
        )
    return table_period_s


def load_model(
    path: Path,
    device: Device,
    threads: int | None,
    data: Sequence[Path] = (),
    columns: "ColumnsConfig | None" = None,
    period_s: float | None = None,
) -> "Model":
    """Load a model by path or name onto a device; data decide where the name is an appliance's.

    Raises ModelFileError for a damaged file, UsageError for an absent device, and the errors of
    `find_model_file_for`.
    """
    from seq2point.configuration import DEFAULT_COLUMNS
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
    """Load a native or an exported model, by the file's ending; raises as `load_model` does.

    A native file needs torch only where a GPU computes.
    """
    from seq2point import runtime
    from seq2point.configuration import DEFAULT_COLUMNS
    from seq2point.system.hardware import may_have_cuda

    path = find_model_file_for(path, data, columns or DEFAULT_COLUMNS)
    if runtime.is_exported(path):
        if device == "cuda":
            raise UsageError(f"--device cuda: {path.name} runs on the CPU")
        return runtime.load(path, threads)
    if device == "cuda" or (device == "auto" and may_have_cuda()):
        return load_model(path, device, threads)
    from seq2point.runtime import native

    return native.open_model(path, threads)
