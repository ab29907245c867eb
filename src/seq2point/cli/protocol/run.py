"""`seq2point protocol run`: train and test by appliance and seed, beside the published rows."""

from pathlib import Path
from typing import Annotated

import typer

from seq2point.cli import options
from seq2point.cli.options import Take
from seq2point.cli.run_app import report_stop
from seq2point.configuration import LearningConfig, MachineConfig, NetworkConfig, PruningConfig
from seq2point.configuration.training import PRUNERS

PROTOCOLS = dict.fromkeys(("network", "window", "epochs"), "the protocol's")
STOPPED = "the parts that are done stay, and the same command goes on from the last checkpoint"


def run(
    name: Annotated[
        str,
        typer.Argument(
            help="A protocol of the package, or a TOML file of your own.", metavar="NAME"
        ),
    ],
    data: Annotated[
        Path,
        typer.Option(
            "--data", help="Folder of the houses, as `convert` makes them.", metavar="DIR"
        ),
    ],
    shape: Annotated[NetworkConfig, Take(only=("network", "window"), unset=PROTOCOLS)],
    settings: Annotated[PruningConfig, Take(only=("pruning_settings",))],
    learning: Annotated[
        LearningConfig, Take(only=("epochs", "steps", "budget_s"), unset=PROTOCOLS)
    ],
    machine: Annotated[MachineConfig, Take(without=("devices", "nodes"))],
    appliance: Annotated[
        list[str] | None,
        typer.Option("--appliance", help="One of the protocol's; repeat for several; else all."),
    ] = None,
    test: Annotated[
        list[Path] | None,
        typer.Option(
            "--test",
            help="A recording to test on, not the protocol's houses; repeat for several.",
            metavar="FILE",
        ),
    ] = None,
    scaling: Annotated[
        str | None, typer.Option(help="lineage, fitted or own.", show_default="the protocol's")
    ] = None,
    pruning: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Then prune and compact: {PRUNERS}; several with commas, or repeat.",
            show_default="the protocol's, or none",
            metavar="METHOD,...",
        ),
    ] = None,
    sparsity: Annotated[
        list[str] | None,
        typer.Option(
            help=(
                "Fraction that each method is to remove, 0 to below 1; several with commas, or"
                " repeat."
            ),
            show_default="by method",
            metavar="S,...",
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, max=1000, help="Trainings of each network, with seeds 0, 1, ...")
    ] = 3,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            help="Folder of parts and report.",
            show_default="runs/NAME",
            metavar="DIR",
        ),
    ] = None,
    any_code: options.AnyVersion = False,
    json: options.Json = None,
) -> None:
    """Run a protocol: train and test by appliance and seed, and write report.json, report.md and
    report.png.

    Every pruning method is tried at every sparsity. What is finished is not repeated, here and in
    every later run with the same folder, and the report tells of all of it: other methods,
    sparsities or settings add to it. What was interrupted goes on.
    """
    from seq2point.appliances import canonical_name
    from seq2point.report.protocols.folder import PICTURE, REPORT, TABLE, require_own
    from seq2point.report.protocols.numbers import make_report
    from seq2point.report.protocols.plot import save_plot
    from seq2point.report.study import present_study, write_study
    from seq2point.studies.protocols import library
    from seq2point.studies.protocols.overrides import list_variants
    from seq2point.studies.protocols.runner import Runner
    from seq2point.studies.protocols.steps import ProtocolSteps
    from seq2point.studies.result_cache import ResultCache
    from seq2point.system.console import make_console

    source = library.find_protocol(name)
    sparsities = options.parse_shares("--sparsity", sparsity)
    protocols = list_variants(
        source,
        options.split_words(pruning),
        sparsities,
        test=[path.resolve() for path in test or []],
        network=shape.network if isinstance(shape.network, str) else None,
        window=shape.window,
        scaling=scaling,
        pruning_settings=settings.pruning_settings,
        lengths={
            "epochs": learning.epochs,
            "steps": learning.steps,
            "budget_s": learning.budget_s,
        },
    )
    folder = out or Path("runs") / source.name
    store = ResultCache(folder / "parts", any_version=any_code)
    require_own(folder, source, store)
    variants = [ProtocolSteps(protocol, source.where, data) for protocol in protocols]
    appliances = [canonical_name(a) for a in appliance or protocols[0].appliances]
    console = make_console(to_stderr=True, wrap=False)
    runner = Runner(
        variants,
        store,
        machine.device,
        machine.threads,
        report=console.print,
    )
    with report_stop(STOPPED):
        runner.run(appliances, seeds)
    report = make_report(source, variants, store, appliances)
    files = write_study(report, folder / REPORT, folder / TABLE)
    if save_plot(report, folder / PICTURE):
        files["picture"] = folder / PICTURE
    present_study(report, files, json)
