"""`seq2point protocol`: the published splits and a user's own, listed, shown and run."""

import typer

from seq2point.cli.protocol.list import list_
from seq2point.cli.protocol.run import run
from seq2point.cli.protocol.show import show
from seq2point.cli.run import keeping_inputs
from seq2point.cli.usage import Verb

app = typer.Typer(
    help="Published splits, and your own: list, show and run them.", no_args_is_help=True, pretty_exceptions_enable=False
)
app.command("list", cls=Verb)(list_)
app.command("show", cls=Verb)(show)
app.command("run", cls=Verb)(keeping_inputs(run))
