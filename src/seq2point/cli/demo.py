"""`seq2point demo`: train, prune and test on simulated houses, in a few minutes."""

from pathlib import Path
from typing import Annotated

import typer

from seq2point.cli import options
from seq2point.cli.options import Take
from seq2point.configuration import MachineConfig

TRAINING, VALIDATION, TESTS = 20, 2, 5


def demo(
    machine: Annotated[MachineConfig, Take(only=("threads",))],
    appliance: Annotated[
        str,
        typer.Option(
            help="kettle, fridge, 'washing machine', microwave or dishwasher.",
            rich_help_panel=options.APPLIANCE,
        ),
    ] = "kettle",
    budget: Annotated[
        float,
        typer.Option(
            parser=options.parse_duration_s,
            metavar="DURATION",
            help="Time to train.",
            show_default="150s",
            rich_help_panel=options.TRAINING,
        ),
    ] = 150,
    out: Annotated[
        Path,
        typer.Option(help="Folder for all files.", metavar="DIR", rich_help_panel=options.OUTPUT),
    ] = Path("runs/demo"),
    seed: Annotated[
        int,
        typer.Option(
            min=0, help="Seed of the houses and the training.", rich_help_panel=options.TRAINING
        ),
    ] = 0,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on where the budget of the demo before ended early.",
            rich_help_panel=options.TRAINING,
        ),
    ] = False,
    json: options.Json = None,
) -> None:
    """Simulate houses, train and prune a network on some, and test it on others."""
    from seq2point import studies
    from seq2point.appliances import find_appliance
    from seq2point.configuration import TrainOptions
    from seq2point.network import Architecture
    from seq2point.report.outcome import present_outcome
    from seq2point.simulator import simulate_house
    from seq2point.system.console import make_console, show_status

    target = find_appliance(appliance)
    console = make_console(to_stderr=True, wrap=False)
    with show_status("simulating houses"):
        houses = [
            simulate_house(seed * 100 + i, days=7, appliances=[target.name])
            for i in range(TRAINING + VALIDATION + TESTS)
        ]
    console.print(
        f"simulated {len(houses)} houses, a week each at 6 s: {TRAINING} to train on,"
        f" {VALIDATION} to validate on, {TESTS} to test on"
    )
    outcome = studies.train_and_test(
        houses[:TRAINING],
        target,
        studies.OutcomeFiles.in_folder(out),
        out,
        TrainOptions(
            validation=houses[TRAINING:-TESTS],
            network=Architecture(
                window=99, channels=(16, 16, 24, 32, 32), kernels=(8, 6, 5, 4, 4), hidden=128
            ),
            learning_rate=2e-3,
            pruning="magnitude",
            budget_s=budget,
            threads=machine.threads,
            seed=seed,
            resume=resume,
            overwrite=not resume,
        ),
        houses[-TESTS:],
    )
    present_outcome(outcome, json)
