"""`seq2point household`: a home's energy by appliance and day, from a file of its mains."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seq2point.cli import options
from seq2point.cli.declare import say_flags
from seq2point.cli.input_guard import also_writes
from seq2point.cli.options import Take
from seq2point.configuration import ColumnsConfig, HouseholdConfig, MachineConfig

if TYPE_CHECKING:
    from seq2point.household import HomeEnergy


def _name_files(given: Mapping[str, Any]) -> Sequence[Path]:
    """Return what a home's energy is written to."""
    from seq2point.household.home_files import FILES

    return [given["out"] / name for name in FILES.values()]


@also_writes(_name_files)
def household(
    mains: Annotated[Path, typer.Argument(help="Mains readings, CSV or Parquet.", metavar="MAINS")],
    out: Annotated[
        Path,
        options.make_output(
            "Folder for power.parquet, activations.csv, energy.csv and household.html."
        ),
    ],
    columns: Annotated[ColumnsConfig, options.BUT_APPLIANCES],
    home: HouseholdConfig,
    machine: Annotated[MachineConfig, Take(only=("threads",))],
    model: Annotated[
        list[Path] | None,
        typer.Option(
            "--model",
            help="A model file or a name, kettle-60s; repeat for several.",
            show_default="the best of each appliance for these readings",
            metavar="MODEL",
            rich_help_panel=options.HOUSEHOLD,
        ),
    ] = None,
    period: options.PeriodWithoutTimes = None,
) -> None:
    """Tell what a home's appliances used, by day, week and month, and what it cost.

    The appliances, 'always on' and 'other' add up to the mains. What the mains do not show stays
    unknown.
    """
    from seq2point.cli.progress_bar import show_bar
    from seq2point.household import HomeEnergy, Tariff
    from seq2point.household.home_files import require_own_folder, write_home
    from seq2point.household.home_models import load_models
    from seq2point.household.mains import open_mains
    from seq2point.household.predictions import count_samples
    from seq2point.report.home_summary import print_home
    from seq2point.report.terminal import print_files
    from seq2point.system.console import make_console, show_status
    from seq2point.workers.folder_lock import lock_folder

    require_own_folder(out)
    tariff = None if home.tariff is None else Tariff.parse(home.tariff, columns)
    with show_status(f"reading {mains}"):
        readings = open_mains(mains, columns, period)
    make_console(to_stderr=True, wrap=False).print(readings.interpretation)
    with show_status("loading the models"):
        chosen = [_open_file(path, machine.threads) for path in model or []] or None
        loaded = load_models(chosen, readings, home.without, machine.threads)
    with lock_folder(out, "seq2point household"):
        with show_bar(f"disaggregating {mains.name}", count_samples(readings, loaded)) as progress:
            energy = HomeEnergy.measure(readings, loaded, tariff, home.without, progress)
        energy = _say_flags(energy)
        files = write_home(energy, out, HomeEnergy.render_html)
    console = make_console()
    print_home(energy, console)
    print_files(files)


def _open_file(path: Path, threads: int | None) -> Any:
    """Return the model of a file, loaded, with its card; a name stays one."""
    from seq2point.cli.find_model import is_model_name, load_predictor
    from seq2point.household.home_models import HomeModel
    from seq2point.model.pretrained import find_card

    if is_model_name(path):
        return str(path)
    return HomeModel(load_predictor(path, "auto", threads), path.name, find_card(path))


def _say_flags(energy: "HomeEnergy") -> "HomeEnergy":
    """Return the energy with notes that name flags, and no fields."""
    from dataclasses import replace

    return replace(energy, notes=tuple(say_flags(note) for note in energy.notes))
