"""Pages that are generated from the package: a directive of Sphinx for the command line, one for
the Python API.

`{command-line}` reads the tree of commands; `{python-api}` lists the public names and leaves each
to autodoc.
"""

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import typer.main
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import seq2point
from seq2point.cli import app

PUBLIC: dict[str, tuple[str, ...]] = {
    "Measurements, models and metrics": tuple(
        f"seq2point.{name}" for name in seq2point.__all__ if not name.endswith("Error")
    ),
    "Errors": tuple(
        f"seq2point.errors.{name}" for name in seq2point.__all__ if name.endswith("Error")
    ),
    "Appliances": ("seq2point.appliances.define",),
    "Every window at once": ("seq2point.sliding.predict", "seq2point.sliding.predict_windows"),
    "Pruning": (
        "seq2point.pruning.schedule.ConstantSparsity",
        "seq2point.pruning.schedule.PolynomialDecay",
        "seq2point.pruning.Pruner",
        "seq2point.pruning.SingleWeights",
        "seq2point.pruning.PruneState",
        "seq2point.pruning.prune_once",
    ),
    "Smaller models": (
        "seq2point.compression.compaction.compact",
        "seq2point.compression.low_rank.factorise",
    ),
    "Exported files": ("seq2point.runtime.load", "seq2point.runtime.Runtime"),
    "NILMTK": (
        "seq2point.nilmtk.Seq2Point",
        "seq2point.nilmtk.load_contrib",
        "seq2point.nilmtk.save_contrib",
    ),
}
"""What the page of the Python API shows, by heading."""


def render_commands() -> str:
    """Return the command line as Markdown: a section a verb, a table a panel."""
    root = typer.main.get_command(app)
    return "\n".join(
        line
        for path, command in verbs(root, app.info.name or "")
        for line in render_verb(path, command)
    )


def verbs(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield every verb of a command tree with the words that call it."""
    for name, child in sorted(getattr(command, "commands", {}).items()):
        if hasattr(child, "commands"):
            yield from verbs(child, f"{path} {name}")
        else:
            yield f"{path} {name}", child


def render_verb(path: str, command: Any) -> Iterator[str]:
    """Yield the lines of a verb: its help, then its parameters by panel."""
    yield from (f"## {path}", "", inspect.cleandoc(command.help or ""), "")
    context = command.make_context(path, [], resilient_parsing=True)
    panels: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(context):
        is_argument = parameter.param_type_name == "argument"
        panel = (
            "Arguments"
            if is_argument
            else getattr(parameter, "rich_help_panel", None) or "Other options"
        )
        record = parameter.get_help_record(context)
        if record and parameter.name != "help":
            panels.setdefault(panel, []).append(plain_record(*record, is_argument))
    for panel, records in panels.items():
        yield from (f"| {panel} | |", "|---|---|")
        yield from (f"| `{cell(name)}` | {cell(text)} |" for name, text in records)
        yield ""


def plain_record(name: str, text: str, is_argument: bool) -> tuple[str, str]:
    """Return a parameter's name and help as `--help` has them, without the type of an argument and
    the word 'range'.
    """
    return (
        name.partition(" <")[0]
        if is_argument
        else re.sub(r"<(?:list\[)?(\w+)(?:\]| range)>", r"<\1>", name)
    ), text


def cell(text: str) -> str:
    """Return a text as a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def render_python() -> str:
    """Return the Python API as Markdown: the public names, each as a directive of autodoc."""
    return "\n".join(
        line
        for heading, names in PUBLIC.items()
        for line in (
            f"## {heading}",
            "",
            "```{eval-rst}",
            *(line for name in names for line in render_name(name)),
            "```",
            "",
        )
    )


def render_name(path: str) -> Iterator[str]:
    """Yield autodoc's directive for a public name."""
    module, _, name = path.rpartition(".")
    value = getattr(import_module(module), name)
    if not callable(value):
        yield from (f".. py:data:: {path}", "", f"   {', '.join(value)}")
    elif not inspect.isclass(value):
        yield f".. autofunction:: {path}"
    elif issubclass(value, BaseException):
        yield from (f".. autoexception:: {path}", "   :show-inheritance:")
    else:
        yield from (
            f".. autoclass:: {path}",
            "   :members:",
            "   :exclude-members: model_config, model_post_init",
        )
    yield ""


class CommandLine(SphinxDirective):
    """Every verb of the command line with its options."""

    def run(self) -> list[nodes.Node]:
        """Return the nodes of the generated Markdown."""
        return self.parse_text_to_nodes(render_commands(), allow_section_headings=True)


class PythonApi(SphinxDirective):
    """Every public name of the package with its docstring."""

    def run(self) -> list[nodes.Node]:
        """Return the nodes of the generated Markdown."""
        return self.parse_text_to_nodes(render_python(), allow_section_headings=True)


def escape_bars(
    app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]
) -> None:
    """Let |w| be what it says: reStructuredText would look for a substitution."""
    lines[:] = [
        re.sub(r"(``?)[^`]+\1|\|", lambda found: found[0] if found[1] else r"\|", line)
        for line in lines
    ]


def shorten_signature(
    app: Sphinx,
    what: str,
    name: str,
    value: Any,
    options: Any,
    signature: str | None,
    returns: str | None,
) -> tuple[str | None, str | None]:
    """Leave the bounds of a number out of a signature, and the modules of its types; the docstring
    has what counts.
    """
    return (signature and shorten(signature), returns and shorten(returns))


def shorten(text: str) -> str:
    """Return a signature with plain types."""
    text = re.sub(r"~(?:\w+\.)+", "", text)
    text = re.sub(r"Annotated\[([\w| ]+)(?:, \w+\([^()]*\))+\]", r"\1", text)
    return re.sub(r"ndarray\[tuple\[[^\]]*\], dtype\[(\w+)\]\]", r"ndarray[\1]", text)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives with Sphinx."""
    app.add_directive("command-line", CommandLine)
    app.add_directive("python-api", PythonApi)
    app.connect("autodoc-process-docstring", escape_bars)
    app.connect("autodoc-process-signature", shorten_signature)
    return {"parallel_read_safe": True}
