"""`seq2point export`: a trained model as a file that runs where it will live, proved before it is
written.
"""

from pathlib import Path
from typing import Annotated

import typer

from seq2point.cli import options
from seq2point.cli.options import Take
from seq2point.configuration import ColumnsConfig, MachineConfig
from seq2point.deploy import TARGETS, USUAL, Tolerances

MORE_ERROR = "By how much the MAE while on may grow, as a share."
MORE_ENERGY_ERROR = "By how much the SAE may grow."


def export(
    model: Annotated[
        Path, typer.Argument(help="A model file, or a name: kettle-60s.", metavar="MODEL")
    ],
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
        typer.Option(
            "-o",
            "--out",
            help="The exported file; for a microcontroller OUT.c and OUT.h.",
            metavar="OUT",
            rich_help_panel=options.OUTPUT,
        ),
    ],
    columns: Annotated[ColumnsConfig, options.BUT_APPLIANCES],
    machine: Annotated[MachineConfig, Take(only=("threads",))],
    sliding: Annotated[
        bool,
        typer.Option(
            "--sliding",
            help="Answer all windows of a chunk of any length at once.",
            rich_help_panel=options.TARGET,
        ),
    ] = False,
    int8: Annotated[
        bool,
        typer.Option(
            "--int8",
            help="Quantise, with ranges from --calibrate or simulated homes.",
            rich_help_panel=options.TARGET,
        ),
    ] = False,
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
    on_mae: Annotated[
        float, typer.Option("--max-on-mae", min=0, help=MORE_ERROR, rich_help_panel=options.PROOF)
    ] = USUAL.on_mae,
    sae: Annotated[
        float,
        typer.Option("--max-sae", min=0, help=MORE_ENERGY_ERROR, rich_help_panel=options.PROOF),
    ] = USUAL.sae,
    flash: Annotated[
        int | None,
        typer.Option(
            parser=options.parse_bytes,
            metavar="SIZE",
            help="Flash of the microcontroller.",
            show_default="256KB",
            rich_help_panel=options.TARGET,
        ),
    ] = None,
    ram: Annotated[
        int | None,
        typer.Option(
            parser=options.parse_bytes,
            metavar="SIZE",
            help="RAM of the microcontroller.",
            show_default="64KB",
            rich_help_panel=options.TARGET,
        ),
    ] = None,
    prefix: Annotated[
        str | None,
        typer.Option(
            help="Begins the names in C, for several models in one program.",
            show_default="s2p",
            rich_help_panel=options.TARGET,
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Write a result that fails its proof all the same.",
            rich_help_panel=options.PROOF,
        ),
    ] = False,
    json: options.Json = None,
    resample: options.Resample = False,
    appliance_column: options.ApplianceColumn = None,
) -> None:
    """Export a model: watts in, watts out, held to the native model; what fails is not written,
    with exit code 3.
    """
    from rich.console import Console

    from seq2point import deploy
    from seq2point.cli.find_model import load_houses, load_model
    from seq2point.report import deployment, terminal

    chosen = deploy.find_target(target)
    data = [*([calibrate] if calibrate else []), *(verify or [])]
    loaded = load_model(model, "cpu", machine.threads, data, columns)
    names = [a.name for a in loaded.appliances]
    named = options.name_column(columns, names[0], appliance_column)
    calibration = (
        load_houses([calibrate], names, loaded.period_s, named, resample)[0] if calibrate else None
    )
    proof = load_houses(verify or [], names, loaded.period_s, named, resample)
    order = deploy.ExportOptions(
        sliding, int8, calibration, proof, Tolerances(on_mae, sae), force, flash, ram, prefix
    )
    with Console(stderr=True).status("exporting"):
        exported = chosen.export(loaded, out, order)
    console = terminal.write_report(
        {"target": target, "constants_w": loaded.constants_w(), **exported.report}, json
    )
    path = next(iter(exported.files.values()))
    for title, lines in deployment.list_export_tables(path, exported.report):
        console.print(terminal.make_table(title, lines))
    for note in deployment.list_export_notes(exported.report):
        terminal.print_prose(console, note)
    terminal.print_files(exported.files, quiet=str(json) == "-")
