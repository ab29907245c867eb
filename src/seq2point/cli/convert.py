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
USUAL = ColumnsConfig()


def _seconds_or_none(text: str | float) -> float:
    """A duration, which may be nothing: 0."""
    return (
        0.0
        if re.fullmatch(r"\s*0+(\.0*)?\s*[a-z]*\s*", str(text).lower())
        else options.parse_duration_s(text)
    )


MUCH_MISSING = 0.2


def convert(
    layout: Annotated[
        RawLayout,
        typer.Argument(
            help="How the data set lies on disk.", metavar="refit|ukdale|redd|nilmtk|table"
        ),
    ],
    columns: Annotated[ColumnsConfig, Take(only=("time", "mains", "unit"))],
    root: Annotated[Path, typer.Argument(help="Its folder or file.", metavar="ROOT")] = Path(),
    out: Annotated[
        Path,
        typer.Option(
            "-o",
            "--out",
            help="Folder for the houses.",
            metavar="DIR",
            rich_help_panel=options.OUTPUT,
        ),
    ] = Path("houses"),
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
    """Convert a raw data set, or a home's own tables, to one Parquet file a house on a regular
    grid.

    What is up to date in the folder is left as it is; a conversion that was stopped goes on with
    the same command.
    """
    from rich.console import Console

    from seq2point.cli.progress_bar import show_bar
    from seq2point.datasets.contract import Selection
    from seq2point.datasets.conversion.house import ConversionConfig
    from seq2point.datasets.conversion.jobs import ConvertedHouse, plan_jobs
    from seq2point.datasets.conversion.jobs import convert_houses as convert_all
    from seq2point.datasets.sources import find_source
    from seq2point.report import terminal

    if layout != "table" and (column or columns != USUAL or mains or plug or house):
        raise UsageError(
            f"{layout} knows its own columns; --column, --mains, --plug, --unit and the like are"
            " for 'table'"
        )
    if fill > DAY_S:
        raise UsageError(f"--fill {fill:g}: a reading is kept for a day at most; write 30s or 10m")
    if zone is not None:
        options.parse_time_zone(zone)
    named = columns.model_copy(update={"appliances": _parse_pairs("--column", column)})
    plugs = {name: Path(path) for name, path in _parse_pairs("--plug", plug).items()}
    wanted = Selection(
        _join_names(houses),
        _join_names(appliances),
        named if layout == "table" else None,
        zone,
        mains,
        plugs,
        period,
        house,
    )
    settings = ConversionConfig(period_s=period, fill_s=fill, plug_limit_w=plug_limit)
    console = Console(stderr=True, soft_wrap=True, highlight=False)

    def said(converted: ConvertedHouse) -> None:
        state = (
            "up to date"
            if converted.unchanged
            else f"{format_count(converted.report.rows_read, 'row')} read"
        )
        console.print(f"{converted.report.house}: {state}, {converted.path}")

    with console.status(f"looking at {root}"):
        todo = plan_jobs(find_source(layout), root, out, wanted, settings)
    progress = show_bar(
        f"converting {format_count(len(todo), 'house')}", sum(job.size for job in todo)
    )
    with (
        report_stop("the houses that are done stay, and the same command goes on"),
        progress as advance,
    ):
        converted = convert_all(todo, settings, out, jobs, advance, said)
    reports = [each.report for each in converted]
    report = {
        "houses": [
            each.report.as_json() | {"path": str(each.path), "unchanged": each.unchanged}
            for each in converted
        ]
    }
    shown = terminal.write_report(report, json)
    shown.print(make_summary(reports))
    for one in reports:
        for remark in describe_house(one):
            terminal.print_prose(shown, f"{one.house}: {remark}")


def _join_names(values: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(
        part.strip() for value in values or () for part in value.split(",") if part.strip()
    )


def _parse_pairs(option: str, values: Sequence[str] | None) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for value in values or ():
        name, equals, what = value.partition("=")
        if not (name.strip() and equals and what):
            raise UsageError(
                f"{option} {value}: write"
                f" kettle={'plug_3_power' if option == '--column' else 'plug.csv'}"
            )
        pairs[name.strip()] = what
    return pairs


def make_summary(reports: Sequence["ConversionReport"]) -> "FittedTable":
    """A row a house: what was read, what came out."""
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
    for one in reports:
        lines.append(
            [
                one.house,
                f"{one.rows_read:,}",
                f"{one.rows_kept:,}",
                "; ".join(describe_losses(one)) or "nothing",
                _describe_periods(one.periods_found_s),
                f"{one.days:,.1f}",
                "; ".join(_describe_gaps(one)),
                str(len(one.appliances)),
            ]
        )
    return terminal.make_table("", lines, wrap=(0, 3, 6))


def _describe_gaps(one: "ConversionReport") -> list[str]:
    """The share of the mains that is missing, and of the appliance that lacks most where it lacks
    more.
    """
    shares = {name: count / one.samples for name, count in one.gaps.items()}
    mains = shares.pop("mains", 0.0)
    worst = max(shares, key=lambda name: shares[name], default=None)
    said = [f"{mains:.1%}"]
    return (
        said
        if worst is None or shares[worst] <= mains + 0.001
        else [*said, f"{worst.replace('_', ' ')} {shares[worst]:.1%}"]
    )


def describe_losses(one: "ConversionReport") -> list[str]:
    """What was dropped and repaired in a house, in words."""
    said = [f"{count:,} {reason}" for reason, count in one.dropped.items()]
    if one.sorted_rows:
        said.append(f"sorted by time, {format_count(one.sorted_rows, 'step')} back")
    kinds = {"glitches": one.glitches, "below zero": one.below_zero, "no number": one.no_number}
    said += [f"{sum(counts.values()):,} {what}" for what, counts in kinds.items() if counts]
    if one.jumps:
        said.append(f"{format_count(one.jumps, 'jump')} in time")
    return said


def describe_house(one: "ConversionReport") -> list[str]:
    """A house's appliances, and what a user should know about them."""
    said = [
        ", ".join(name.replace("_", " ") for name in one.appliances) or "no appliances",
        *one.remarks,
    ]
    for name, count in one.glitches.items():
        if name != "mains" and count > 0.001 * one.samples:
            said.append(
                f"{name}: {count:,} readings are more than a plug can draw; if it is a circuit, say"
                " --plug-limit 0"
            )
    for name, count in one.gaps.items():
        found_s, share = one.periods_found_s.get(name), count / one.samples
        if (
            name != "mains"
            and share > MUCH_MISSING
            and found_s is not None
            and found_s > 2 * one.period_s
        ):
            keep = f"say --fill {max(round(1.5 * found_s / 60), 1)}m"
            said.append(
                f"{name}: {share:.0%} missing, with a reading every {format_seconds(found_s)}; "
                f"if it reports changes alone, {keep}"
            )
    return said


def _describe_periods(periods_s: Mapping[str, float]) -> str:
    found = sorted(set(periods_s.values()))
    if len(found) > 1:
        return f"{format_number(found[0], 6)} to {format_seconds(found[-1])}"
    return format_seconds(found[0]) if found else "-"
