"""The help of the command line in groups that fit 80 columns, and usage errors in one line."""

import re
from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup

from seq2point.cli.options import PANELS
from seq2point.configuration.declare import REQUIRED

TYPERS_ERROR: type[Exception] = typer.BadParameter.__mro__[2]
"""ClickException, of whichever Click it is that Typer brings."""

ARGUMENTS, OTHERS = "Arguments", "Other options"


class Verb(TyperCommand):
    """A command whose help lists its options by panel, as plain text that no terminal cuts."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words; every usage error then knows its command.

        Typer's error for an option without a value does not.
        """
        try:
            return super().parse_args(ctx, args)
        except TYPERS_ERROR as error:
            vars(error)["ctx"] = getattr(error, "ctx", None) or ctx
            raise

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, the panels in their order, and what has no panel."""
        panels: dict[str, list[tuple[str, str]]] = {name: [] for name in (ARGUMENTS, *PANELS)}
        for parameter in self.get_params(ctx):
            argument = isinstance(parameter, TyperArgument)
            panel = ARGUMENTS if argument else getattr(parameter, "rich_help_panel", None) or OTHERS
            if (record := parameter.get_help_record(ctx)) is not None:
                panels.setdefault(panel, []).append(_simplify(record, argument))
        for panel, records in panels.items():
            if records:
                with formatter.section(panel):
                    formatter.write_dl(records)


class Verbs(TyperGroup):
    """A command of commands, each with the first sentence of its help."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words; without any show the help and exit with 2, as for a usage error."""
        if not args:
            typer.echo(ctx.get_help())
            ctx.exit(2)
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands with their first sentences, whole."""
        commands = [self.commands[name] for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(
                [(c.name or "", _first_sentence(c.help or "")) for c in commands if not c.hidden]
            )


def usage_error(error: Exception) -> str:
    """Return Typer's error as one line: the command, the option, its fault, and where to look."""
    context: Any = getattr(error, "ctx", None)
    command = context.command_path if context else "seq2point"
    message = " ".join(getattr(error, "format_message", error.__str__)().split())
    message = message.removeprefix("Invalid value for ").replace("Value error, ", "")
    message = message.replace(". Did you mean", "; did you mean")
    message = re.sub(r"'(-[\w-]+)'", r"\1", message).rstrip(".?")
    option, colon, rest = message.partition(": ") if message.startswith("-") else ("", "", message)
    if rest[1:2].islower():
        rest = rest[0].lower() + rest[1:]
    return f"{command}: {option}{colon}{rest}; see --help"


def _simplify(record: tuple[str, str], argument: bool) -> tuple[str, str]:
    """Return a line of help without a programmer's marks.

    These are the type of an argument, 'list' and 'range', brackets around defaults, and a default
    of what is required.
    """
    name, text = record
    if argument:
        name = name.partition(" <")[0]
    else:
        name = re.sub(r"<(?:list\[)?(\w+)(?:\]| range)>", r"<\1>", name)
    text = re.sub(r"default: \((.*)\)(?=[;\]])", r"default: \1", text)
    return name, text.replace(f"default: {REQUIRED}", REQUIRED)


def _first_sentence(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split())
