"""The `seq2point` command: one verb a file. Heavy libraries are imported where a verb runs, so that help is quick."""

from typing import Annotated

import typer

from seq2point.cli import compact, demo, disaggregate, export, factorise, info, prune, pruners, test, train
from seq2point.cli.run import run

app = typer.Typer(
    name="seq2point",
    help="From a home's mains reading to the power of each appliance: train, prune, test and run seq2point networks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from seq2point import __version__

        typer.echo(f"seq2point {__version__}")
        raise typer.Exit


@app.callback()
def _seq2point(
    version: Annotated[bool, typer.Option("--version", callback=_show_version, help="Show the version and exit.")] = False,
) -> None:
    """Options of the command itself."""


for verb in (train, prune, pruners, compact, factorise, export, test, disaggregate, info, demo):
    app.command()(getattr(verb, verb.__name__.rpartition(".")[2]))


def main() -> None:
    """Run the command line."""
    run(app)
