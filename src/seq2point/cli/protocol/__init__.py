"""`seq2point protocol`: the published splits and a user's own, listed, shown and run."""

import typer

from seq2point.cli.declare import expand
from seq2point.cli.help_and_usage import Verb
from seq2point.cli.protocol.list import list_
from seq2point.cli.protocol.run import run
from seq2point.cli.protocol.show import show
from seq2point.cli.run_app import guard_inputs

app = typer.Typer(
    help="Published splits, and your own: list, show and run them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("list", cls=Verb)(list_)
app.command("show", cls=Verb)(show)
app.command("run", cls=Verb)(guard_inputs(expand(run)))
