"""`seq2point protocol`: the published splits and a user's own, listed, shown and run."""

import typer

from seq2point.cli.protocol.list import list_
from seq2point.cli.protocol.run import run
from seq2point.cli.protocol.show import show
from seq2point.cli.run import keeping_inputs

app = typer.Typer(
    help="Published splits, and your own: list, show and run them.", no_args_is_help=True, pretty_exceptions_enable=False
)
app.command("list")(list_)
app.command("show")(show)
app.command("run")(keeping_inputs(run))
