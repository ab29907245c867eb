"""`seq2point data check`: find faults of recordings before hours of training on them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seq2point.cli import options
from seq2point.cli.declare import say_flags
from seq2point.cli.options import Take
from seq2point.configuration import ColumnsConfig
from seq2point.wording import format_count

if TYPE_CHECKING:
    from rich.console import Console

    from seq2point.quality import QualityReport

STYLES = {"error": "bold red", "warning": "yellow", "info": "dim"}


def check(
    files: Annotated[
        list[Path], typer.Argument(help="Recordings, or folders of them.", metavar="FILE")
    ],
    columns: Annotated[ColumnsConfig, Take(without=("appliances", "repair", "fill"))],
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
    period: options.PeriodWithoutTimes = None,
) -> None:
    """Check recordings: period, gaps, dead, frozen, clipped and swapped channels, readings above
    the mains, clocks, and energy.

    Exit code 0 means no errors, 3 that there are some, 1 that a file is not there.
    """
    from seq2point import quality
    from seq2point.cli.progress_bar import show_bar
    from seq2point.datasets.sources.table import list_tables
    from seq2point.errors import UnhealthyDataError
    from seq2point.report import terminal

    if page is not None:
        from seq2point.quality import page as pages

        pages.check_page_ending(page)
    files = list_tables(files)
    reports: list[quality.QualityReport] = []
    pictures: dict[str, Path] = {}
    with show_bar("checking", len(files)) as progress:
        for file in files:
            report, recording = quality.check_file(file, columns, period)
            reports.append(report)
            if page is not None and recording is not None:
                own = page if len(files) == 1 else page.with_stem(f"{page.stem}-{file.stem}")
                pages.save_page(report, recording, own)
                pictures[f"page {len(pictures) + 1}" if len(files) > 1 else "page"] = own
            progress(1)
    reports = quality.add_same_house_findings(reports)
    console = terminal.write_report(
        {"files": [report.model_dump(mode="json") for report in reports]}, json
    )
    for report in reports:
        _show(report, console)
    if pictures:
        terminal.print_files(pictures, quiet=str(json) == "-")
    errors = sum(report.worst() == "error" for report in reports)
    if errors:
        raise UnhealthyDataError(f"{errors} of {format_count(len(reports), 'file')} with errors")


def _say(text: str) -> str:
    return say_flags(text)


def _show(report: "QualityReport", console: "Console") -> None:
    from seq2point.report import terminal

    extent = (
        f"{report.days:,.1f} days, {format_count(report.rows, 'row')}"
        if report.rows
        else "not read"
    )
    order = tuple(STYLES)
    findings = sorted(report.findings, key=lambda f: order.index(f.severity))
    rows = [
        [f.severity, (f.channel or "").replace("_", " "), *map(_say, (f.figure, f.advice))]
        for f in findings
    ]
    styles = [STYLES[f.severity] for f in findings]
    heading = ["", "channel", "found", "advice"]
    console.print(
        terminal.FittedTable(f"{report.file} ({extent})", heading, rows, (2, 3), range(4), styles)
    )
    if not report.uses:
        return
    headings: tuple[str, ...] = (
        "channel",
        "days",
        "kWh a day",
        "of the mains",
        "on, h a day",
        "on, kWh",
        "on, mean W",
        "uses a day",
        "highest W",
    )
    lines = [headings]
    for use in report.uses:
        share = None if use.share_of_mains is None else 100 * use.share_of_mains
        values: Sequence[tuple[float | None, str]] = (
            (use.known_days, ",.1f"),
            (use.kwh_per_day, ".2f"),
            (share, ".1f"),
            (use.on_hours_per_day, ".2f"),
            (use.on_kwh_per_day, ".2f"),
            (use.mean_on_w, ",.0f"),
            (use.uses_per_day, ".2f"),
            (use.highest_w, ",.0f"),
        )
        cells = ["-" if value is None else format(value, form) for value, form in values]
        cells[2] += "" if share is None else " %"
        lines.append((use.channel.replace("_", " "), *cells))
    console.print(terminal.make_table("energy and time on", lines))
