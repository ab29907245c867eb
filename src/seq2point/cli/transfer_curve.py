"""`seq2point transfer-curve`: the error in a house against the days of labels from it."""

from pathlib import Path
from typing import Annotated

import typer

from seq2point.cli import options
from seq2point.cli.options import Take
from seq2point.cli.run_app import report_stop
from seq2point.configuration import ColumnsConfig, LearningConfig, MachineConfig, TransferConfig

LEARNING = (
    "epochs",
    "steps",
    "budget_s",
    "engine",
    "batch_size",
    "learning_rate",
    "schedule",
)
STOPPED = "the points that are done stay, and the same command goes on with the others"


def transfer_curve(
    model: Annotated[
        Path,
        typer.Argument(help="The model to start from, a file or a name: kettle.", metavar="MODEL"),
    ],
    train: Annotated[
        Path,
        typer.Option(
            "--train",
            help="The house whose days are learned from.",
            metavar="FILE",
            rich_help_panel=options.DATA,
        ),
    ],
    test: Annotated[
        list[Path],
        typer.Option(
            "--test",
            help=(
                "A house to test on; the training file again means the readings after the last"
                " day. Repeat for several."
            ),
            metavar="FILE",
            rich_help_panel=options.DATA,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            help="Folder of points, table and picture.",
            metavar="DIR",
            rich_help_panel=options.OUTPUT,
        ),
    ],
    transfer: Annotated[TransferConfig, Take(only=("skip", "rescale"))],
    learning: Annotated[
        LearningConfig, Take(only=LEARNING, unset={"epochs": "none", "steps": "200"})
    ],
    columns: Annotated[ColumnsConfig, options.BUT_APPLIANCES],
    machine: Annotated[MachineConfig, Take(only=("device", "threads"))],
    days: Annotated[
        str | None,
        typer.Option(
            help="Days of labels.",
            show_default="0,1,2,4,7,14,28 as far as the file goes",
            metavar="N,N,...",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    freeze: Annotated[
        list[str] | None,
        typer.Option(
            help=(
                "Layers that do not learn: none, convolutions or all-but-output; repeat for"
                " several."
            ),
            show_default="each; not all-but-output for another appliance",
            rich_help_panel=options.NETWORK,
        ),
    ] = None,
    from_nothing: Annotated[
        bool,
        typer.Option(
            "--from-nothing/--no-from-nothing",
            help="Also train the same architecture from fresh weights.",
            rich_help_panel=options.NETWORK,
        ),
    ] = True,
    seeds: Annotated[
        int,
        typer.Option(
            min=1,
            max=1000,
            help="Trainings of each point, with seeds 0, 1, ...",
            rich_help_panel=options.TRAINING,
        ),
    ] = 3,
    stagger: Annotated[
        float,
        typer.Option(
            min=0,
            help="Days that each seed begins later, so that the spread includes the days.",
            rich_help_panel=options.DATA,
        ),
    ] = 0.0,
    appliance: Annotated[
        str | None,
        typer.Option(
            help="Another appliance, over the model's convolutions.",
            show_default="the model's",
            rich_help_panel=options.APPLIANCE,
        ),
    ] = None,
    resample: options.Resample = False,
    any_code: options.AnyVersion = False,
    json: options.Json = None,
) -> None:
    """Measure the error in a house against the days of labels from it.

    The model is tested as it is and trained on, and its architecture is trained from nothing.
    Writes curve.json, curve.md and curve.png. Finished points are not repeated, and interrupted
    trainings go on. Every training takes the same number of steps, learns from all of its days and
    keeps its last weights.
    """
    from seq2point.cli.find_model import load_model
    from seq2point.cli.read_houses import HouseReader
    from seq2point.cli.typed_command import tell_command
    from seq2point.recording.shared_readings import warn_of_shared
    from seq2point.report.study import present_study, write_study
    from seq2point.report.transfer_curve import make_report, save_plot
    from seq2point.studies import ResultCache
    from seq2point.studies.transfer_choices import FREEZES, FROM_NOTHING
    from seq2point.studies.transfer_curve import (
        USUAL_DAYS,
        USUAL_STEPS,
        TransferCurve,
        cut_after_days,
    )
    from seq2point.system.console import make_console
    from seq2point.training.transfer import find_target_appliance

    days_given = options.parse_numbers("--days", days) if days else None
    loaded = load_model(model, machine.device, machine.threads, [train], columns)
    target = find_target_appliance(loaded, appliance)
    reader = HouseReader([target.name], loaded.period_s, columns, resample)
    house, *tested = reader.load([train, *test])
    is_train_file = [path.resolve() == train.resolve() for path in test]
    days_before = transfer.skip + stagger * (seeds - 1)
    # a file that is tested, too, keeps half of its days for that
    days_there = house.count_days(target.name) * (0.5 if any(is_train_file) else 1.0)
    days_left = max(days_there - days_before, 0)
    curve_days = days_given or [n for n in USUAL_DAYS if 0.99 * n <= days_left]
    days_used = days_before + max(curve_days)
    rest = cut_after_days(house, target.name, days_used, loaded.architecture.window)
    is_own = target.name == loaded.appliances[0].name
    freezes = freeze or [f for f in FREEZES if is_own or f != "all-but-output"]
    choices = list(dict.fromkeys(freezes))
    training = {name: getattr(learning, name) for name in LEARNING}
    if all(training[name] is None for name in ("epochs", "steps", "budget_s")):
        training["steps"] = USUAL_STEPS
    kept = [rest if again else other for again, other in zip(is_train_file, tested, strict=True)]
    learned = house.take_days(days_used - transfer.skip, target.name, transfer.skip)
    warn_of_shared([learned], (), kept)
    curve = TransferCurve(
        loaded,
        target,
        house,
        kept,
        curve_days,
        [*choices, *([FROM_NOTHING] if from_nothing else [])],
        range(seeds),
        transfer.skip,
        stagger,
        transfer.rescale,
        training,
        machine.device,
        machine.threads,
    )
    console = make_console(to_stderr=True, wrap=False)
    with report_stop(STOPPED):
        results = curve.run(
            ResultCache(out / "parts", any_version=any_code),
            console.print,
        )
    report = make_report(curve, results) | {"command": tell_command()}
    files = write_study(report, out / "curve.json", out / "curve.md")
    files["picture"] = out / "curve.png"
    save_plot(report, files["picture"])
    present_study(report, files, json)
