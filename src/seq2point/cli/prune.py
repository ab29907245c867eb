"""`seq2point prune`: a trained model in, a pruned one out, at once or while it trains on."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from seq2point.cli import options
from seq2point.cli.input_guard import also_writes
from seq2point.cli.options import Take
from seq2point.configuration import ColumnsConfig, LearningConfig, MachineConfig, PruningConfig
from seq2point.configuration.training import PRUNERS

LEARNING_RATE = 1e-3


def name_compacted(out: Path) -> Path:
    """Return where the compacted model of a pruned one goes: beside it, as NAME-compact."""
    return out.with_stem(f"{out.stem}-compact")


@also_writes(lambda given: [name_compacted(given["out"])])
def prune(
    model: options.ModelName,
    method: Annotated[
        str,
        typer.Option(
            help=f"{PRUNERS}; tfmot is another name of magnitude. See `seq2point pruners`.",
            rich_help_panel=options.PRUNING,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="The pruned model.", metavar="PATH", rich_help_panel=options.OUTPUT
        ),
    ],
    pruning: Annotated[PruningConfig, Take(without=("pruning",))],
    learning: Annotated[
        LearningConfig,
        Take(
            without=("distil", "distractors_per_day", "traced"),
            defaults={"learning_rate": LEARNING_RATE},
        ),
    ],
    machine: Annotated[MachineConfig, Take(without=("devices", "nodes"))],
    columns: Annotated[ColumnsConfig, options.BUT_APPLIANCES],
    finetune: Annotated[
        list[Path] | None,
        typer.Option(
            "--finetune",
            help="A house to train on with the method's schedule; repeat for several.",
            metavar="FILE",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    validate: options.ValidationFiles = None,
    json: options.Json = None,
    period: options.Period = None,
    appliance_column: options.ApplianceColumn = None,
) -> None:
    """Prune a trained model at once, or with --finetune while it trains on.

    With --finetune it is pruned on the method's schedule. Where whole units or channels are gone,
    the compacted model is written beside it, as NAME-compact.safetensors. For a long training use
    `seq2point train --from MODEL --pruning METHOD`, which keeps checkpoints and logs.
    """
    from seq2point import studies
    from seq2point.cli.find_model import load_model, require_model_ending, require_replaceable
    from seq2point.cli.read_houses import HouseReader
    from seq2point.configuration import TrainOptions
    from seq2point.errors import UsageError
    from seq2point.model.evaluation import evaluate
    from seq2point.recording.shared_readings import require_distinct, warn_of_shared
    from seq2point.report import terminal
    from seq2point.studies.tested_on import HELD_OUT_BLOCK, VALIDATION_DATA
    from seq2point.training import run_training
    from seq2point.training.resolve import choose_pruner

    if method in ("none", "default"):
        raise UsageError(f"--method {method} prunes nothing; choose one of {PRUNERS}")
    pruner = choose_pruner(pruning.model_copy(update={"pruning": method}))
    assert pruner is not None
    require_model_ending(out)
    idle = LearningConfig.of(learning_rate=LEARNING_RATE, seed=learning.seed)
    if not finetune and (validate or learning != idle):
        raise UsageError(
            "--validate and the options of training are for a model that is trained further: give"
            " data with --finetune"
        )
    dense = load_model(model, machine.device, machine.threads, finetune or [], columns, period)
    require_replaceable(out, dense.appliances)
    accuracy: dict[str, Any] = {}
    measured_in: list[str] = []
    if not finetune:
        pruned = studies.prune_copy(dense, pruner, learning.seed)
        report = {"model": pruned.describe(), "pruning": studies.count_by_layer(pruned)}
    else:
        names = [a.name for a in dense.appliances]
        columns = options.name_column(columns, names[0], appliance_column)
        reader = HouseReader(names, period, columns)
        houses, held_out = map(reader.load_resampled, (finetune, validate))
        require_distinct(houses)
        warn_of_shared(houses, held_out, ())
        choices = TrainOptions.join(
            learning, machine, start=dense, validation=held_out or None, pruning=pruner
        )
        trained = run_training(houses, dense.appliances[0], choices)
        pruned = trained.model
        evaluation = evaluate(pruned, trained.held_out)
        report = evaluation.as_json() | {
            "tested_on": VALIDATION_DATA if held_out else HELD_OUT_BLOCK,
            "pruning": studies.count_by_layer(pruned),
        }
        pruned.keep_test(report)
        accuracy = {"before": evaluate(dense, trained.held_out).metrics}
        # a method that decides while the network trains cannot prune at once
        with suppress(UsageError):
            at_once = studies.prune_copy(dense, pruner, learning.seed)
            accuracy["pruned at once"] = evaluate(at_once, trained.held_out).metrics
        accuracy["pruned and trained on"] = evaluation.metrics
        measured_in = studies.name_houses(trained.held_out, held_out=not held_out)
    pruned.save(out)
    compacted = name_compacted(out)
    report["costs"] = studies.compare_stages(
        pruned, compacted, accuracy, {"before": dense}, measured_in
    )
    terminal.print_report(report, json)
    files = {"model": out, "compacted": compacted}
    terminal.print_files(
        {label: path for label, path in files.items() if path.exists()}, quiet=str(json) == "-"
    )
