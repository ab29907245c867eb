"""`seq2point test`: the metrics of a model on houses it has not seen."""

from datetime import UTC
from pathlib import Path
from typing import Annotated

import typer

from seq2point.cli import options
from seq2point.cli.options import Take
from seq2point.configuration import ColumnsConfig, MachineConfig


def test(
    model: Annotated[
        Path,
        typer.Argument(
            help="A model file, native or exported, or a name: kettle.", metavar="MODEL"
        ),
    ],
    data: Annotated[
        list[Path],
        options.make_houses("A house to test on, CSV or Parquet; repeat for several."),
    ],
    columns: Annotated[ColumnsConfig, options.BUT_APPLIANCES],
    machine: Annotated[MachineConfig, Take(only=("device", "threads"))],
    json: options.Json = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            help="Write a picture of mains, truth and prediction.",
            metavar="PATH",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    days: Annotated[
        Path | None,
        typer.Option(
            help="Write mains, truth and prediction of a few days as Parquet; `report` shows them.",
            metavar="PATH",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    events: options.ByEvent = None,
    engine: options.EngineName = "sliding",
    resample: options.Resample = False,
    appliance_column: options.ApplianceColumn = None,
) -> None:
    """Test a model: every metric in watts, with the zero and the mean predictor beside it.

    Where the model decides by event, that is beside its network's own predictions.
    """
    from seq2point.cli.find_model import find_model_file_for, load_predictor
    from seq2point.cli.progress_bar import show_bar
    from seq2point.cli.read_houses import HouseReader
    from seq2point.cli.typed_command import tell_command
    from seq2point.data.table_writer import PARQUET
    from seq2point.data.times.zones import require_zone
    from seq2point.model import pretrained
    from seq2point.model.evaluation import evaluate
    from seq2point.model.event_decisions import find_event_settings
    from seq2point.model.shown_days import write_days
    from seq2point.report import terminal
    from seq2point.system.atomic_files import check_ending

    if plot is not None:
        from seq2point.report import plots

        plots.check_picture_ending(plot)
    if days is not None:
        check_ending(days, "the days of a test are", PARQUET)
    zone = require_zone(columns.zone) or UTC
    model = find_model_file_for(model, data, columns)
    loaded = load_predictor(model, machine.device, machine.threads)
    settings = find_event_settings(loaded, pretrained.find_card(model), events)
    recordings = HouseReader.for_model(loaded, columns, appliance_column, resample).load(data)
    with show_bar("testing", sum(map(len, recordings))) as progress:
        evaluation = evaluate(loaded, recordings, engine, zone, progress, events=settings)
    if plot is not None:
        plots.save_test_plot(evaluation, plot)
    report = evaluation.as_json() | {"command": tell_command()}
    if days is not None:
        write_days(evaluation, days)
        report["days_file"] = str(days)
    terminal.print_report(report, json)
