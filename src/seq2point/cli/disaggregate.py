"""`seq2point disaggregate`: a table of mains readings in, the appliances' power at every row out."""

from pathlib import Path
from typing import Annotated

import typer

from seq2point.choices import Edges
from seq2point.cli import options
from seq2point.wording import format_count, format_seconds


def disaggregate(
    model: Annotated[Path, typer.Argument(help="A model file, native or exported, or an appliance: kettle.", metavar="MODEL")],
    mains: Annotated[Path, typer.Argument(help="Mains readings, CSV or Parquet.", metavar="MAINS")],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="The answer, .csv or .parquet.", metavar="OUT", rich_help_panel=options.OUTPUT)
    ],
    edges: Annotated[
        Edges,
        typer.Option(
            help="Rows without a full window: 'empty', 'repeat' the reading at the edge, or 'zeros' beyond it.",
            rich_help_panel=options.DATA,
        ),
    ] = "empty",
    engine: options.EngineName = "sliding",
    resample: options.Resample = False,
    device: options.DeviceName = "auto",
    threads: options.Threads = None,
    period: options.Period = None,
    time_column: options.TimeColumn = None,
    mains_column: options.MainsColumn = None,
    unit: options.UnitName = "W",
    repair: options.Repair = False,
) -> None:
    """Disaggregate a recording: its own times and one column of watts for each appliance, a row for each row."""
    from rich.console import Console

    from seq2point import pretrained
    from seq2point.cli.loading import file_for, is_name, load_predictor
    from seq2point.cli.progress import bar
    from seq2point.data.table import read_table
    from seq2point.disaggregation import check_ending, disaggregate_table, write_answer
    from seq2point.errors import DataError
    from seq2point.recording import same_period

    check_ending(out)
    loaded = None if is_name(model) else load_predictor(model, device, threads)
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    with console.status(f"reading {mains}"):
        table = read_table(mains, (), options.columns(time_column, mains_column, unit, repair))
    if loaded is None:
        model = file_for(model, table, period, resample)
        console.print(f"{model.stem} comes with seq2point; what it can do: seq2point models {model.stem}")
        card = pretrained.load(model.stem).card
        if other := pretrained.better(card):
            console.print(f"{model.stem} failed in houses that it had not seen, {other.name} did not: name that, with --resample")
        elif not card.passes:
            console.print(f"{model.stem} failed in houses that it had not seen: not to be relied on without days of labels")
        loaded = load_predictor(model, device, threads)
    if table.times_s is None and period and not same_period(period, loaded.period_s):
        raise DataError(
            f"{mains}: a reading every {format_seconds(period)}, the model needs one every {format_seconds(loaded.period_s)}"
        )
    if table.times_s is None and not period:
        console.print(f"{mains}: has no times; taken as a reading every {format_seconds(loaded.period_s)}, the model's period")
    with bar(f"disaggregating {mains.name}", len(table)) as progress:
        power_w = disaggregate_table(loaded, table, engine, edges, resample, progress)
    write_answer(out, table, loaded, power_w)
    for note in table.notes:
        console.print(f"{mains}: {note}")
    answered = int((power_w[:, 0] == power_w[:, 0]).sum())
    console.print(f"{out}: {format_count(len(table), 'row')}, {answered:,} with an answer")
    if not answered:
        window_min = loaded.window * loaded.period_s / 60
        console.print(f"{mains}: no stretch of {loaded.window} readings ({window_min:.0f} min) without a gap; see --edges repeat")
