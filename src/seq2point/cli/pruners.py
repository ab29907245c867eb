"""`seq2point pruners`: every pruning method with its source, settings and a line of advice."""

from typing import TYPE_CHECKING, Any, get_args

import typer

from seq2point.cli import options

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


def pruners(json: options.Json = None) -> None:
    """List the pruning methods with what they remove, their sources, settings and advice."""
    import json as jsonlib

    from seq2point.compression.pruning import ALIASES, PRUNERS
    from seq2point.report import terminal
    from seq2point.system.atomic_files import write_json
    from seq2point.system.console import make_console

    report: dict[str, dict[str, Any]] = {
        name: {
            "removes": pruner.removes,
            "source": pruner.source,
            "advice": pruner.advice,
            "also_called": [alias for alias, called in ALIASES.items() if called == name],
            "settings": {
                key: {"default": field.default, "allowed": _describe_allowed(field)}
                for key, field in pruner.model_fields.items()
            },
        }
        for name, pruner in PRUNERS.items()
    }
    if json is not None and str(json) == "-":
        typer.echo(jsonlib.dumps(report, indent=2))
        return
    if json is not None:
        write_json(report, json)
    console = make_console()
    for name, method in report.items():
        aliases = f" (also {', '.join(method['also_called'])})" if method["also_called"] else ""
        terminal.print_prose(console, f"{name}{aliases}", "bold")
        terminal.print_prose(console, f"{method['removes']}. {method['advice']}")
        terminal.print_prose(console, method["source"], "dim")
        for key, setting in method["settings"].items():
            terminal.print_prose(
                console,
                f"  --set {key}={_format_default(setting['default'])}  {setting['allowed']}",
            )
        console.print()


def _format_default(default: Any) -> str:
    if default is None:
        return "..."
    return str(default).lower() if isinstance(default, bool) else str(default)


def _describe_allowed(field: "FieldInfo") -> str:
    """Return the values that a setting may have, in words."""
    kind = field.annotation
    optional = type(None) in get_args(kind)
    if optional:
        kind = next(k for k in get_args(kind) if k is not type(None))
    words = {float: "a number", int: "a whole number", bool: "true or false"}.get(kind)  # type: ignore[arg-type]
    words = words or " or ".join(map(str, get_args(kind)))
    bounds = [
        f"{sign} {getattr(bound, key)}"
        for bound in field.metadata
        for key, sign in (("ge", "at least"), ("gt", "above"), ("le", "at most"), ("lt", "below"))
        if hasattr(bound, key)
    ]
    return ", ".join([words, *bounds, *["or left out"] * optional])
