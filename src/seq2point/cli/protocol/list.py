"""`seq2point protocol list`: the protocols that come with the package."""

from seq2point.cli import options


def list_(json: options.Json = None) -> None:
    """List the protocols that come with the package."""
    from rich.table import Table

    from seq2point.cli import tables
    from seq2point.protocols import library

    report = {name: library.find(name).as_json() for name in library.names()}
    console = tables.written(report, json)
    table = Table(title="protocols", title_justify="left", title_style="bold")
    for heading in ("name", "what", "period", "window", "appliances"):
        table.add_column(heading, justify="left" if heading in ("name", "what") else "right")
    for name, told in report.items():
        table.add_row(name, told["title"], f"{told['period_s']:g} s", str(told["window"]), str(len(told["appliances"])))
    console.print(table)
