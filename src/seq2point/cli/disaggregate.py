"""`seq2point disaggregate`: a table of mains readings in, the appliances' power out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seq2point.choices import Edges
from seq2point.cli import options
from seq2point.cli.declare import say_flags
from seq2point.cli.options import Take
from seq2point.configuration import ColumnsConfig, MachineConfig
from seq2point.system.console import print_note, show_status
from seq2point.wording import format_count, format_minutes, format_number, format_seconds

if TYPE_CHECKING:
    from seq2point.model.disaggregation import ApplianceUse, Disaggregation
    from seq2point.predictor import Predictor
    from seq2point.recording.coverage import Coverage


def disaggregate(
    model: Annotated[
        Path,
        typer.Argument(
            help="A model file, native or exported, or a name: kettle. 'all' is every appliance's.",
            metavar="MODEL",
        ),
    ],
    mains: Annotated[
        list[Path],
        typer.Argument(
            help="More models, if any, then the mains readings, CSV or Parquet.",
            metavar="[MODEL]... MAINS",
        ),
    ],
    out: Annotated[
        Path,
        options.make_output("The predicted power, .csv or .parquet.", "OUT"),
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
    energy: Annotated[
        Path | None,
        typer.Option(
            help="Write a table of kWh by local day and appliance, .csv.",
            metavar="FILE",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            help="Draw kWh by day, and the day of most use: .png, .pdf or .svg.",
            metavar="FILE",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    engine: options.EngineName = "sliding",
    resample: options.Resample = False,
    period: options.Period = None,
) -> None:
    """Disaggregate a recording, row by row, with one model or several of one sampling period.

    The result has the recording's own times and a column of watts for each appliance.
    """
    from seq2point.cli.choose_models import choose_models, join_models, load_with_card
    from seq2point.cli.find_model import is_model_name, require_no_table
    from seq2point.cli.progress_bar import show_bar
    from seq2point.data.long_table import LongTable, open_long_table
    from seq2point.data.table import Table, read_table
    from seq2point.data.table_writer import CSV, ENDINGS
    from seq2point.errors import DataError
    from seq2point.events.activation_table import ACTIVATIONS, write_activations
    from seq2point.model.disaggregation import (
        PREDICTIONS,
        PredictionWriter,
        decide_long_table,
        disaggregate_long_table,
        disaggregate_table,
    )
    from seq2point.model.event_decisions import find_event_settings
    from seq2point.recording import is_same_period
    from seq2point.system.atomic_files import check_ending

    *others, file = mains
    models = [model, *others]
    check_ending(out, PREDICTIONS, ENDINGS)
    if activations is not None:
        check_ending(activations, ACTIVATIONS, ENDINGS)
    if energy is not None:
        check_ending(energy, "tables of energy are", (CSV,))
    if plot is not None:
        from seq2point.report.plots import check_picture_ending

        check_picture_ending(plot)
    require_no_table(models)
    loaded = {path: load_with_card(path, machine) for path in models if not is_model_name(path)}
    with show_status(f"reading {file}"):
        readings = open_long_table(file, columns) or read_table(file, (), columns)
    print_note(f"{file}: {readings.interpretation.describe()}")
    chosen = choose_models(models, loaded, readings, period, resample, machine)
    predictor, card = join_models(chosen)
    if not readings.has_times and period and not is_same_period(period, predictor.period_s):
        raise DataError(
            f"{file}: a reading every {format_seconds(period)}, the model needs one every"
            f" {format_seconds(predictor.period_s)}"
        )
    if not readings.has_times and not period:
        print_note(
            f"{file}: has no times; taken as a reading every {format_seconds(predictor.period_s)},"
            " the model's period"
        )
    settings = find_event_settings(predictor, card, events)
    at_once = settings or activations is not None or energy is not None or plot is not None
    result: Disaggregation | None = None
    with show_bar(f"disaggregating {file.name}", len(readings) * len(chosen)) as progress:
        if isinstance(readings, LongTable) and is_same_period(
            readings.period_s or predictor.period_s, predictor.period_s
        ):
            rows = len(readings)
            if at_once:
                result = decide_long_table(
                    predictor, readings, out, engine, edges, progress, settings
                )
                coverage = result.coverage
            else:
                coverage = disaggregate_long_table(
                    predictor, readings, out, engine, edges, progress
                )
        else:
            table = readings if isinstance(readings, Table) else read_table(file, (), columns)
            result = disaggregate_table(
                predictor, table, engine, edges, resample, progress, settings
            )
            with PredictionWriter(out, predictor) as writer:
                writer.write(result.time, result.power_w)
            coverage, rows = result.coverage, len(result.power_w)
    for note in readings.notes:
        print_note(f"{file}: {say_flags(note)}")
    print_note(f"{out}: {format_count(rows, 'row')}, {coverage}")
    if coverage.warning:
        print_note(f"warning: {coverage.warning}")
    if result is None:
        return
    if activations is not None:
        runs = {name: each.activations for name, each in result.use.items()}
        write_activations(activations, runs, readings.has_times)
        count = sum(map(len, runs.values()))
        print_note(f"{activations}: {format_count(count, 'activation')}")
    if energy is not None or plot is not None:
        _write_energy(result, predictor, columns.zone or "UTC", energy, plot)
    if settings or activations is not None:
        for appliance, use in result.use.items():
            print_note(describe_use(appliance.replace("_", " "), use, result.coverage))


def _write_energy(
    result: "Disaggregation",
    predictor: "Predictor",
    zone: str,
    energy: Path | None,
    plot: Path | None,
) -> None:
    from seq2point.data.table_writer import TableWriter
    from seq2point.household.daily_energy import tabulate_daily_energy

    names = [appliance.name for appliance in predictor.appliances]
    power_w = {name: result.sampled_w[:, i] for i, name in enumerate(names)}
    table = tabulate_daily_energy(result.recording, power_w, zone)
    if energy is not None:
        with TableWriter(energy) as writer:
            writer.write(table)
        print_note(f"{energy}: {format_count(table['start'].n_unique(), 'day')} ({zone})")
    if plot is not None:
        from seq2point.report.plots.energy import save_energy_plot

        save_energy_plot(table, result.recording, power_w, zone, plot)
        print_note(f"{plot}: kWh by day, and the day of most use")


def describe_use(label: str, use: "ApplianceUse", coverage: "Coverage") -> str:
    """Return what an appliance did, in one line: 'dishwasher: 31 cycles, 28.4 kWh; by event'."""
    from seq2point.events import LEAST_DAYS
    from seq2point.recording.coverage import DAY_S

    if use.owned is False:
        reason = (
            f" in {format_minutes(coverage.days * DAY_S)} of readings"
            if coverage.days < LEAST_DAYS
            else "; the home has none, or one of a kind that the model does not know"
        )
        return f"{label}: none was found{reason}; 0 W is written; by event"
    by_event = "" if use.owned is None else "; by event"
    cycles = format_count(len(use.activations), "cycle")
    return f"{label}: {cycles}, {format_number(use.energy_kwh)} kWh{by_event}"
