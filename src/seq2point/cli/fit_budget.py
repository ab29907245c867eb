"""`seq2point fit-budget`: the most accurate network that fits a device."""

from pathlib import Path
from typing import Annotated

import typer

from seq2point.choices import Criterion
from seq2point.cli import options
from seq2point.cli.input_guard import also_writes
from seq2point.cli.options import Take
from seq2point.cli.run_app import report_stop
from seq2point.configuration import ColumnsConfig, LearningConfig, MachineConfig

STOPPED = "the networks that are done stay, and the same command goes on with the others"
RESULTS = ("model.safetensors", "model.c", "model.h", "model.onnx")
POINTS, TABLE, PICTURE = "fit.json", "fit.md", "fit.png"
UNITS, CHANNELS = "0,0.5,0.75,0.875,0.9375", "0,0.25,0.5,0.75"


@also_writes(lambda given: [given["out"] / name for name in RESULTS])
def fit_budget(
    model: Annotated[
        Path,
        typer.Argument(
            help="The trained model to make smaller, a file or a name: kettle.", metavar="MODEL"
        ),
    ],
    train: Annotated[
        list[Path],
        typer.Option(
            "--train",
            help="A house to fine-tune on; repeat for several.",
            metavar="FILE",
            rich_help_panel=options.DATA,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            help="Folder of parts, winner, table and picture.",
            metavar="DIR",
            rich_help_panel=options.OUTPUT,
        ),
    ],
    learning: Annotated[
        LearningConfig,
        Take(
            only=("batch_size", "learning_rate", "seed"),
            unset={"batch_size": "the model's", "learning_rate": "0.001"},
        ),
    ],
    columns: Annotated[ColumnsConfig, options.BUT_APPLIANCES],
    machine: Annotated[MachineConfig, Take(only=("threads",))],
    flash: Annotated[
        int | None,
        typer.Option(
            parser=options.parse_bytes,
            metavar="SIZE",
            help="Flash there is: 256KB; for onnx, of the file.",
            rich_help_panel=options.TARGET,
        ),
    ] = None,
    ram: Annotated[
        int | None,
        typer.Option(
            parser=options.parse_bytes,
            metavar="SIZE",
            help="RAM there is: 64KB; for onnx, of the process.",
            rich_help_panel=options.TARGET,
        ),
    ] = None,
    latency: Annotated[
        float | None,
        typer.Option(
            parser=options.parse_duration_s,
            metavar="DURATION",
            help="Time for one more prediction on this machine: 5ms.",
            rich_help_panel=options.TARGET,
        ),
    ] = None,
    target: Annotated[
        str,
        typer.Option(
            help="What the device runs: microcontroller or onnx.",
            metavar="TARGET",
            rich_help_panel=options.TARGET,
        ),
    ] = "microcontroller",
    int8: Annotated[
        bool,
        typer.Option(
            "--int8/--float32",
            help="Quantise; a microcontroller's C always is.",
            rich_help_panel=options.TARGET,
        ),
    ] = True,
    validate: Annotated[
        list[Path] | None,
        typer.Option(
            "--validate",
            help="A house to choose by; else the last fifth of each training house.",
            metavar="FILE",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    units: Annotated[
        str,
        typer.Option(
            help="Shares of the hidden units to remove.",
            metavar="S,S,...",
            rich_help_panel=options.PRUNING,
        ),
    ] = UNITS,
    channels: Annotated[
        str,
        typer.Option(
            help="Shares of each convolution's channels to remove.",
            metavar="S,S,...",
            rich_help_panel=options.PRUNING,
        ),
    ] = CHANNELS,
    by: Annotated[
        Criterion,
        typer.Option(
            "--by", help="Metric that decides among those that fit.", rich_help_panel=options.TARGET
        ),
    ] = "nde",
    pruning_steps: Annotated[
        int,
        typer.Option(
            min=1,
            help="Optimiser steps while a network is pruned.",
            rich_help_panel=options.PRUNING,
        ),
    ] = 100,
    steps: Annotated[
        int,
        typer.Option(
            min=1,
            help="Optimiser steps of fine-tuning once it is compacted.",
            rich_help_panel=options.TRAINING,
        ),
    ] = 300,
    any_code: options.AnyVersion = False,
    json: options.Json = None,
    resample: options.Resample = False,
    appliance_column: options.ApplianceColumn = None,
) -> None:
    """Find the most accurate network that fits a device.

    The search runs over a grid of structured sparsities, each fine-tuned and exported. It writes
    fit.json, fit.md and fit.png, and of the best network that fits model.safetensors and the
    exported file. Finished networks are not repeated, and interrupted ones go on. Batch, chunk,
    augmentation and loss are those that MODEL was trained with, without simulated houses or traces.
    """
    import shutil

    from seq2point.cli.find_model import load_model
    from seq2point.cli.read_houses import HouseReader
    from seq2point.errors import Seq2PointError
    from seq2point.metrics import METRICS
    from seq2point.recording.shared_readings import require_distinct, warn_of_shared
    from seq2point.report.budget_search import make_report, save_plot
    from seq2point.report.study import present_study, write_study
    from seq2point.studies import ResultCache
    from seq2point.studies.budget_candidates import find_best
    from seq2point.studies.budget_search import EXPORTED, WEIGHTS, BudgetSearch
    from seq2point.studies.device_budget import DeviceBudget
    from seq2point.system.atomic_files import atomic_write
    from seq2point.system.console import make_console

    unit_shares = _parse_grid("--units", units)
    channel_shares = _parse_grid("--channels", channels)
    loaded = load_model(model, "cpu", machine.threads, train, columns)
    reader = HouseReader.for_model(loaded, columns, appliance_column, resample)
    houses, held_out = reader.load(train), reader.load(validate)
    require_distinct(houses)
    warn_of_shared(houses, held_out, ())
    search = BudgetSearch(
        loaded,
        houses,
        DeviceBudget(flash, ram, latency),
        target,
        int8,
        held_out,
        unit_shares,
        channel_shares,
        by,
        pruning_steps,
        steps,
        {
            "batch_size": learning.batch_size,
            "learning_rate": learning.learning_rate,
            "seed": learning.seed,
        },
        machine.threads,
    )
    console = make_console(to_stderr=True, wrap=False)
    with report_stop(STOPPED):
        candidates = search.run(
            ResultCache(out / "parts", any_version=any_code),
            console.print,
        )
    # an earlier search may have left files of another budget
    for name in (*RESULTS, PICTURE):
        (out / name).unlink(missing_ok=True)
    report = make_report(search, candidates)
    files = write_study(report, out / POINTS, out / TABLE)
    if any(candidate.result for candidate in candidates):
        files["picture"] = out / PICTURE
        save_plot(search, candidates, files["picture"])
    best = find_best(candidates, by)
    if best is not None and best.result is not None:
        source = Path(best.result["exported"]) / EXPORTED[target]
        sources = {"model": Path(best.result["weights"]), "exported": source}
        if target == "microcontroller":
            sources["header"] = source.with_suffix(".h")
        for label, path in sources.items():
            files[label] = out / (WEIGHTS if label == "model" else path.name)
            with atomic_write(files[label]) as beside:
                shutil.copyfile(path, beside)
    present_study(report, files, json)
    if best is not None and not best.is_useful:
        console.print(
            f"the best network is of little use: {METRICS['nde'].label} of 1 or more,"
            f" {METRICS['f1'].label} below 0.5, or no better than always zero; give it more steps"
            " or room"
        )
    if best is None:
        raise Seq2PointError(
            "nothing fits: the table says by how much; widen --units and --channels, or begin from"
            " a smaller model"
        )


def _parse_grid(option: str, text: str) -> list[float]:
    """Return shares in order, each once; raises UsageError for other words, and for none."""
    from seq2point.errors import UsageError

    if shares := options.parse_shares(option, [text]):
        return sorted(set(shares))
    raise UsageError(f"{option} '{text}': expected shares from 0 to below 1, as 0,0.5")
