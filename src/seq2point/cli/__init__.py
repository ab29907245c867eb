"""The `seq2point` command: one verb a file.

A verb's module is imported when the verb is called, and those of all verbs for `--help`. Heavy
libraries are imported where a verb runs, so that help is quick.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seq2point.cli.help_and_usage import Verb, Verbs
from seq2point.cli.input_guard import guard_inputs
from seq2point.cli.run_app import run_app
from seq2point.system.blas_threads import use_one_blas_thread
from seq2point.system.garbage import postpone_collection

if TYPE_CHECKING:
    app: typer.Typer
    """The command with all of its verbs, made when it is first asked for."""

NAME = "seq2point"
VERBS = (
    "train",
    "transfer",
    "transfer-curve",
    "adapt",
    "prune",
    "pruners",
    "compact",
    "factorise",
    "fit-budget",
    "export",
    "verify",
    "test",
    "report",
    "disaggregate",
    "household",
    "fleet",
    "study",
    "live",
    "models",
    "convert",
    "info",
    "demo",
)
"""Each is a function of its name, in a module of its name."""

WITHOUT_TORCH = frozenset(
    [
        "verify",
        "report",
        "disaggregate",
        "household",
        "fleet",
        "live",
        "models",
        "convert",
        "info",
        "data",
    ]
)
"""What computes beside a meter, in C or not at all: threads for matrices would only wait."""

GROUPS = {
    "protocol": "Published splits, and your own: list, show and run them.",
    "data": "Check and explain recordings, and make synthetic ones.",
}
GROUP_VERBS = {
    "protocol": {
        "list": "protocol.list.list_",
        "show": "protocol.show.show",
        "run": "protocol.run.run",
    },
    "data": {
        "check": "data_check.check",
        "explain": "data_explain.explain",
        "synthesise": "data_synthesise.synthesise",
    },
}
"""The functions of each group's verbs, below this package."""


def make_app(verbs: Sequence[str] = (*VERBS, *GROUPS)) -> typer.Typer:
    """Return the command with some of its verbs and groups, by default all, which it imports."""
    made = typer.Typer(
        name=NAME,
        help=(
            "From a home's mains reading to the power of each appliance: train, prune, test and run"
            " seq2point networks."
        ),
        cls=Verbs,
        rich_markup_mode=None,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    made.callback()(_seq2point)
    for name in verbs:
        if name in GROUPS:
            group = typer.Typer(help=GROUPS[name], cls=Verbs, pretty_exceptions_enable=False)
            for verb, function in GROUP_VERBS[name].items():
                _add_verb(group, verb, function)
            made.add_typer(group, name=name)
        else:
            module = name.replace("-", "_")
            _add_verb(made, name, f"{module}.{module}")
    return made


def _add_verb(app: typer.Typer, name: str, path: str) -> None:
    from seq2point.cli.declare import expand

    module, _, function = path.rpartition(".")
    verb = getattr(import_module(f"{__name__}.{module}"), function)
    app.command(name, cls=Verb)(guard_inputs(expand(verb)))


def _show_version(show: bool) -> None:
    if show:
        from seq2point import __version__

        typer.echo(f"{NAME} {__version__}")
        raise typer.Exit


def _seq2point(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Options of the command itself."""


def __getattr__(name: str) -> Any:
    """Make `app` when it is asked for."""
    if name != "app":
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    globals()["app"] = make_app()
    return globals()["app"]


def main() -> None:
    """Run the command line, with no more of it than its first word needs."""
    postpone_collection()
    first = next(iter(sys.argv[1:]), "")
    if first in WITHOUT_TORCH:
        use_one_blas_thread()
    this = sys.modules[__name__]
    run_app(make_app((first,)) if first in (*VERBS, *GROUPS) else this.app, NAME)
