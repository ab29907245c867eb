"""`seq2point factorise`: a trained model in, one with a low-rank first Linear out."""

from pathlib import Path
from typing import Annotated

import typer

from seq2point.cli import options
from seq2point.cli.options import Take
from seq2point.configuration import MachineConfig


def factorise(
    model: Annotated[
        Path, typer.Argument(help="A trained model, a file or a name: kettle-60s.", metavar="MODEL")
    ],
    out: Annotated[
        Path,
        options.make_output("The model of low rank.", "OUT"),
    ],
    machine: Annotated[MachineConfig, Take(only=("threads",))],
    rank: Annotated[
        int | None, typer.Option(min=1, help="The rank itself.", rich_help_panel=options.NETWORK)
    ] = None,
    energy: Annotated[
        float | None,
        typer.Option(
            help="The lowest rank that keeps this fraction of the squared weights.",
            rich_help_panel=options.NETWORK,
        ),
    ] = None,
    sparsity: Annotated[
        float | None,
        typer.Option(
            help="The highest rank that saves this fraction of the first Linear's weights.",
            rich_help_panel=options.NETWORK,
        ),
    ] = None,
    json: options.Json = None,
) -> None:
    """Make the first Linear a product of two narrow ones, by truncated SVD.

    It holds nearly all of the weights. This needs no data. The predictions change, so test the
    result. Give one of --rank, --energy and --sparsity.
    """
    from seq2point.cli.find_model import load_model, require_model_ending, require_replaceable
    from seq2point.compression import costs, low_rank
    from seq2point.errors import UsageError
    from seq2point.report import terminal
    from seq2point.system.console import show_status

    require_model_ending(out)
    if sum(value is not None for value in (rank, energy, sparsity)) != 1:
        raise UsageError("give one of --rank, --energy and --sparsity")
    loaded = load_model(model, "cpu", machine.threads)
    require_replaceable(out, loaded.appliances)
    with show_status("decomposing"):
        if energy is not None:
            rank = low_rank.find_rank_for_energy(loaded, energy)
        elif sparsity is not None:
            rank = low_rank.find_rank_for_sparsity(loaded.architecture, sparsity)
        narrow = low_rank.factorise(loaded, rank or 1)
    narrow.save(out)
    with show_status("measuring"):
        report = costs.measure_costs({"given": loaded, "factorised": narrow})
    kept = narrow.provenance["factorisation"]
    console = terminal.write_report(report | kept, json)
    terminal.print_costs(report, console)
    full = low_rank.find_full_rank(loaded.architecture)
    console.print(
        f"rank {kept['rank']} of {full} keeps {kept['energy']:.2%} of the first Linear's squared"
        " weights; its predictions differ: test it before you rely on it",
    )
    terminal.print_files({"model": out}, quiet=str(json) == "-")
