"""`seq2point transfer`: a trained model for other appliances, houses or few days of labels."""

from pathlib import Path
from typing import Annotated

import typer

from seq2point.cli import options
from seq2point.cli.options import Take
from seq2point.configuration import (
    ColumnsConfig,
    LearningConfig,
    MachineConfig,
    SessionConfig,
    TransferConfig,
)


def transfer(
    model: options.ModelName,
    train: options.TrainingFiles,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            help="The transferred model.",
            metavar="PATH",
            rich_help_panel=options.OUTPUT,
        ),
    ],
    transfer: Annotated[TransferConfig, Take(without=("appliance",))],
    session: Annotated[SessionConfig, Take(only=("hold_out",))],
    learning: Annotated[LearningConfig, Take(without=("distil",))],
    machine: Annotated[MachineConfig, Take(without=("devices", "nodes"))],
    columns: Annotated[ColumnsConfig, options.BUT_APPLIANCES],
    appliance: Annotated[
        list[str] | None,
        typer.Option(
            "--appliance",
            help=(
                "Another appliance, over the model's convolutions; several give one model that"
                " predicts all."
            ),
            show_default="the model's",
            rich_help_panel=options.APPLIANCE,
        ),
    ] = None,
    validate: options.ValidationFiles = None,
    test: options.TestFiles = None,
    traces: options.TraceFiles = None,
    json: options.Json = None,
    resample: options.Resample = False,
) -> None:
    """Continue training a model on other houses, or for other appliances.

    For another appliance the convolutions stay and the rest is trained (D'Incecco et al. 2020).
    Pruned weights stay pruned and compacted models small. Houses
    of another sampling period than the model's are refused without --resample. The test of a model
    for the same appliance shows, beside the new figures, those of MODEL as it was.
    """
    from seq2point.cli.find_model import load_model, require_model_ending, require_replaceable
    from seq2point.cli.read_houses import HouseReader
    from seq2point.configuration import TransferOptions
    from seq2point.datasets.traces import read_traces
    from seq2point.errors import UsageError
    from seq2point.model.evaluation import evaluate
    from seq2point.recording.shared_readings import require_distinct, warn_of_shared
    from seq2point.report import terminal
    from seq2point.studies.tested_on import HELD_OUT_BLOCK, TEST, VALIDATION_DATA
    from seq2point.training.joined_models import join_models
    from seq2point.training.transfer import (
        find_target_appliance,
        run_transfer,
        take_days,
    )

    require_model_ending(out)
    parent = load_model(model, machine.device, machine.threads, train, columns)
    names: list[str | None] = [*appliance] if appliance else [None]
    targets = [find_target_appliance(parent, name) for name in names]
    require_replaceable(out, targets)
    freeze = transfer.freeze
    if len(targets) > 1:
        if freeze not in (None, "convolutions") or transfer.rescale != "keep":
            raise UsageError(
                "several appliances share the model's convolutions and scaling: leave out `freeze`"
                " and `rescale`"
            )
        freeze = "convolutions"
    reader = HouseReader([t.name for t in targets], parent.period_s, columns, resample)
    houses, held_out, tested = (reader.load(paths) for paths in (train, validate, test))
    require_distinct(houses)
    learned = take_days(houses, targets[0].name, transfer.days, transfer.skip)
    warn_of_shared(learned, held_out, tested)
    shared = transfer.as_options() | {
        "freeze": freeze,
        "validation": held_out or None,
        "traces": read_traces(*(traces or ())),
    }
    trained = [
        run_transfer(
            parent,
            houses,
            TransferOptions.join(
                learning, machine, **shared | {"appliance": target}, hold_out=session.hold_out
            ),
        )
        for target in targets
    ]
    result = join_models([t.model for t in trained]) if len(trained) > 1 else trained[0].model
    if tested_on := tested or held_out or trained[0].held_out:
        evaluation = evaluate(result, tested_on)
        validated_on = VALIDATION_DATA if held_out else HELD_OUT_BLOCK
        report = evaluation.as_json() | {"tested_on": TEST if tested else validated_on}
        result.keep_test(report)
        if [a.name for a in result.appliances] == [a.name for a in parent.appliances]:
            report["before"] = evaluate(parent, tested_on).as_json()["metrics"]
    else:
        report = {"model": result.describe()}
    report["seconds"] = round(sum(t.seconds for t in trained), 1)
    result.save(out)
    terminal.print_report(report, json)
    terminal.print_files({"model": out}, quiet=str(json) == "-")
