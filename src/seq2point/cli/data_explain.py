"""`seq2point data explain`: how a file is understood, what else was possible, and how to say so."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seq2point.cli import options
from seq2point.cli.declare import flag_of
from seq2point.cli.options import Take
from seq2point.configuration import ColumnsConfig

if TYPE_CHECKING:
    from seq2point.data.interpretation.interpretation import Interpretation


def explain(
    files: Annotated[
        list[Path], typer.Argument(help="Files of any kind that seq2point reads.", metavar="FILE")
    ],
    columns: Annotated[ColumnsConfig, Take(without=("appliances", "repair", "fill"))],
    json: options.Json = None,
) -> None:
    """Explain how a file is read: its text, times, columns, units and pace.

    Nothing is written. Each part can be set by the option that stands beside it, in every verb that
    reads.
    """
    from seq2point.data.interpretation.interpret import interpret
    from seq2point.data.table_file import open_table_file
    from seq2point.report import terminal

    interpretations = []
    for path in files:
        file = open_table_file(path, columns)
        interpretations.append(interpret(file, None, columns, every=True))
    report = {"files": [each.as_json() for each in interpretations]}
    console = terminal.write_report(report, json)
    for each in interpretations:
        heading = ["", "understood as", "to change it"]
        table = terminal.FittedTable(each.file, heading, make_rows(each), (1,), range(3))
        console.print(table)
        terminal.print_prose(console, f"{each.file}: {each.describe()}")


def make_rows(interpretation: "Interpretation") -> list[list[str]]:
    """Return a row for each part of an interpretation: what it is, its value, and its option."""
    known, time = interpretation.as_json(), interpretation.time
    text: dict[str, Any] = known["text"]
    rows = [["format", known["format"], flag_of("format")]]
    separators = {",": "commas", ";": "semicolons", "\t": "tabs", " ": "blanks", "|": "bars"}
    if "encoding" in text:
        compression = f", {text['compression']}" if text["compression"] else ""
        rows += [
            ["encoding", f"{text['encoding']}{compression}", flag_of("encoding")],
            [
                "cells between",
                separators.get(text["separator"], repr(text["separator"])),
                flag_of("separator"),
            ],
            ["decimal mark", text["decimal"], flag_of("decimal")],
            ["first row", f"line {text['first_line']}", ""],
        ]
    if time is None:
        rows.append(["times", "none", flag_of("time")])
    else:
        rows += [
            ["times", "+".join(time.columns), flag_of("time")],
            ["dates", time.format.describe(), flag_of("dates")],
            ["zone", known["time"]["zone"], flag_of("zone")],
        ]
    for name, reading in interpretation.series.items():
        option = flag_of("mains") if name == "mains" else "--appliance-column, convert --column"
        rows.append([name.replace("_", " "), reading.describe(), option])
        if name == "mains":
            rows.append(["measures", reading.measures, flag_of("measures")])
            rows.append(["unit", reading.unit.name, f"{flag_of('unit')}, or column[kW]"])
    if interpretation.solar:
        rows.append(["solar", interpretation.solar.describe(), flag_of("solar")])
    if len(interpretation.sensors) > 1:
        rows.append(["sensors", ", ".join(interpretation.sensors), flag_of("sensor")])
    pace = "no times" if interpretation.step_s is None else f"every {interpretation.step_s:g} s"
    if interpretation.hold_s is not None:
        pace = f"on change, held for up to {interpretation.hold_s:g} s"
    rows.append(["pace", pace, flag_of("hold_s")])
    if interpretation.alternatives:
        rows.append(["not read", ", ".join(interpretation.alternatives), flag_of("mains")])
    return rows
