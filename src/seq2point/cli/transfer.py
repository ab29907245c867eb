"""`seq2point transfer`: a trained model for other appliances, other houses or few days of labels."""

from pathlib import Path
from typing import Annotated

import typer

from seq2point.choices import FILL, Freeze, Rescale
from seq2point.cli import options


def transfer(
    model: Annotated[
        Path,
        typer.Argument(help="The model to begin from, a file or a name: kettle.", metavar="MODEL"),
    ],
    train: Annotated[
        list[Path],
        typer.Option(
            "--train",
            help="A house to train on, CSV or Parquet; repeat for several.",
            metavar="FILE",
            rich_help_panel=options.DATA,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="The new model.", metavar="PATH", rich_help_panel=options.OUTPUT
        ),
    ],
    appliance: Annotated[
        list[str] | None,
        typer.Option(
            "--appliance",
            help=(
                "Another appliance, over the model's convolutions; several give one model that"
                " answers for all."
            ),
            show_default="the model's",
            rich_help_panel=options.APPLIANCE,
        ),
    ] = None,
    validate: Annotated[
        list[Path] | None,
        typer.Option(
            "--validate",
            help="A house to validate on; else what --hold-out leaves.",
            metavar="FILE",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    test: Annotated[
        list[Path] | None,
        typer.Option(
            "--test",
            help="A house to test on afterwards; else the validation data.",
            metavar="FILE",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    freeze: Annotated[
        Freeze | None,
        typer.Option(
            help="What stays as it is.",
            show_default="convolutions for another appliance, else none",
            rich_help_panel=options.NETWORK,
        ),
    ] = None,
    days: Annotated[
        float | None,
        typer.Option(
            min=0,
            help=(
                "First days of readings of each training house to use; 0 leaves the model as it is."
            ),
            rich_help_panel=options.DATA,
        ),
    ] = None,
    skip: Annotated[
        float,
        typer.Option(
            min=0, help="Days of readings to pass over before them.", rich_help_panel=options.DATA
        ),
    ] = 0.0,
    hold_out: Annotated[
        float,
        typer.Option(
            min=0,
            max=0.9,
            help=(
                "Fraction of each training house's end to choose the weights by; 0 learns from all."
            ),
            rich_help_panel=options.DATA,
        ),
    ] = 0.2,
    rescale: Annotated[
        Rescale,
        typer.Option(
            help="Keep the model's scaling, or fit it to the training houses.",
            rich_help_panel=options.NETWORK,
        ),
    ] = "keep",
    epochs: options.Epochs = None,
    steps: options.Steps = None,
    budget: options.Budget = None,
    engine: options.EngineName = "sliding",
    batch_size: options.BatchSize = None,
    learning_rate: options.LearningRate = None,
    schedule: options.ScheduleName = "linear",
    seed: Annotated[
        int,
        typer.Option(
            min=0, help="Of fresh weights and the order.", rich_help_panel=options.TRAINING
        ),
    ] = 0,
    device: options.DeviceName = "auto",
    threads: options.Threads = None,
    json: options.Json = None,
    resample: options.Resample = False,
    time_column: options.TimeColumn = None,
    mains_column: options.MainsColumn = None,
    unit: options.UnitName = "W",
    repair: options.Repair = False,
    fill: options.Fill = FILL,
) -> None:
    """Train a model on for other houses, or for other appliances over its convolutions (D'Incecco
    et al. 2020).

    Masks hold and compacted models stay small. Houses of another sampling period than the model's
    are refused without --resample.
    """
    from seq2point.cli.find_model import load_houses, load_model
    from seq2point.errors import UsageError
    from seq2point.model.evaluation import evaluate
    from seq2point.report import terminal
    from seq2point.training.transfer import find_target_appliance, join_models
    from seq2point.training.transfer import transfer as transferred

    named = options.make_columns(time_column, mains_column, unit, repair, fill)
    loaded = load_model(model, device, threads, train, named)
    wanted = (
        [find_target_appliance(loaded, name) for name in appliance]
        if appliance
        else [find_target_appliance(loaded)]
    )
    if len(wanted) > 1 and (freeze not in (None, "convolutions") or rescale != "keep"):
        raise UsageError(
            "several appliances share the model's convolutions and scaling: leave out --freeze and"
            " --rescale"
        )
    names = [a.name for a in wanted]
    houses, held_out, tested = (
        load_houses(paths, names, loaded.period_s, named, resample)
        for paths in (train, validate or [], test or [])
    )
    trained = [
        transferred(
            loaded,
            houses,
            what,
            freeze="convolutions" if len(wanted) > 1 else freeze,
            days=days,
            skip=skip,
            hold_out=hold_out,
            rescale=rescale,
            validation=held_out or None,
            epochs=epochs,
            steps=steps,
            budget_s=budget,
            engine=engine,
            batch_size=batch_size,
            learning_rate=learning_rate,
            schedule=schedule,
            seed=seed,
            device=device,
            threads=threads,
        )
        for what in wanted
    ]
    result = join_models([t.model for t in trained]) if len(trained) > 1 else trained[0].model
    if checked := tested or held_out or trained[0].held_out:
        evaluation = evaluate(result, checked)
        result.provenance["metrics"] = evaluation.as_json()["metrics"]
        report = evaluation.as_json() | {"tested_on": "test" if tested else "the validation data"}
    else:
        report = {"model": result.describe()}
    report["seconds"] = round(sum(t.seconds for t in trained), 1)
    result.save(out)
    terminal.print_report(report, json)
    terminal.print_files({"model": out}, quiet=str(json) == "-")
