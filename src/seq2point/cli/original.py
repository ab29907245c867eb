"""The original commands, `train_main.py` and `test_main.py`, with their flags: doors onto the same
code.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from seq2point.choices import Freeze
from seq2point.cli import options as shared
from seq2point.cli.original_data import Use, find_files
from seq2point.cli.run_app import run_app

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seq2point.appliances import Appliance
    from seq2point.recording import Recording
    from seq2point.studies import OutcomeFiles

PERIOD_S = 8.0  # of the REFIT files that the original's data sets are made from
SYNTHETIC_DAYS = 4
SYNTHETIC: dict[Use, range] = {
    "training": range(8),
    "validation": range(8, 9),
    "test": range(9, 10),
}


class NetworkAlias(NamedTuple):
    """Another name of a network, and what to say of it."""

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
        help=f"default (none), tfmot, {shared.PRUNERS}.",
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


def _directory(use: Use, without: str) -> Any:
    what = f"A {use} file, or a folder of them."
    return typer.Option(f"--{use}_directory", help=f"{what} Without it: {without}.", metavar="PATH")


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
            "a simulated house where they are simulated, else the last fifth of the training data",
        ),
    ] = None,
    period: Annotated[float | None, _period("8s")] = None,
    engine: shared.EngineName = "sliding",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of weights, order and pruning.")] = 0,
    transfer_from: Annotated[
        Path | None,
        typer.Option(
            "--transfer_from",
            help="A model to begin from, of this appliance or another.",
            metavar="MODEL",
        ),
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
    """Train a seq2point network and prune it; the model, the plots and the log go to
    APPLIANCE/saved_models.
    """
    from seq2point import network, studies
    from seq2point.appliances import find_appliance
    from seq2point.compression import pruning
    from seq2point.configuration import TrainOptions
    from seq2point.report.outcome import present_outcome

    what = find_appliance(appliance_name)
    network_name, notes = _resolve_network(network_type)
    network.find_network(network_name, input_window_length)
    pruning.find_pruner(pruning_algorithm)
    if batch_size is not None and engine == "sliding":
        notes.append("--batch_size has no effect with --engine sliding: a step is sixteen chunks")
    reader = _Reader(what, period, PERIOD_S, crop)
    training, validation = _read_training(reader, training_directory, validation_directory)
    _print_lines(*notes, training.note, validation.note)
    files, folder = _name_files(what, pruning_algorithm, network_name)
    parent = _load_parent(
        transfer_from, freeze, what, training.recordings, input_window_length, seed
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
        overwrite=True,
    )
    outcome = studies.train_and_test(training.recordings, what, files, folder, options)
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
    from seq2point.system.atomic_files import write_json

    what = find_appliance(appliance_name)
    network_name, notes = _resolve_network(network_type)
    network.find_network(network_name, input_window_length)
    pruning.find_pruner(pruning_algorithm)
    files, _ = _name_files(what, pruning_algorithm, network_name)
    if not files.model.exists():
        raise UsageError(f"{files.model}: not there; run train_main.py with the same flags first")
    model = Model.load(files.model)
    if model.architecture.window != input_window_length:
        has = model.architecture.window
        raise UsageError(
            f"{files.model}: its window is {has} samples, not --input_window_length"
            f" {input_window_length}"
        )
    if batch_size is not None:
        notes.append("--batch_size has no effect on a test, which predicts every window at once")
    data = _Reader(what, period, model.period_s, crop).read(test_directory, "test")
    _print_lines(*notes, data.note)
    evaluation = evaluate(model, data.recordings)
    report = (
        _read_training_report(files.metrics)
        | evaluation.as_json()
        | {
            "pruning": count_by_layer(model),
            "tested_on": "test",
        }
    )
    plots.save_test_plot(evaluation, files.test_plot)
    write_json(report, files.metrics)
    terminal.print_report(report, None)
    terminal.print_files({"metrics": files.metrics, "test_plot": files.test_plot})


def _read_training_report(path: Path) -> dict[str, Any]:
    """What the training left in the report that a test fills in."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _load_parent(
    path: Path | None,
    freeze: Freeze | None,
    what: "Appliance",
    training: "Sequence[Recording]",
    window: int,
    seed: int,
) -> dict[str, Any]:
    """The options of a training that begins from a model; none where none is given."""
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
    same = [a.name for a in model.appliances] == [what.name]
    frozen: Freeze = freeze or ("none" if same else "convolutions")
    start = model if same else replace_appliance(model, what, training, seed, frozen)
    return {
        "start": start,
        "freeze": frozen,
        "provenance": {"transfer": describe_parent(model, freeze=frozen)},
    }


