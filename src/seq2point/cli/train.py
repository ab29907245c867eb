"""`seq2point train`: recordings of houses in, a trained and pruned model out."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from seq2point.cli import options
from seq2point.cli.input_guard import also_writes
from seq2point.cli.options import Take
from seq2point.configuration import (
    AppliancePower,
    ColumnsConfig,
    LearningConfig,
    MachineConfig,
    NetworkConfig,
    PruningConfig,
    RunConfig,
    TrainOptions,
)


def choose_folder(
    out: str | Path | None, appliance: str, pruning: Any, network: Any, start: Path | None
) -> Path:
    """Return the folder of a run: the one that is given, or that of its choices."""
    origin = f"from_{start.stem}" if start else network or "seq2point"
    return Path(out or Path("runs") / f"{appliance}_{pruning or 'none'}_{origin}")


def _name_files(given: Mapping[str, Any]) -> Sequence[Path]:
    """Return what a run writes into its folder."""
    from seq2point.appliances import canonical_name
    from seq2point.studies import OutcomeFiles

    names = canonical_name(given["appliance"]), given["pruning"], given["network"]
    return OutcomeFiles.in_folder(choose_folder(given["out"], *names, given["start"]))


@also_writes(_name_files)
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
    train: options.TrainingFiles,
    power: AppliancePower,
    network: Annotated[NetworkConfig, Take(without=("start",))],
    pruning: PruningConfig,
    learning: LearningConfig,
    machine: MachineConfig,
    run: RunConfig,
    columns: Annotated[ColumnsConfig, options.BUT_APPLIANCES],
    validate: options.ValidationFiles = None,
    test: options.TestFiles = None,
    traces: options.TraceFiles = None,
    teacher: options.TeacherFiles = None,
    start: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="A model to start from, a file or a name: its weights, network, scaling, masks.",
            metavar="MODEL",
            rich_help_panel=options.NETWORK,
        ),
    ] = None,
    json: options.Json = None,
    period: options.Period = None,
    appliance_column: options.ApplianceColumn = None,
) -> None:
    """Train a network for one appliance, prune it and test it.

    Model, numbers, plots and logs go to a folder.
    """
    from seq2point import network as networks
    from seq2point import studies
    from seq2point.appliances import define
    from seq2point.cli.find_model import find_model_file_for
    from seq2point.cli.read_houses import HouseReader
    from seq2point.cli.typed_command import tell_command
    from seq2point.datasets.traces import read_traces
    from seq2point.errors import UsageError
    from seq2point.model.model_file import Model
    from seq2point.recording.shared_readings import require_distinct, warn_of_shared
    from seq2point.report.outcome import present_outcome
    from seq2point.training import resolve_appliance
    from seq2point.training.nodes import find_node
    from seq2point.training.record import RunFolder
    from seq2point.training.resolve import choose_pruner
    from seq2point.training.training import run_training

    parent = Model.load(find_model_file_for(start, train, columns, period)) if start else None
    powers = power.as_options()
    if parent is None:
        target = define(appliance, **powers)
    elif any(value is not None for value in powers.values()):
        raise UsageError(
            "the model to start from brings its own powers and durations: leave out `on_power_w`"
            " and the like"
        )
    else:
        target = resolve_appliance(appliance, parent)
    networks.find_network(str(network.network or "seq2point"), network.window, network.target_point)
    choose_pruner(pruning)
    columns = options.name_column(columns, target.name, appliance_column)
    reader = HouseReader([target.name], period, columns)
    houses, held_out, tested = map(reader.load_resampled, (train, validate, test))
    require_distinct(houses)
    warn_of_shared(houses, held_out, tested)
    folder = choose_folder(run.out, target.name, pruning.pruning, network.network, start)
    if run.resume and not RunFolder(folder).has_checkpoint:
        print(
            f"{folder}: holds no checkpoint to go on from; the training begins at its first step",
            file=sys.stderr,
        )
    choices = TrainOptions.join(
        learning,
        network,
        pruning,
        machine,
        run,
        start=parent,
        validation=held_out or None,
        traces=read_traces(*(traces or ())),
        teachers=[Model.load(path) for path in teacher or ()],
    )
    if find_node(machine.nodes).rank:
        run_training(houses, target, choices.model_copy(update={"out": folder}))
        print("trained with the first machine, which tests and writes", file=sys.stderr)
        return
    files = studies.OutcomeFiles.in_folder(folder)
    outcome = studies.train_and_test(houses, target, files, folder, choices, tested, tell_command())
    present_outcome(outcome, json)
