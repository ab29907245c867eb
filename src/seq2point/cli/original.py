"""The original commands, `train_main.py` and `test_main.py`, with their flags, on the same code."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from seq2point.choices import Freeze
from seq2point.cli import options as shared
from seq2point.cli.original_data import OriginalReader, Use, read_training
from seq2point.cli.run_app import RESUMABLE, report_stop, run_app
from seq2point.configuration.training import PRUNERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seq2point.appliances import Appliance
    from seq2point.recording import Recording
    from seq2point.studies import OutcomeFiles

PERIOD_S = 8.0  # of the REFIT files that the original's data sets are made from


class NetworkAlias(NamedTuple):
    """Another name of a network, and a note on it."""

    network: str
    note: str


STANDARD = NetworkAlias("default", "the paper's network")
NETWORK_ALIASES = {
    "": STANDARD,
    "standard": STANDARD,
    "smaller": NetworkAlias("reduced", "fewer and shorter filters, half the hidden units"),
    "optimal": NetworkAlias("default", "the original trains its standard network under this name"),
}

ApplianceName = Annotated[
    str,
    typer.Option(
        "--appliance_name",
        help="kettle, fridge, 'washing machine', microwave or dishwasher.",
        metavar="NAME",
    ),
]
Crop = Annotated[
    int | None,
    typer.Option("--crop", min=1, help="Use only the first rows of each file.", metavar="ROWS"),
]
Algorithm = Annotated[
    str,
    typer.Option(
        "--pruning_algorithm",
        "--algorithm",
        help=f"default (none), tfmot, {PRUNERS}.",
        metavar="NAME",
    ),
]
NetworkType = Annotated[
    str,
    typer.Option(
        "--network_type",
        help="default (or '', standard, optimal), reduced (or smaller), dropout, reduced_dropout.",
        metavar="NAME",
    ),
]
Window = Annotated[int, typer.Option("--input_window_length", help="Samples in a window, odd.")]


def _directory(use: Use, default: str) -> Any:
    text = f"A {use} file, or a folder of them. Without it: {default}."
    return typer.Option(f"--{use}_directory", help=text, metavar="PATH")


def _in_place(use: Use) -> str:
    return f"./NAME/NAME_{use}_.csv, or simulated houses where no data are in ./NAME"


def _period(default: str) -> Any:
    return typer.Option(
        "--period",
        parser=shared.parse_duration_s,
        metavar="DURATION",
        help="Period of simulated houses and of files without times; others are resampled to it.",
        show_default=f"{default}; files with times keep theirs",
    )


def train_main(
    appliance_name: ApplianceName = "kettle",
    batch_size: Annotated[
        int | None,
        typer.Option(
            "--batch_size",
            min=1,
            help="Windows in a step of --engine windows; has no effect with --engine sliding.",
            show_default="1000",
        ),
    ] = None,
    crop: Crop = None,
    pruning_algorithm: Algorithm = "default",
    network_type: NetworkType = "default",
    epochs: Annotated[float, typer.Option("--epochs", help="Times to see every window.")] = 10,
    input_window_length: Window = 599,
    validation_frequency: Annotated[
        int, typer.Option("--validation_frequency", help="Epochs between validations.")
    ] = 1,
    training_directory: Annotated[
        Path | None, _directory("training", _in_place("training"))
    ] = None,
    validation_directory: Annotated[
        Path | None,
        _directory(
            "validation",
            "./NAME/NAME_validation_.csv where the training data are in ./NAME too, "
            "simulated houses where they are simulated, else the last fifth of the training data",
        ),
    ] = None,
    period: Annotated[float | None, _period("8s")] = None,
    engine: shared.EngineName = "sliding",
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Seed of weights, order and pruning.")
    ] = 0,
    transfer_from: Annotated[
        Path | None,
        typer.Option(
            "--transfer_from",
            help="A model to start from, of this appliance or another.",
            metavar="MODEL",
        ),
    ] = None,
    freeze: Annotated[
        Freeze | None,
        typer.Option(
            "--freeze",
            help="Layers of it that do not learn.",
            show_default="convolutions of another appliance's model, else none",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on from where a training by the same command stopped."),
    ] = False,
) -> None:
    """Train a seq2point network and prune it.

    The model, the plots and the log go to APPLIANCE/saved_models.
    """
    from seq2point import network, studies
    from seq2point.appliances import find_appliance
    from seq2point.compression import pruning
    from seq2point.configuration import TrainOptions
    from seq2point.report.outcome import present_outcome

    target = find_appliance(appliance_name)
    network_name, notes = _resolve_network(network_type)
    network.find_network(network_name, input_window_length)
    pruning.find_pruner(pruning_algorithm)
    if batch_size is not None and engine == "sliding":
        notes.append("--batch_size has no effect with --engine sliding: a step is sixteen chunks")
    reader = OriginalReader(target, period, PERIOD_S, crop)
    training, validation = read_training(reader, training_directory, validation_directory)
    _print_lines(*notes, training.note, validation.note)
    files, folder = _name_files(target, pruning_algorithm, network_name)
    parent = _load_parent(
        transfer_from, freeze, target, training.recordings, input_window_length, seed
    )
    options = TrainOptions.of(
        validation=validation.recordings or None,
        **parent or {"network": network_name, "window": input_window_length},
        pruning=pruning_algorithm,
        epochs=epochs,
        engine=engine,
        batch_size=batch_size if engine == "windows" else None,
        validation_frequency=validation_frequency,
        seed=seed,
        resume=resume,
        overwrite=not resume,
    )
    with report_stop(RESUMABLE):
        outcome = studies.train_and_test(training.recordings, target, files, folder, options)
    present_outcome(outcome)


def test_main(
    appliance_name: ApplianceName = "kettle",
    batch_size: Annotated[
        int | None,
        typer.Option(
            "--batch_size",
            min=1,
            help="Has no effect: a test predicts every window at once.",
            show_default="none",
        ),
    ] = None,
    crop: Crop = None,
    pruning_algorithm: Algorithm = "default",
    network_type: NetworkType = "default",
    input_window_length: Window = 599,
    test_directory: Annotated[Path | None, _directory("test", _in_place("test"))] = None,
    period: Annotated[float | None, _period("the model's")] = None,
) -> None:
    """Test the model that `train_main.py` saved with the same flags, and draw what it predicts."""
    from seq2point import network
    from seq2point.appliances import find_appliance
    from seq2point.compression import pruning
    from seq2point.errors import UsageError
    from seq2point.model.evaluation import evaluate
    from seq2point.model.model_file import Model
    from seq2point.report import plots, terminal
    from seq2point.studies import count_by_layer
    from seq2point.studies.tested_on import TEST
    from seq2point.system.atomic_files import write_json

    target = find_appliance(appliance_name)
    network_name, notes = _resolve_network(network_type)
    network.find_network(network_name, input_window_length)
    pruning.find_pruner(pruning_algorithm)
    files, _ = _name_files(target, pruning_algorithm, network_name)
    if not files.model.exists():
        raise UsageError(f"{files.model}: not found; run train_main.py with the same flags first")
    model = Model.load(files.model)
    if model.architecture.window != input_window_length:
        has = model.architecture.window
        raise UsageError(
            f"{files.model}: its window is {has} samples, not --input_window_length"
            f" {input_window_length}"
        )
    if batch_size is not None:
        notes.append("--batch_size has no effect on a test, which predicts every window at once")
    data = OriginalReader(target, period, model.period_s, crop).read(test_directory, "test")
    _print_lines(*notes, data.note)
    evaluation = evaluate(model, data.recordings)
    report = (
        _read_training_report(files.metrics)
        | evaluation.as_json()
        | {
            "pruning": count_by_layer(model),
            "tested_on": TEST,
        }
    )
    plots.save_test_plot(evaluation, files.test_plot)
    write_json(report, files.metrics)
    terminal.print_report(report, None)
    terminal.print_files({"metrics": files.metrics, "test_plot": files.test_plot})


def _read_training_report(path: Path) -> dict[str, Any]:
    """Return the training's part of the report, empty where there is none."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return report if isinstance(report, dict) else {}


