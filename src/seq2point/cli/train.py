"""`seq2point train`: recordings of houses in, a trained and pruned model with its plots and numbers
out.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from seq2point.choices import FILL, Scaling
from seq2point.cli import options


def train(
    appliance: Annotated[
        str,
        typer.Argument(
            help=(
                "kettle, fridge, 'washing machine', microwave, dishwasher; any other with"
                " --on-power: 'heat pump'."
            )
        ),
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
    validate: Annotated[
        list[Path] | None,
        typer.Option(
            "--validate",
            help="A house to validate on; else the last 20 % of each training house.",
            metavar="FILE",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    test: Annotated[
        list[Path] | None,
        typer.Option(
            "--test",
            help="A house to test on afterwards; else the validation block.",
            metavar="FILE",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    on_power: Annotated[
        float | None,
        typer.Option(
            help="Watts above which the appliance is on; needed for one that the table lacks.",
            show_default="the table's",
            rich_help_panel=options.APPLIANCE,
        ),
    ] = None,
    max_power: Annotated[
        float | None,
        typer.Option(
            help="Its highest power in watts.",
            show_default="the table's, or the highest in training",
            rich_help_panel=options.APPLIANCE,
        ),
    ] = None,
    min_on: Annotated[
        float | None,
        typer.Option(
            parser=options.parse_duration_s,
            metavar="DURATION",
            help="A shorter run is no use of it.",
            show_default="the table's, or 0",
            rich_help_panel=options.APPLIANCE,
        ),
    ] = None,
    min_off: Annotated[
        float | None,
        typer.Option(
            parser=options.parse_duration_s,
            metavar="DURATION",
            help="A shorter pause is no end.",
            show_default="the table's, or 0",
            rich_help_panel=options.APPLIANCE,
        ),
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            help="seq2point, reduced, dropout or reduced_dropout.",
            show_default="seq2point",
            rich_help_panel=options.NETWORK,
        ),
    ] = None,
    window: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Samples in a window, odd.",
            show_default=options.WINDOWS,
            rich_help_panel=options.NETWORK,
        ),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="A model to start from, a file or a name: its weights, network, scaling, masks.",
            metavar="MODEL",
            rich_help_panel=options.NETWORK,
        ),
    ] = None,
    pruning: Annotated[
        str,
        typer.Option(
            help=f"none, {options.PRUNERS}; tfmot is another name of magnitude.",
            rich_help_panel=options.PRUNING,
        ),
    ] = "none",
    sparsity: options.Sparsity = None,
    set: options.Set = None,
    epochs: options.Epochs = None,
    steps: options.Steps = None,
    budget: options.Budget = None,
    engine: options.EngineName = "sliding",
    batch_size: options.BatchSize = None,
    chunk: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Windows in a chunk of --engine sliding.",
            show_default="by the network",
            rich_help_panel=options.TRAINING,
        ),
    ] = None,
    active: Annotated[
        float | None,
        typer.Option(
            help="Fraction of chunks drawn by how much the appliance varies in them, and weighted.",
            show_default="0.5",
            rich_help_panel=options.AUGMENTATION,
        ),
    ] = None,
    transplant: Annotated[
        float | None,
        typer.Option(
            help="Fraction of chunks whose appliance is put in the mains of another time or house.",
            show_default="0.7",
            rich_help_panel=options.AUGMENTATION,
        ),
    ] = None,
    gain: Annotated[
        float | None,
        typer.Option(
            help="How far the appliance's power is scaled up and down in training, as a fraction.",
            show_default="0.3",
            rich_help_panel=options.AUGMENTATION,
        ),
    ] = None,
    loads: Annotated[
        float | None,
        typer.Option(
            help="Made-up loads a day that are added to the mains in training.",
            show_default="0",
            rich_help_panel=options.AUGMENTATION,
        ),
    ] = None,
    stretch: Annotated[
        float | None,
        typer.Option(
            help=(
                "How far the duration of what is transplanted goes from 1, up or down by a factor."
            ),
            show_default="0",
            rich_help_panel=options.AUGMENTATION,
        ),
    ] = None,
    missing: Annotated[
        float | None,
        typer.Option(
            help="Highest share of readings that go missing in a chunk, and are filled.",
            show_default="0",
            rich_help_panel=options.AUGMENTATION,
        ),
    ] = None,
    absolute: Annotated[
        float | None,
        typer.Option(
            help="Weight of the absolute error beside the squared one.",
            show_default="0.2, or 0 with --engine windows",
            rich_help_panel=options.AUGMENTATION,
        ),
    ] = None,
    clipped: Annotated[
        bool | None,
        typer.Option(
            "--clipped/--no-clipped",
            help="Let an answer below zero count as zero where the appliance is off.",
            show_default="clipped, but not with --engine windows",
            rich_help_panel=options.AUGMENTATION,
        ),
    ] = None,
    learning_rate: options.LearningRate = None,
    schedule: options.ScheduleName = "linear",
    scaling: Annotated[
        Scaling,
        typer.Option(
            help="Scaling constants: the lineage's, or fitted on the training houses.",
            rich_help_panel=options.NETWORK,
        ),
    ] = "lineage",
    patience: Annotated[
        int,
        typer.Option(
            help="Validations without progress before stopping.", rich_help_panel=options.TRAINING
        ),
    ] = 10,
    seed: Annotated[
        int,
        typer.Option(
            min=0, help="Of weights, order and pruning.", rich_help_panel=options.TRAINING
        ),
    ] = 0,
    device: options.DeviceName = "auto",
    devices: Annotated[
        int,
        typer.Option(
            min=1,
            help="Processes that share every step: GPUs, or CPU cores.",
            rich_help_panel=options.MACHINE,
        ),
    ] = 1,
    threads: options.Threads = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for everything.",
            show_default="runs/APPLIANCE_PRUNING_NETWORK",
            metavar="DIR",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on from the last checkpoint in the folder.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Begin anew where a run stands, finished or not.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = False,
    json: options.Json = None,
    period: options.Period = None,
    time_column: options.TimeColumn = None,
    mains_column: options.MainsColumn = None,
    appliance_column: options.ApplianceColumn = None,
    unit: options.UnitName = "W",
    repair: options.Repair = False,
    fill: options.Fill = FILL,
) -> None:
    """Train a network for one appliance, prune it, test it, and write model, numbers, plots and
    logs to a folder.
    """
    from seq2point import network as networks
    from seq2point import studies
    from seq2point.appliances import define
    from seq2point.cli.find_model import find_model_file_for
    from seq2point.compression import pruning as pruners
    from seq2point.data.table import load_recording
    from seq2point.errors import UsageError
    from seq2point.model.model_file import Model
    from seq2point.report.outcome import present_outcome
    from seq2point.training import resolve_appliance
    from seq2point.training.run_folder import RunFolder

    plain = options.make_columns(time_column, mains_column, unit, repair, fill)
    begun = Model.load(find_model_file_for(start, train, plain, period)) if start else None
    said = (on_power, max_power, min_on, min_off)
    if begun is None:
        what = define(appliance, *said)
    elif any(value is not None for value in said):
        raise UsageError(
            "the model to start from brings its own powers and durations: leave out --on-power and"
            " the like"
        )
    else:
        what = resolve_appliance(appliance, begun)
    networks.find_network(network or "seq2point", window)
    settings = options.parse_pruning_settings(set, sparsity)
    pruners.find_pruner(pruning, **settings)
    named = options.make_columns(
        time_column, mains_column, unit, repair, fill, (what.name, appliance_column)
    )
    houses, held_out, tested = (
        [load_recording(path, [what.name], period, named) for path in paths]
        for paths in (train, validate or [], test or [])
    )
    folder = (
        out
        or Path("runs")
        / f"{what.name}_{pruning}_{f'from_{start.stem}' if start else network or 'seq2point'}"
    )
    if resume and not RunFolder(folder).checkpoint.exists():
        print(
            f"{folder}: holds no checkpoint to go on from; the training begins at its first step",
            file=sys.stderr,
        )
    outcome = studies.train_and_test(
        houses,
        what,
        studies.OutcomeFiles.in_folder(folder),
        folder,
        tested,
        validation=held_out or None,
        network=network,
        window=window,
        start=begun,
        pruning=pruning,
        sparsity=sparsity,
        pruning_settings=settings,
        scaling=scaling,
        epochs=epochs,
        steps=steps,
        budget_s=budget,
        engine=engine,
        batch_size=batch_size,
        chunk=chunk,
        active=active,
        transplant=transplant,
        gain=gain,
        loads=loads,
        stretch=stretch,
        missing=missing,
        absolute=absolute,
        clipped=clipped,
        learning_rate=learning_rate,
        schedule=schedule,
        patience=patience,
        seed=seed,
        device=device,
        devices=devices,
        threads=threads,
        resume=resume,
        overwrite=overwrite,
    )
    present_outcome(outcome, json)
