"""`seq2point export`: a model file in, files for another runtime out."""

from pathlib import Path
from typing import Annotated

import typer

from seq2point.cli import options


def export(
    model: Annotated[Path, typer.Argument(help="A model file.", metavar="MODEL")],
    target: Annotated[str, typer.Option(help="What to export to: microcontroller.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="A folder that is there, or a path without .c and .h.", metavar="OUT")],
    calibrate: Annotated[
        Path | None, typer.Option(help="A house in which the appliance is on, to fit the whole numbers to.", metavar="FILE")
    ] = None,
    flash: Annotated[
        int, typer.Option(parser=options.byte_count, metavar="SIZE", help="Flash that is there.", show_default="256KB")
    ] = 256 << 10,
    ram: Annotated[
        int, typer.Option(parser=options.byte_count, metavar="SIZE", help="RAM that is there.", show_default="64KB")
    ] = 64 << 10,
    prefix: Annotated[str, typer.Option(help="Begins the C names, for several models in one program.")] = "s2p",
    json: options.Json = None,
    resample: options.Resample = False,
    threads: options.Threads = None,
    time_column: options.TimeColumn = None,
    mains_column: options.MainsColumn = None,
    appliance_column: options.ApplianceColumn = None,
    unit: options.UnitName = "W",
    repair: options.Repair = False,
) -> None:
    """Export a model as a C source pair for a microcontroller: int8 weights, no allocation, one reading at a time."""
    from rich.console import Console

    from seq2point import deploy
    from seq2point.cli import tables
    from seq2point.cli.loading import load_model
    from seq2point.data.table import read_table, to_recording

    write = deploy.writer(target)
    loaded = load_model(model, "cpu", threads)
    calibration = None
    if calibrate is not None:
        names = [a.name for a in loaded.appliances]
        named = options.columns(time_column, mains_column, unit, repair, (names[0], appliance_column))
        table = read_table(calibrate, names, named)
        table.require_period(loaded.period_s, resample)
        calibration = to_recording(table, loaded.period_s)
    with Console(stderr=True).status("exporting"):
        written = write(loaded, out, calibration, flash_bytes=flash, ram_bytes=ram, prefix=prefix)
    console = tables.written(written.report(), json)
    console.print(tables.table_of(f"costs of {target}", written.rows()))
    for note in written.notes():
        console.print(note, soft_wrap=True, highlight=False, markup=False)
    tables.files({"source": written.source, "header": written.header}, quiet=str(json) == "-")
