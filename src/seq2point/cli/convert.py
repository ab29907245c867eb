"""`seq2point convert`: a raw data set in, one Parquet file a house out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from seq2point.choices import RawLayout
from seq2point.cli import options
from seq2point.cli.declare import say_flags
from seq2point.cli.options import Take
from seq2point.cli.run_app import report_stop
from seq2point.configuration import DEFAULT_COLUMNS, ColumnsConfig
from seq2point.errors import DataError, UsageError
from seq2point.wording import format_count

DAY_S = 86_400


def convert(
    layout: Annotated[
        RawLayout,
        typer.Argument(
            help="How the data set lies on disk.", metavar="refit|ukdale|redd|nilmtk|table"
        ),
    ],
    columns: Annotated[ColumnsConfig, Take(without=("appliances", "repair", "fill"))],
    root: Annotated[Path, typer.Argument(help="Its folder or file.", metavar="ROOT")] = Path(),
    out: options.HousesFolder = Path("houses"),
    houses: Annotated[
        list[str] | None,
        typer.Option(
            "--houses",
            help="Houses by number (a table's by name): 2 or 2,5; all by default.",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    appliances: Annotated[
        list[str] | None,
        typer.Option(
            "--appliances",
            help="Appliances by name, or 'all'.",
            show_default="kettle, fridge, washing machine, microwave, dishwasher",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    period: Annotated[
        float | None,
        typer.Option(
            parser=options.parse_duration_s,
            metavar="DURATION",
            help="Sampling period: 6s, 8s, 1m.",
            show_default="the data set's",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    fill: Annotated[
        float,
        typer.Option(
            parser=options.parse_duration_or_zero_s,
            metavar="DURATION",
            help="Longest time to keep a reading where none follows.",
            show_default="30s",
            rich_help_panel=options.DATA,
        ),
    ] = 30,
    plug_limit: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Watts that no plug can draw: more is a glitch; 0 for circuits.",
            show_default="4000, none in REDD",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    keep_issues: Annotated[
        bool,
        typer.Option(
            "--keep-issues",
            help="REFIT: keep the rows whose channels sum to more than the mains (Issues).",
            rich_help_panel=options.DATA,
        ),
    ] = False,
    jobs: Annotated[
        int,
        typer.Option(
            min=1,
            help="Houses at once, each in a process of its own.",
            rich_help_panel=options.MACHINE,
        ),
    ] = 1,
    json: options.Json = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            help="Table: column of an appliance; repeat for several.",
            metavar="NAME=COLUMN",
            rich_help_panel=options.COLUMNS,
        ),
    ] = None,
    mains: Annotated[
        str | None,
        typer.Option(
            help="Table: the file of the mains, where plugs have their own; FILE:COLUMN[kW] too.",
            metavar="FILE",
            rich_help_panel=options.COLUMNS,
        ),
    ] = None,
    plug: Annotated[
        list[str] | None,
        typer.Option(
            "--plug",
            help="Table: the file of an appliance's plug, or FILE:COLUMN[W]; repeat for several.",
            metavar="NAME=FILE",
            rich_help_panel=options.COLUMNS,
        ),
    ] = None,
    house: Annotated[
        str | None,
        typer.Option(
            help="Table: what to call the house.",
            show_default="the file's name",
            rich_help_panel=options.COLUMNS,
        ),
    ] = None,
) -> None:
    """Convert a raw data set, or a home's own tables, to one Parquet file a house.

    The samples lie on a regular grid. Files that are up to date stay as they are. A stopped
    conversion goes on with the same command.
    """
    from seq2point.cli.conversion_summary import describe_house, make_summary
    from seq2point.cli.progress_bar import show_bar
    from seq2point.data.times.zones import require_zone
    from seq2point.datasets.contract import Selection
    from seq2point.datasets.conversion.house import ConversionConfig
    from seq2point.datasets.conversion.jobs import ConvertedHouse, plan_jobs
    from seq2point.datasets.conversion.jobs import convert_houses as convert_all
    from seq2point.datasets.sources import find_source
    from seq2point.datasets.unreadable import UnreadableHouse
    from seq2point.report import terminal
    from seq2point.system.console import make_console, show_status

    named = columns.model_copy(update={"zone": None}) != DEFAULT_COLUMNS
    if layout != "table" and (column or named or mains or plug or house):
        raise UsageError(
            f"{layout} knows its own columns; --column, --mains, --plug, --unit and the like are"
            " for 'table'"
        )
    if keep_issues and layout != "refit":
        raise UsageError("--keep-issues is for 'refit': no other layout marks rows so")
    if fill > DAY_S:
        raise UsageError(
            f"--fill {fill:g}: a reading is kept for a day at most; choose for example 30s"
        )
    require_zone(columns.zone)
    table_columns = columns.model_copy(update={"appliances": _parse_pairs("--column", column)})
    selection = Selection(
        _join_names(houses),
        _join_names(appliances),
        table_columns if layout == "table" else None,
        columns.zone,
        mains,
        _parse_pairs("--plug", plug),
        period,
        house,
        keep_issues,
    )
    settings = ConversionConfig(period_s=period, fill_s=fill, plug_limit_w=plug_limit)
    console = make_console(to_stderr=True, wrap=False)

    def print_house(converted: ConvertedHouse) -> None:
        state = (
            "up to date"
            if converted.unchanged
            else f"{format_count(converted.report.rows_read, 'row')} read"
        )
        console.print(f"{converted.report.house}: {state}, {converted.path}")

    unreadable: list[UnreadableHouse] = []
    with show_status(f"looking at {root}"):
        source = find_source(layout)
        conversions = plan_jobs(source, root, out, selection, settings, unreadable.append)
    progress = show_bar(
        f"converting {format_count(len(conversions), 'house')}",
        sum(job.size for job in conversions),
    )
    with (
        report_stop("the houses that are done stay, and the same command goes on"),
        progress as advance,
    ):
        try:
            converted = convert_all(conversions, settings, out, jobs, advance, print_house)
        except DataError:
            for house_left_out in unreadable:
                terminal.print_prose(console, say_flags(str(house_left_out), None, {"houses"}))
            raise
    reports = [each.report for each in converted]
    report = {
        "houses": [
            each.report.as_json() | {"path": str(each.path), "unchanged": each.unchanged}
            for each in converted
        ],
        "unreadable": [house.as_json() for house in unreadable],
    }
    report_console = terminal.write_report(report, json)
    report_console.print(make_summary(reports))
    for house_report in reports:
        for remark in describe_house(house_report):
            terminal.print_prose(report_console, f"{house_report.house}: {remark}")
    for house_left_out in unreadable:
        line = say_flags(str(house_left_out), None, {"houses"})
        terminal.print_prose(report_console, line)


def _join_names(values: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(
        part.strip() for value in values or () for part in value.split(",") if part.strip()
    )


def _parse_pairs(option: str, values: Sequence[str] | None) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for value in values or ():
        name, equals, target = value.partition("=")
        if not (name.strip() and equals and target):
            raise UsageError(
                f"{option} {value}: expected for example"
                f" kettle={'plug_3_power' if option == '--column' else 'plug.csv'}"
            )
        pairs[name.strip()] = target
    return pairs
