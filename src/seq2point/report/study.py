"""What a study leaves: its report as JSON and as a table, printed, and where its files are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seq2point.report import markdown, terminal
from seq2point.system.atomic_files import atomic_write, write_json


def write_study(report: Mapping[str, Any], points: Path, table: Path) -> dict[str, Path]:
    """Write a report as JSON, its Markdown as a table, and return the files by what they hold."""
    write_json(dict(report), points)
    with atomic_write(table) as beside:
        beside.write_text(report["markdown"], encoding="utf-8")
    return {"points": points, "table": table}


def present_study(report: Mapping[str, Any], files: Mapping[str, Path], json: Path | None) -> None:
    """Print a study's table and its files, or write the report where `json` says."""
    console = terminal.write_report(dict(report), json)
    markdown.print_markdown(console, report["markdown"])
    terminal.print_files(dict(files), quiet=str(json) == "-")
