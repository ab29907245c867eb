"""`seq2point convert`: a raw data set in, one Parquet file a house out."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seq2point.choices import RawLayout
from seq2point.cli import options
from seq2point.cli.options import Take
from seq2point.cli.run_app import report_stop
from seq2point.configuration import ColumnsConfig
from seq2point.errors import UsageError
from seq2point.wording import format_count, format_number, format_seconds

if TYPE_CHECKING:
    from seq2point.datasets.conversion.conversion_report import ConversionReport
    from seq2point.report.terminal import FittedTable


DAY_S = 86_400
MUCH_MISSING = 0.2  # a share of the samples
USUAL = ColumnsConfig()


def _seconds_or_none(text: str | float) -> float:
    """Return a duration in seconds, which may be 0; raises as `parse_duration_s` does."""
    if re.fullmatch(r"\s*0+(\.0*)?\s*[a-z]*\s*", str(text).lower()):
        return 0.0
    return options.parse_duration_s(text)


def convert(
    layout: Annotated[
        RawLayout,
        typer.Argument(
            help="How the data set lies on disk.", metavar="refit|ukdale|redd|nilmtk|table"
        ),
    ],
    columns: Annotated[ColumnsConfig, Take(only=("time", "mains", "unit"))],
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
            parser=_seconds_or_none,
            metavar="DURATION",
            help="Longest time to keep a reading where none follows.",
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
    zone: Annotated[
        str | None,
        typer.Option(
            help="Zone of times that do not say theirs: Europe/London.",
            show_default="UTC",
            rich_help_panel=options.DATA,
        ),
    ] = None,
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
        Path | None,
        typer.Option(
            help="Table: the file of the mains, where plugs have their own.",
            metavar="FILE",
            rich_help_panel=options.COLUMNS,
        ),
    ] = None,
    plug: Annotated[
        list[str] | None,
        typer.Option(
            "--plug",
            help="Table: the file of an appliance's plug; repeat for several.",
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
    from seq2point.cli.progress_bar import show_bar
    from seq2point.datasets.contract import Selection
    from seq2point.datasets.conversion.house import ConversionConfig
    from seq2point.datasets.conversion.jobs import ConvertedHouse, plan_jobs
    from seq2point.datasets.conversion.jobs import convert_houses as convert_all
    from seq2point.datasets.sources import find_source
    from seq2point.report import terminal
    from seq2point.system.console import make_console, show_status

    if layout != "table" and (column or columns != USUAL or mains or plug or house):
        raise UsageError(
            f"{layout} knows its own columns; --column, --mains, --plug, --unit and the like are"
            " for 'table'"
        )
    if fill > DAY_S:
        raise UsageError(
            f"--fill {fill:g}: a reading is kept for a day at most; choose for example 30s"
        )
    if zone is not None:
        options.parse_time_zone(zone)
    table_columns = columns.model_copy(update={"appliances": _parse_pairs("--column", column)})
    plugs = {name: Path(path) for name, path in _parse_pairs("--plug", plug).items()}
    selection = Selection(
        _join_names(houses),
        _join_names(appliances),
        table_columns if layout == "table" else None,
        zone,
        mains,
        plugs,
        period,
        house,
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

    with show_status(f"looking at {root}"):
        conversions = plan_jobs(find_source(layout), root, out, selection, settings)
    progress = show_bar(
        f"converting {format_count(len(conversions), 'house')}",
        sum(job.size for job in conversions),
    )
    with (
        report_stop("the houses that are done stay, and the same command goes on"),
        progress as advance,
    ):
        converted = convert_all(conversions, settings, out, jobs, advance, print_house)
    reports = [each.report for each in converted]
    report = {
        "houses": [
            each.report.as_json() | {"path": str(each.path), "unchanged": each.unchanged}
            for each in converted
        ]
    }
    report_console = terminal.write_report(report, json)
    report_console.print(make_summary(reports))
    for house_report in reports:
        for remark in describe_house(house_report):
            terminal.print_prose(report_console, f"{house_report.house}: {remark}")


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


def make_summary(reports: Sequence["ConversionReport"]) -> "FittedTable":
    """Return a table with a row a house: readings read, kept and lost, days and gaps."""
    from seq2point.report import terminal

    lines = [
        [
            "house",
            "rows read",
            "kept",
            "dropped or repaired",
            "period found",
            "days",
            "gaps",
            "appliances",
        ]
    ]
    for report in reports:
        lines.append(
            [
                report.house,
                f"{report.rows_read:,}",
                f"{report.rows_kept:,}",
                "; ".join(describe_losses(report)) or "nothing",
                _describe_periods(report.periods_found_s),
                f"{report.days:,.1f}",
                "; ".join(_describe_gaps(report)),
                str(len(report.appliances)),
            ]
        )
    return terminal.make_table("", lines, wrap=(0, 3, 6))


def _describe_gaps(report: "ConversionReport") -> list[str]:
    """Return the missing share of the mains, and of the worst appliance where it is greater."""
    shares = {name: count / report.samples for name, count in report.gaps.items()}
    mains = shares.pop("mains", 0.0)
    worst = max(shares, key=lambda name: shares[name], default=None)
    gaps = [f"{mains:.1%}"]
    if worst is not None and shares[worst] > mains + 0.001:
        gaps.append(f"{worst.replace('_', ' ')} {shares[worst]:.1%}")
    return gaps


def describe_losses(report: "ConversionReport") -> list[str]:
    """Return what was dropped and repaired in a house, in words."""
    losses = [f"{count:,} {reason}" for reason, count in report.dropped.items()]
    if report.sorted_rows:
        losses.append(f"sorted by time, {format_count(report.sorted_rows, 'step')} back")
    kinds = {
        "glitches": report.glitches,
        "below zero": report.below_zero,
        "no number": report.no_number,
    }
    losses += [f"{sum(counts.values()):,} {kind}" for kind, counts in kinds.items() if counts]
    if report.jumps:
        losses.append(f"{format_count(report.jumps, 'jump')} in time")
    return losses


def describe_house(report: "ConversionReport") -> list[str]:
    """Return a house's appliances, and remarks and advice on them."""
    remarks = [
        ", ".join(name.replace("_", " ") for name in report.appliances) or "no appliances",
        *report.remarks,
    ]
    for name, count in report.glitches.items():
        if name != "mains" and count > 0.001 * report.samples:
            remarks.append(
                f"{name}: {count:,} readings are more than a plug can draw; if it is a circuit, say"
                " --plug-limit 0"
            )
    for name, count in report.gaps.items():
        reading_s, share = report.periods_found_s.get(name), count / report.samples
        if (
            name != "mains"
            and share > MUCH_MISSING
            and reading_s is not None
            and reading_s > 2 * report.period_s
        ):
            keep = f"say --fill {max(round(1.5 * reading_s / 60), 1)}m"
            remarks.append(
                f"{name}: {share:.0%} missing, with a reading every {format_seconds(reading_s)}; "
                f"if it reports changes alone, {keep}"
            )
    return remarks


def _describe_periods(periods_s: Mapping[str, float]) -> str:
    periods = sorted(set(periods_s.values()))
    if len(periods) > 1:
        return f"{format_number(periods[0], 6)} to {format_seconds(periods[-1])}"
    return format_seconds(periods[0]) if periods else "-"