def _load_parent(
    path: Path | None,
    freeze: Freeze | None,
    target: "Appliance",
    training: "Sequence[Recording]",
    window: int,
    seed: int,
) -> dict[str, Any]:
    """Return the options of a training that starts from a model, none without a path."""
    from seq2point.errors import UsageError
    from seq2point.model.model_file import Model
    from seq2point.training.transfer import describe_parent, replace_appliance

    if path is None:
        if freeze is not None:
            raise UsageError("--freeze keeps layers of a model: give one with --transfer_from")
        return {}
    model = Model.load(path)
    if model.architecture.window != window:
        has = model.architecture.window
        raise UsageError(f"{path}: its window is {has} samples; give --input_window_length {has}")
    same = [a.name for a in model.appliances] == [target.name]
    frozen: Freeze = freeze or ("none" if same else "convolutions")
    start = model if same else replace_appliance(model, target, training, seed, frozen)
    return {
        "start": start,
        "freeze": frozen,
        "provenance": {"transfer": describe_parent(model, freeze=frozen)},
    }


def _name_files(
    target: "Appliance", algorithm: str, network_name: str
) -> "tuple[OutcomeFiles, Path]":
    """Return files under the original's names, and a folder for checkpoints and logs."""
    from seq2point.studies import OutcomeFiles

    saved = Path(target.name) / "saved_models"
    prefix = f"{target.name}_{algorithm}_{network_name}_"
    return OutcomeFiles.in_folder(saved, prefix), saved / f"{prefix}run"


def _resolve_network(network_type: str) -> tuple[str, list[str]]:
    """Return the network of a name or an alias, and a note on an alias."""
    alias = NETWORK_ALIASES.get(network_type)
    if alias is None:
        return network_type, []
    return alias.network, [f"network type '{network_type}' is {alias.network}: {alias.note}"]


def _print_lines(*notes: str) -> None:
    for note in notes:
        typer.echo(note, err=True)


def run_as_script(command: object) -> None:
    """Run one of the original commands as a script."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(command)  # type: ignore[type-var]
    run_app(app)
