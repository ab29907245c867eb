"""`seq2point data check`: what is wrong with recordings, before hours of training on them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seq2point.cli import options
from seq2point.wording import format_count

if TYPE_CHECKING:
    from rich.console import Console

    from seq2point.data.doctor import Report

STYLES = {"error": "bold red", "warning": "yellow", "info": "dim"}


def check(
    files: Annotated[list[Path], typer.Argument(help="Recordings, CSV or Parquet.", metavar="FILE")],
    page: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--page",
            help="A page of plots, .png, .pdf or .svg; one a file, NAME-FILE.png, for several.",
            metavar="PATH",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    json: options.Json = None,
    period: Annotated[
        float | None,
        typer.Option(
            parser=options.seconds,
            metavar="DURATION",
            help="Sampling period of files without times: 8s, 1m.",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    time_column: options.TimeColumn = None,
    mains_column: options.MainsColumn = None,
    unit: options.UnitName = "W",
) -> None:
    """Check recordings: period, gaps, dead, frozen, clipped and swapped channels, readings above the mains, clocks, and energy.

    Exit code 0 means no errors, 3 that there are some, 1 that a file is not there.
    """
    from seq2point.cli import tables
    from seq2point.cli.progress import bar
    from seq2point.data import doctor
    from seq2point.errors import UnhealthyDataError

    if page is not None:
        from seq2point.data.doctor import page as pages

        pages.check_ending(page)
    named = options.columns(time_column, mains_column, unit, repair=False)
    reports = []
    with bar("checking", len(files)) as progress:
        for file in files:
            report, recording = doctor.check(file, named, period)
            reports.append(report)
            if page is not None and recording is not None:
                pages.draw(report, recording, page if len(files) == 1 else page.with_stem(f"{page.stem}-{file.stem}"))
            progress(1)
    reports = doctor.same_houses(reports)
    console = tables.written({"files": [report.model_dump(mode="json") for report in reports]}, json)
    for report in reports:
        _show(report, console)
    errors = sum(report.worst() == "error" for report in reports)
    if errors:
        raise UnhealthyDataError(f"{errors} of {format_count(len(reports), 'file')} with errors")


def _show(report: "Report", console: "Console") -> None:
    from rich.table import Table
    from rich.text import Text

    what = f"{report.days:,.1f} days, {format_count(report.rows, 'row')}" if report.rows else "not read"
    findings = Table(title=f"{report.file} ({what})", title_justify="left", title_style="bold")
    for heading in ("", "channel", "found", "advice"):
        findings.add_column(heading, no_wrap=heading in ("", "channel"))
    order = tuple(STYLES)
    for found in sorted(report.findings, key=lambda f: order.index(f.severity)):
        words = (found.severity, (found.channel or "").replace("_", " "), found.figure, found.advice)
        findings.add_row(*map(Text, words), style=STYLES[found.severity])
    console.print(findings)
    if not report.uses:
        return
    headings = ("channel", "days", "kWh a day", "of the mains", "on, h a day", "uses a day", "W when on", "highest W")
    used = Table(title="energy and time on", title_justify="left", title_style="bold")
    for i, heading in enumerate(headings):
        used.add_column(heading, justify="right" if i else "left", no_wrap=i == 0)
    for use in report.uses:
        share = None if use.share_of_mains is None else 100 * use.share_of_mains
        values: Sequence[tuple[float | None, str]] = (
            (use.known_days, ",.1f"),
            (use.kwh_per_day, ".2f"),
            (share, ".1f"),
            (use.on_hours_per_day, ".2f"),
            (use.uses_per_day, ".2f"),
            (use.typical_on_w, ".0f"),
            (use.highest_w, ".0f"),
        )
        cells = ["-" if value is None else format(value, form) for value, form in values]
        cells[2] += "" if share is None else " %"
        used.add_row(use.channel.replace("_", " "), *cells)
    console.print(used)
