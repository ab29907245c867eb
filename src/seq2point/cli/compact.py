"""`seq2point compact`: a pruned model in, the same model without its pruned parts out."""

from pathlib import Path
from typing import Annotated

import typer

from seq2point.cli import options
from seq2point.cli.options import Take
from seq2point.configuration import MachineConfig


def compact(
    model: Annotated[
        Path, typer.Argument(help="A pruned model, a file or a name: kettle-60s.", metavar="MODEL")
    ],
    out: Annotated[
        Path,
        options.make_output("The smaller model.", "OUT"),
    ],
    machine: Annotated[MachineConfig, Take(only=("threads",))],
    json: options.Json = None,
) -> None:
    """Make a pruned model really small: remove the parts that its masks have emptied.

    These are units, channels, taps and time steps. The smaller model gives the same predictions,
    and trains, tests and deploys as any other.
    """
    from seq2point.cli.find_model import load_model, require_model_ending, require_replaceable
    from seq2point.compression import compaction, costs
    from seq2point.report import terminal
    from seq2point.system.console import show_status

    require_model_ending(out)
    loaded = load_model(model, "cpu", machine.threads)
    require_replaceable(out, loaded.appliances)
    small = compaction.compact(loaded)
    small.save(out)
    same = small.architecture == loaded.architecture
    with show_status("measuring"):
        models = {"pruned": loaded} if same else {"pruned": loaded, "compacted": small}
        report = costs.measure_costs(models, notes=compaction.describe_remainder(small))
    console = terminal.write_report(report | {"changed": not same}, json)
    terminal.print_costs(report, console)
    if not loaded.masks:
        note = f"{model} has no masks: nothing was pruned, so there is nothing to remove"
    elif same:
        note = (
            "nothing to remove: no hidden unit, channel, outer tap or outer time step is pruned as"
            " a whole"
        )
    else:
        share = small.architecture.parameters / loaded.architecture.parameters
        note = f"the same predictions from {share:.1%} of the parameters"
    terminal.print_prose(console, f"{note}{'; the network is as it was' if same else ''}")
    terminal.print_files({"model": out}, quiet=str(json) == "-")
