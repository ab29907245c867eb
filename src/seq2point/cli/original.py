"""The original commands, `train_main.py` and `test_main.py`, with their flags: doors onto the same code."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seq2point.choices import Freeze
from seq2point.cli import options
from seq2point.cli.run import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seq2point.appliances import Appliance
    from seq2point.experiment import Files
    from seq2point.recording import Recording

SYNTHETIC_DAYS = 4
SYNTHETIC = {"training": range(8), "validation": range(8, 9), "test": range(9, 10)}

ApplianceName = Annotated[
    str, typer.Option("--appliance_name", help="kettle, fridge, 'washing machine', microwave or dishwasher.", metavar="NAME")
]
BatchSize = Annotated[
    int, typer.Option("--batch_size", min=1, help="Windows in a step of --engine windows; sliding takes sixteen chunks of them.")
]
Crop = Annotated[int | None, typer.Option("--crop", min=1, help="Use only the first rows of each file.", metavar="ROWS")]
Algorithm = Annotated[
    str,
    typer.Option("--pruning_algorithm", "--algorithm", help=f"default (none), tfmot, {options.PRUNERS}.", metavar="NAME"),
]
NetworkType = Annotated[str, typer.Option("--network_type", help="default, reduced, dropout or reduced_dropout.", metavar="NAME")]
Window = Annotated[int, typer.Option("--input_window_length", help="Samples in a window, odd.")]
Period = Annotated[
    float, typer.Option("--period", parser=options.seconds, metavar="DURATION", help="Sampling period of files without times.")
]


def _directory(flag: str, use: str) -> Any:
    return typer.Option(flag, help=f"A {use} file, or a folder of them; synthetic houses without it.", metavar="PATH")


def train_main(
    appliance_name: ApplianceName = "kettle",
    batch_size: BatchSize = 1000,
    crop: Crop = None,
    pruning_algorithm: Algorithm = "default",
    network_type: NetworkType = "default",
    epochs: Annotated[float, typer.Option("--epochs", help="Times to see every window.")] = 10,
    input_window_length: Window = 599,
    validation_frequency: Annotated[int, typer.Option("--validation_frequency", help="Epochs between validations.")] = 1,
    training_directory: Annotated[Path | None, _directory("--training_directory", "training")] = None,
    validation_directory: Annotated[Path | None, _directory("--validation_directory", "validation")] = None,
    period: Period = 8.0,
    engine: options.EngineName = "sliding",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of weights, order and pruning.")] = 0,
    transfer_from: Annotated[
        Path | None, typer.Option("--transfer_from", help="A model to begin from, of this appliance or another.", metavar="MODEL")
    ] = None,
    freeze: Annotated[
        Freeze | None,
        typer.Option(
            "--freeze",
            help="What of it stays as it is.",
            show_default="convolutions of another appliance's model, else none",
        ),
    ] = None,
) -> None:
    """Train a seq2point network and prune it; the model, the plots and the log go to APPLIANCE/saved_models."""
    from seq2point import experiment, network, pruning
    from seq2point.appliances import find
    from seq2point.cli import tables

    what = find(appliance_name)
    network.find(network_type, input_window_length)
    pruning.find(pruning_algorithm)
    training = _recordings(training_directory, what, period, crop, "training")
    if training_directory is not None and validation_directory is None:
        validation = None
    else:
        validation = _recordings(validation_directory, what, period, crop, "validation")
    files, folder = _files(what, pruning_algorithm, network_type)
    begun = _begun(transfer_from, freeze, what, training, input_window_length, seed)
    outcome = experiment.run(
        training,
        what,
        files,
        folder,
        validation=validation,
        **begun or {"network": network_type, "window": input_window_length},
        pruning=pruning_algorithm,
        epochs=epochs,
        engine=engine,
        batch_size=batch_size if engine == "windows" else None,
        validation_frequency=validation_frequency,
        seed=seed,
        overwrite=True,
    )
    tables.report(outcome.report, None)
    tables.files(files.written())


def test_main(
    appliance_name: ApplianceName = "kettle",
    batch_size: BatchSize = 1000,
    crop: Crop = None,
    pruning_algorithm: Algorithm = "default",
    network_type: NetworkType = "default",
    input_window_length: Window = 599,
    test_directory: Annotated[Path | None, _directory("--test_directory", "test")] = None,
    period: Period = 8.0,
) -> None:
    """Test the model that `train_main.py` saved with the same flags, and draw what it predicts."""
    from seq2point import network, plots, pruning
    from seq2point.appliances import find
    from seq2point.cli import tables
    from seq2point.errors import UsageError
    from seq2point.evaluation import evaluate
    from seq2point.experiment import pruning_table
    from seq2point.files import write_json
    from seq2point.model_file import Model

    what = find(appliance_name)
    network.find(network_type, input_window_length)
    pruning.find(pruning_algorithm)
    files, _ = _files(what, pruning_algorithm, network_type)
    if not files.model.exists():
        raise UsageError(f"{files.model}: not there; run train_main.py with the same flags first")
    model = Model.load(files.model)
    if model.architecture.window != input_window_length:
        has = model.architecture.window
        raise UsageError(f"{files.model}: its window is {has} samples, not --input_window_length {input_window_length}")
    recordings = _recordings(test_directory, what, period, crop, "test")
    evaluation = evaluate(model, recordings)
    report = _written_before(files.metrics) | evaluation.as_json() | {"pruning": pruning_table(model), "tested_on": "test"}
    plots.save_test_plot(evaluation, files.test_plot)
    write_json(report, files.metrics)
    tables.report(report, None)
    tables.files({"metrics": files.metrics, "test_plot": files.test_plot})


def _written_before(path: Path) -> dict[str, Any]:
    """What the training left in the report that a test fills in."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _begun(
    path: Path | None, freeze: Freeze | None, what: "Appliance", training: "Sequence[Recording]", window: int, seed: int
) -> dict[str, Any]:
    """The options of a training that begins from a model; none where none is given."""
    from seq2point.errors import UsageError
    from seq2point.model_file import Model
    from seq2point.transfer import for_appliance, origin

    if path is None:
        if freeze is not None:
            raise UsageError("--freeze keeps layers of a model: give one with --transfer_from")
        return {}
    model = Model.load(path)
    if model.architecture.window != window:
        has = model.architecture.window
        raise UsageError(f"{path}: its window is {has} samples; give --input_window_length {has}")
    same = [a.name for a in model.appliances] == [what.name]
    frozen: Freeze = freeze or ("none" if same else "convolutions")
    start = model if same else for_appliance(model, what, training, seed, frozen)
    return {"start": start, "freeze": frozen, "provenance": {"transfer": origin(model, freeze=frozen)}}


