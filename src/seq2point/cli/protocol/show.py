"""`seq2point protocol show`: what a protocol says."""

from typing import Annotated

import typer

from seq2point.cli import options


def show(
    name: Annotated[
        str,
        typer.Argument(
            help="A protocol of the package, or a TOML file of your own.", metavar="NAME"
        ),
    ],
    toml: Annotated[
        bool, typer.Option("--toml", help="Print the file itself, to begin one of your own with.")
    ] = False,
    json: options.Json = None,
) -> None:
    """Show what a protocol says: houses by role, settings, published rows, and what its authors'
    code does otherwise.
    """
    from seq2point.metrics import METRICS
    from seq2point.report import terminal
    from seq2point.report.protocols.description import describe_protocol, make_published_rows
    from seq2point.studies.protocols import library

    source = library.find_protocol(name)
    if toml:
        typer.echo(source.text, nl=False)
        return
    console, p = terminal.write_report(source.as_json(), json), source.protocol
    terminal.print_prose(console, p.title, "bold")
    for line in describe_protocol(p):
        terminal.print_prose(console, line)
    if p.published:
        title = f"published: {METRICS['mae_w'].heading}"
        console.print(terminal.make_table(title, make_published_rows(p)))
        for row in p.published:
            terminal.print_prose(console, f"{row.model}: {row.source}", "dim")
