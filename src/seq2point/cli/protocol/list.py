"""`seq2point protocol list`: the protocols that come with the package."""

from seq2point.cli import options
from seq2point.wording import format_seconds


def list_(json: options.Json = None) -> None:
    """List the protocols that come with the package."""
    from seq2point.report import terminal
    from seq2point.studies.protocols import library

    report = {name: library.find_protocol(name).as_json() for name in library.list_names()}
    console = terminal.write_report(report, json)
    lines = [["name", "what", "period", "window", "appliances"]]
    for name, told in report.items():
        lines.append(
            [
                name,
                told["title"],
                format_seconds(told["period_s"]),
                str(told["window"]),
                str(len(told["appliances"])),
            ]
        )
    console.print(terminal.FittedTable("protocols", lines[0], lines[1:], wrap=(0, 1), left=(0, 1)))
