"""The `seq2point` command: one verb a file.

Heavy libraries are imported where a verb runs, so that help is quick.
"""

from typing import Annotated

import typer

from seq2point.cli import (
    adapt,
    compact,
    convert,
    data_check,
    data_explain,
    data_synthesise,
    demo,
    disaggregate,
    export,
    factorise,
    fit_budget,
    household,
    info,
    live,
    models,
    protocol,
    prune,
    pruners,
    test,
    train,
    transfer,
    transfer_curve,
    verify,
)
from seq2point.cli.declare import expand
from seq2point.cli.help_and_usage import Verb, Verbs
from seq2point.cli.run_app import guard_inputs, run_app

app = typer.Typer(
    name="seq2point",
    help=(
        "From a home's mains reading to the power of each appliance: train, prune, test and run"
        " seq2point networks."
    ),
    cls=Verbs,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(show: bool) -> None:
    if show:
        from seq2point import __version__

        typer.echo(f"seq2point {__version__}")
        raise typer.Exit


@app.callback()
def _seq2point(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Options of the command itself."""


for verb in (
    train,
    transfer,
    transfer_curve,
    adapt,
    prune,
    pruners,
    compact,
    factorise,
    fit_budget,
    export,
    verify,
    test,
    disaggregate,
    household,
    live,
    models,
    convert,
    info,
    demo,
):
    app.command(cls=Verb)(guard_inputs(expand(getattr(verb, verb.__name__.rpartition(".")[2]))))
app.add_typer(protocol.app, name="protocol", cls=Verbs)

data = typer.Typer(help="Check and explain recordings, and make synthetic ones.", cls=Verbs)
data.command(cls=Verb)(guard_inputs(expand(data_check.check)))
data.command(cls=Verb)(guard_inputs(expand(data_explain.explain)))
data.command(cls=Verb)(guard_inputs(data_synthesise.synthesise))
app.add_typer(data, name="data")


def main() -> None:
    """Run the command line."""
    run_app(app, app.info.name)