def _name_files(
    what: "Appliance", algorithm: str, network_name: str
) -> "tuple[OutcomeFiles, Path]":
    """The lineage's names, and a folder beside them for checkpoints and logs."""
    from seq2point.studies import OutcomeFiles

    saved = Path(what.name) / "saved_models"
    prefix = f"{what.name}_{algorithm}_{network_name}_"
    return OutcomeFiles.in_folder(saved, prefix), saved / f"{prefix}run"


def _resolve_network(network_type: str) -> tuple[str, list[str]]:
    """The network that a name or an alias stands for, and what to say of an alias."""
    alias = NETWORK_ALIASES.get(network_type)
    if alias is None:
        return network_type, []
    return alias.network, [f"network type '{network_type}' is {alias.network}: {alias.note}"]


def _print_lines(*notes: str) -> None:
    for note in notes:
        typer.echo(note, err=True)


class _Data(NamedTuple):
    """The recordings for one use, and where they are from."""

    recordings: "Sequence[Recording]"
    note: str
    simulated: bool = False


class _Reader(NamedTuple):
    """Reads or simulates what one command works on.

    `period_s` is the sampling period that the user gave; without it files with times keep theirs,
    and all else has `usual_period_s`.
    """

    appliance: "Appliance"
    period_s: float | None
    usual_period_s: float
    crop: int | None

    def read(self, place: Path | None, use: Use) -> _Data:
        """The data of a place or in place, or simulated houses; no two uses share a house."""
        paths = find_files(place, self.appliance, use)
        if not paths:
            return self._simulate(use)
        note = f"{use} data: {', '.join(map(str, paths))}"
        return _Data([self._crop(self._load(path)) for path in paths], note)

    def _load(self, path: Path) -> "Recording":
        from seq2point.data.seq2point_csv import is_seq2point_csv, load_seq2point_csv
        from seq2point.data.table import read_table, to_recording

        if is_seq2point_csv(path):
            return load_seq2point_csv(path, self.appliance, self.period_s or self.usual_period_s)
        table = read_table(path, [self.appliance.name])
        return to_recording(table, self.period_s or table.period_s or self.usual_period_s)

    def _simulate(self, use: Use) -> _Data:
        from seq2point.simulator import simulate_house

        seeds, period_s = SYNTHETIC[use], self.period_s or self.usual_period_s
        names = [self.appliance.name]
        houses = [simulate_house(seed, SYNTHETIC_DAYS, period_s, names) for seed in seeds]
        which = f"house{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"
        how = f"{SYNTHETIC_DAYS} days each at {period_s:g} s"
        note = f"{use} data: none given or in place, so simulated {which} ({how})"
        return _Data([self._crop(house) for house in houses], note, simulated=True)

    def _crop(self, recording: "Recording") -> "Recording":
        return recording.slice(0, self.crop) if self.crop else recording


def _read_training(
    reader: _Reader, training_place: Path | None, validation_place: Path | None
) -> tuple[_Data, _Data]:
    """The training and the validation data; the latter are empty where a part is to be held out."""
    training = reader.read(training_place, "training")
    if validation_place is not None:
        return training, reader.read(validation_place, "validation")
    in_place = training_place is None and bool(find_files(None, reader.appliance, "validation"))
    if training.simulated or in_place:
        return training, reader.read(None, "validation")
    return training, _Data([], "validation data: the last fifth of the training data")


def run_as_script(command: object) -> None:
    """Run one of the original commands as a script."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(command)  # type: ignore[type-var]
    run_app(app)
