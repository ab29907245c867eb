"""`seq2point prune`: a trained model in, a pruned one out, at once or while it trains on."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from seq2point.choices import FILL
from seq2point.cli import options


def prune(
    model: Annotated[
        Path, typer.Argument(help="A model file, or a name: kettle-60s.", metavar="MODEL")
    ],
    method: Annotated[
        str,
        typer.Option(
            help=f"{options.PRUNERS}; see `seq2point pruners`.", rich_help_panel=options.PRUNING
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="The pruned model.", metavar="PATH", rich_help_panel=options.OUTPUT
        ),
    ],
    sparsity: options.Sparsity = None,
    set: options.Set = None,
    finetune: Annotated[
        list[Path] | None,
        typer.Option(
            "--finetune",
            help="A house to train on with the method's schedule; repeat for several.",
            metavar="FILE",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    validate: Annotated[
        list[Path] | None,
        typer.Option(
            "--validate",
            help="A house to validate on; else the last 20 % of each.",
            metavar="FILE",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    epochs: options.Epochs = None,
    steps: options.Steps = None,
    budget: options.Budget = None,
    engine: options.EngineName = "sliding",
    batch_size: options.BatchSize = None,
    learning_rate: Annotated[
        float, typer.Option(help="Adam's highest learning rate.", rich_help_panel=options.TRAINING)
    ] = 1e-3,
    schedule: options.ScheduleName = "linear",
    seed: Annotated[
        int,
        typer.Option(min=0, help="Of the order and the pruning.", rich_help_panel=options.TRAINING),
    ] = 0,
    device: options.DeviceName = "auto",
    threads: options.Threads = None,
    json: options.Json = None,
    period: options.Period = None,
    time_column: options.TimeColumn = None,
    mains_column: options.MainsColumn = None,
    appliance_column: options.ApplianceColumn = None,
    unit: options.UnitName = "W",
    repair: options.Repair = False,
    fill: options.Fill = FILL,
) -> None:
    """Prune a trained model: at once, or with --finetune on the method's schedule while it trains
    on.

    Where whole units or channels are gone, the compacted model is written beside it, as
    NAME-compact.safetensors.
    A long training is better run with `seq2point train --from MODEL --pruning METHOD`, which keeps
    checkpoints and logs.
    """
    from seq2point import studies
    from seq2point.cli.find_model import load_model
    from seq2point.compression import pruning as pruners
    from seq2point.data.table import load_recording
    from seq2point.errors import UsageError
    from seq2point.model.evaluation import evaluate
    from seq2point.report import terminal
    from seq2point.training import train_with_history

    settings: dict[str, object] = dict(options.parse_pruning_settings(set, sparsity))
    if method in ("none", "default"):
        raise UsageError(f"--method {method} prunes nothing; choose one of {options.PRUNERS}")
    pruner = pruners.find_pruner(
        method, **(settings if sparsity is None else settings | {"sparsity": sparsity})
    )
    assert pruner is not None
    if not finetune and (validate or epochs or steps or budget):
        raise UsageError(
            "--validate, --epochs, --steps and --budget are for training on: give data with"
            " --finetune"
        )
    plain = options.make_columns(time_column, mains_column, unit, repair, fill)
    loaded = load_model(model, device, threads, finetune or [], plain, period)
    accuracy, measured_in = {}, list[str]()
    if not finetune:
        pruned = studies.prune_copy(loaded, pruner, seed)
        report = {"model": pruned.describe(), "pruning": studies.count_by_layer(pruned)}
    else:
        names = [a.name for a in loaded.appliances]
        named = options.make_columns(
            time_column, mains_column, unit, repair, fill, (names[0], appliance_column)
        )
        houses, held_out = (
            [load_recording(path, names, period, named) for path in paths]
            for paths in (finetune, validate or [])
        )
        trained = train_with_history(
            houses,
            loaded.appliances[0],
            start=loaded,
            validation=held_out or None,
            pruning=pruner,
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
        pruned = trained.model
        evaluation = evaluate(pruned, trained.held_out)
        pruned.provenance["metrics"] = evaluation.as_json()["metrics"]
        report = evaluation.as_json() | {
            "tested_on": "the validation data",
            "pruning": studies.count_by_layer(pruned),
        }
        accuracy = {"before": evaluate(loaded, trained.held_out).metrics}
        with suppress(UsageError):  # of a method that decides while the network trains
            accuracy["pruned at once"] = evaluate(
                studies.prune_copy(loaded, pruner, seed), trained.held_out
            ).metrics
        accuracy["pruned and trained on"] = evaluation.metrics
        measured_in = studies.name_houses(trained.held_out, held_out=not held_out)
    pruned.save(out)
    compacted = out.with_stem(f"{out.stem}-compact")
    report["costs"] = studies.compare_stages(
        pruned, compacted, accuracy, {"before": loaded}, measured_in
    )
    terminal.print_report(report, json)
    written = {"model": out, "compacted": compacted}
    terminal.print_files(
        {what: path for what, path in written.items() if path.exists()}, quiet=str(json) == "-"
    )
