"""`seq2point export`: a trained model as a file that runs where it will live, proved before it is
written.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from seq2point.cli import options
from seq2point.cli.input_guard import also_writes
from seq2point.cli.options import Take
from seq2point.configuration import (
    ColumnsConfig,
    ExportConfig,
    ExportOptions,
    MachineConfig,
    Tolerances,
)
from seq2point.deploy import TARGETS


def _name_files(given: Mapping[str, Any]) -> Sequence[Path]:
    """Return the .c and the .h of an export to a microcontroller."""
    from seq2point.deploy.microcontroller import name_paths

    return name_paths(given["out"]) if given["target"] == "microcontroller" else []


@also_writes(_name_files)
def export(
    model: options.ModelName,
    target: Annotated[
        str,
        typer.Option(
            help=f"What to write: {', '.join(TARGETS)}.",
            metavar="TARGET",
            rich_help_panel=options.TARGET,
        ),
    ],
    out: Annotated[
        Path,
        options.make_output("The exported file; for a microcontroller OUT.c and OUT.h.", "OUT"),
    ],
    settings: ExportConfig,
    limits: Annotated[Tolerances, Take(without=("difference",))],
    columns: Annotated[ColumnsConfig, options.BUT_APPLIANCES],
    machine: Annotated[MachineConfig, Take(only=("threads",))],
    calibrate: Annotated[
        Path | None,
        typer.Option(
            help=(
                "A house to take int8 ranges from, mains and the appliance; its last part proves"
                " the result."
            ),
            metavar="FILE",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    verify: Annotated[
        list[Path] | None,
        typer.Option(
            help="A house to prove the result on; repeat for several.",
            metavar="FILE",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    json: options.Json = None,
    resample: options.Resample = False,
    appliance_column: options.ApplianceColumn = None,
) -> None:
    """Export a model: watts in, watts out, proved against the native model.

    A file that fails its proof is not written, with exit code 3.
    """
    from seq2point import deploy
    from seq2point.cli.find_model import load_model
    from seq2point.cli.read_houses import HouseReader
    from seq2point.report import deployment, terminal
    from seq2point.system.console import show_status

    exporter = deploy.find_target(target)
    data = [*([calibrate] if calibrate else []), *(verify or [])]
    loaded = load_model(model, "cpu", machine.threads, data, columns)
    reader = HouseReader.for_model(loaded, columns, appliance_column, resample)
    calibration = reader.load([calibrate])[0] if calibrate else None
    proof = reader.load(verify)
    choices = ExportOptions.join(settings, calibrate=calibration, verify=proof, limits=limits)
    with show_status("exporting"):
        exported = exporter.export(loaded, out, choices)
    console = terminal.write_report(
        {"target": target, "constants_w": loaded.constants_w(), **exported.report}, json
    )
    path = next(iter(exported.files.values()))
    for title, lines in deployment.list_export_tables(path, exported.report):
        console.print(terminal.make_table(title, lines))
    for note in deployment.list_export_notes(exported.report):
        terminal.print_prose(console, note)
    terminal.print_files(exported.files, quiet=str(json) == "-")
