"""The files of a home's energy: its power, its activations, its table of energy and its page."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa

from seq2point.data import parquet_file
from seq2point.errors import Seq2PointError, UsageError
from seq2point.events import write_activations
from seq2point.household.energy_table import tabulate_energy
from seq2point.household.home_energy import HomeEnergy
from seq2point.system.atomic_files import atomic_write, explain_write_errors
from seq2point.workers.folder_lock import LOCK

POWER, ACTIVATIONS, ENERGY, PAGE = (
    "power.parquet",
    "activations.csv",
    "energy.csv",
    "household.html",
)
FILES = {"power": POWER, "activations": ACTIVATIONS, "energy": ENERGY, "page": PAGE}
"""The file names by what they hold."""


def require_own_folder(folder: Path) -> None:
    """Raise UsageError for a folder of other things, before anything is computed.

    A folder that is empty, or that holds an earlier result, is written to; a lock does not count.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is a file; choose a folder")
    try:
        paths = [*folder.iterdir()] if folder.is_dir() else []
    except OSError as error:
        raise Seq2PointError(f"{folder}: cannot be read ({error.strerror or error})") from None
    names = {path.name for path in paths if not path.name.startswith(LOCK)}
    if names and not {POWER, ENERGY} <= names:
        raise UsageError(
            f"{folder}: holds other files, as {min(names)}; choose an empty folder or a new one"
        )


def write_home(
    energy: HomeEnergy, folder: Path, render: Callable[[HomeEnergy], str]
) -> dict[str, Path]:
    """Write the files of a home's energy into a folder, all or none; return them by what they hold.

    `render` gives the text of the page. Raises UsageError as `require_own_folder` does.
    """
    require_own_folder(folder)
    page = render(energy)
    paths = {label: folder / name for label, name in FILES.items()}
    with explain_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as opened:
        beside = {label: opened.enter_context(atomic_write(path)) for label, path in paths.items()}
        _write_power(energy, beside["power"])
        write_activations(beside["activations"], energy.cycles, energy.is_dated)
        tabulate_energy(energy.totals, energy.names, energy.zone).write_csv(beside["energy"])
        beside["page"].write_text(page, encoding="utf-8")
    return paths


def _write_power(energy: HomeEnergy, path: Path) -> None:
    """Write the power as a house's Parquet file, with a column for each part of the mains."""
    columns = {"mains": energy.mains_w, **energy.parts_w}
    metadata = {
        "house": energy.house,
        "period_s": f"{energy.period_s:g}",
        "unit": "W",
        "nominal_time": str(not energy.is_dated).lower(),
        "zone": energy.zone,
    }
    try:
        with parquet_file.Writer(path, list(columns), metadata) as writer:
            writer.write([energy.times_s], [[power_w] for power_w in columns.values()])
    except pa.ArrowException as error:
        raise OSError(str(error)) from error
