"""`seq2point disaggregate`: a table of mains readings in, the appliances' power out."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seq2point.choices import Edges
from seq2point.cli import options
from seq2point.cli.declare import FIELDS, say_flags
from seq2point.cli.options import Take
from seq2point.configuration import ColumnsConfig, MachineConfig
from seq2point.wording import format_count, format_number, format_seconds

if TYPE_CHECKING:
    from seq2point.model.disaggregation import ApplianceUse


def disaggregate(
    model: Annotated[
        Path,
        typer.Argument(
            help="A model file, native or exported, or a name: kettle.", metavar="MODEL"
        ),
    ],
    mains: Annotated[Path, typer.Argument(help="Mains readings, CSV or Parquet.", metavar="MAINS")],
    out: Annotated[
        Path,
        typer.Option(
            "-o",
            "--out",
            help="The predicted power, .csv or .parquet.",
            metavar="OUT",
            rich_help_panel=options.OUTPUT,
        ),
    ],
    columns: Annotated[ColumnsConfig, options.BUT_APPLIANCES],
    machine: Annotated[MachineConfig, Take(only=("device", "threads"))],
    edges: Annotated[
        Edges,
        typer.Option(
            help=(
                "Rows without a full window: 'empty', 'repeat' the reading at the edge, or 'zeros'"
                " beyond it."
            ),
            rich_help_panel=options.DATA,
        ),
    ] = "empty",
    events: options.ByEvent = None,
    activations: Annotated[
        Path | None,
        typer.Option(
            help="Write a table of when each appliance ran, and its kWh, .csv or .parquet.",
            metavar="FILE",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    engine: options.EngineName = "sliding",
    resample: options.Resample = False,
    period: options.Period = None,
) -> None:
    """Disaggregate a recording, row by row.

    The result has the recording's own times and a column of watts for each appliance.
    """
    from seq2point.cli.find_model import (
        find_model_file,
        is_model_name,
        load_predictor,
        read_period_s,
    )
    from seq2point.cli.progress_bar import show_bar
    from seq2point.data.long_table import LongTable, open_long_table
    from seq2point.data.table import Table, read_table
    from seq2point.errors import DataError
    from seq2point.events.activation_table import check_activations_ending, write_activations
    from seq2point.model import pretrained
    from seq2point.model.disaggregation import (
        PredictionWriter,
        check_table_ending,
        decide_long_table,
        disaggregate_long_table,
        disaggregate_table,
    )
    from seq2point.model.event_decisions import find_event_settings
    from seq2point.recording import is_same_period
    from seq2point.system.console import make_console, show_status

    check_table_ending(out)
    if activations is not None:
        check_activations_ending(activations)
    loaded = (
        None if is_model_name(model) else load_predictor(model, machine.device, machine.threads)
    )
    console = make_console(to_stderr=True, wrap=False)
    with show_status(f"reading {mains}"):
        readings = open_long_table(mains, columns) or read_table(mains, (), columns)
    console.print(f"{mains}: {readings.interpretation.describe()}")
    if loaded is None:
        model = find_model_file(
            model,
            None
            if str(model) in pretrained.list_names()
            else read_period_s(model, readings, period),
        )
        card = pretrained.load_pretrained(model.stem).card
        readings.require_period(card.period_s, resample)
        console.print(
            f"{model.stem} comes with seq2point; what it can do: seq2point models {model.stem}"
        )
        console.print(f"{card.name} is {card.promise}")
        if other := pretrained.find_better(card):
            console.print(
                f"{other.name} is {other.promise}; it takes these readings with --resample"
            )
        loaded = load_predictor(model, machine.device, machine.threads)
    if not readings.has_times and period and not is_same_period(period, loaded.period_s):
        raise DataError(
            f"{mains}: a reading every {format_seconds(period)}, the model needs one every"
            f" {format_seconds(loaded.period_s)}"
        )
    if not readings.has_times and not period:
        console.print(
            f"{mains}: has no times; taken as a reading every {format_seconds(loaded.period_s)},"
            " the model's period"
        )
    settings = find_event_settings(loaded, pretrained.find_card(model), events)
    use: Mapping[str, ApplianceUse] = {}
    with show_bar(f"disaggregating {mains.name}", len(readings)) as progress:
        if isinstance(readings, LongTable) and is_same_period(
            readings.period_s or loaded.period_s, loaded.period_s
        ):
            rows = len(readings)
            if settings or activations is not None:
                decided = decide_long_table(
                    loaded, readings, out, engine, edges, progress, settings
                )
                coverage, use = decided.coverage, decided.use
            else:
                coverage = disaggregate_long_table(loaded, readings, out, engine, edges, progress)
        else:
            table = readings if isinstance(readings, Table) else read_table(mains, (), columns)
            result = disaggregate_table(loaded, table, engine, edges, resample, progress, settings)
            with PredictionWriter(out, loaded) as writer:
                writer.write(result.time, result.power_w)
            coverage, use, rows = result.coverage, result.use, len(result.power_w)
    for note in readings.notes:
        console.print(f"{mains}: {say_flags(note, None, FIELDS)}")
    console.print(f"{out}: {format_count(rows, 'row')}, {coverage}")
    if coverage.warning:
        console.print(f"warning: {coverage.warning}")
    if activations is not None:
        write_activations(
            activations, {name: each.activations for name, each in use.items()}, readings.has_times
        )
        count = sum(len(each.activations) for each in use.values())
        console.print(f"{activations}: {format_count(count, 'activation')}")
    if settings or activations is not None:
        for name, each in use.items():
            console.print(describe_use(name.replace("_", " "), each))


def describe_use(label: str, use: "ApplianceUse") -> str:
    """Return what an appliance did, in one line: 'dishwasher: 31 cycles, 28.4 kWh; by event'."""
    if use.owned is False:
        return (
            f"{label}: this home seems not to have one, no event of the mains is its own; 0 W is"
            " written; by event"
        )
    by_event = "" if use.owned is None else "; by event"
    cycles = format_count(len(use.activations), "cycle")
    return f"{label}: {cycles}, {format_number(use.energy_kwh)} kWh{by_event}"