def _files(what: "Appliance", algorithm: str, network_type: str) -> "tuple[Files, Path]":
    """The lineage's names, and a folder beside them for checkpoints and logs."""
    from seq2point.experiment import Files

    saved = Path(what.name) / "saved_models"
    prefix = f"{what.name}_{algorithm}_{network_type}_"
    return Files.in_folder(saved, prefix), saved / f"{prefix}run"


def _recordings(place: Path | None, what: "Appliance", period_s: float, crop: int | None, use: str) -> "Sequence[Recording]":
    """The recordings in a file or a folder, or synthetic houses of which no two uses share one."""
    from seq2point.data.lineage import is_lineage, load_lineage
    from seq2point.data.table import load_recording
    from seq2point.errors import DataError

    if place is None:
        from seq2point.simulator import simulate_house

        seeds = SYNTHETIC[use]
        which = f"house{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"
        typer.echo(f"no {use} data given: simulating {which} ({SYNTHETIC_DAYS} days each)", err=True)
        found = [simulate_house(seed, SYNTHETIC_DAYS, appliances=[what.name]) for seed in seeds]
    else:
        paths = [place]
        if place.is_dir():
            tables = sorted(p for p in place.iterdir() if p.suffix in (".csv", ".parquet"))
            paths = [p for p in tables if use in p.name and what.name in p.name] or tables
        if not paths:
            raise DataError(f"{place}: holds no .csv or .parquet file")
        found = [load_lineage(path, what, period_s) if is_lineage(path) else load_recording(path, [what.name]) for path in paths]
    return [recording.slice(0, crop) if crop else recording for recording in found]


def main_of(command: object) -> None:
    """Run one of the original commands as a script."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(command)  # type: ignore[type-var]
    run(app)
