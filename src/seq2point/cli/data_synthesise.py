"""`seq2point data synthesise`: simulated houses as Parquet files."""

from typing import Annotated

import typer

from seq2point.cli import options
from seq2point.wording import format_count, format_seconds


def synthesise(
    out: options.HousesFolder,
    houses: Annotated[
        int, typer.Option(min=1, help="How many houses.", rich_help_panel=options.DATA)
    ] = 10,
    days: Annotated[float, typer.Option(help="Days of each.", rich_help_panel=options.DATA)] = 14,
    period: Annotated[
        float,
        typer.Option(
            parser=options.parse_duration_s,
            metavar="DURATION",
            help="Sampling period: 6s, 8s, 1m.",
            show_default="6s",
            rich_help_panel=options.DATA,
        ),
    ] = 6,
    seed: Annotated[
        int,
        typer.Option(
            min=0,
            help="Number of the first house; house 7 is the same house whoever makes it.",
            rich_help_panel=options.DATA,
        ),
    ] = 0,
    appliances: Annotated[
        list[str] | None,
        typer.Option(
            help="An appliance to write; repeat for several. The house owns all five.",
            show_default="all five",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    json: options.Json = None,
) -> None:
    """Simulate houses and write each as one Parquet file, DIR/house_SEED.parquet.

    It holds the mains and the appliances in watts. The same arguments give the same bytes. Houses
    are made one after the other, so that memory holds one.
    """
    from seq2point import __version__
    from seq2point.appliances import APPLIANCES
    from seq2point.cli.progress_bar import show_bar
    from seq2point.data.parquet_file import write_recording
    from seq2point.report import terminal
    from seq2point.simulator import simulate_house

    written = []
    with show_bar("simulating", houses) as progress:
        for number in range(seed, seed + houses):
            recording = simulate_house(
                number, days, period, appliances or tuple(APPLIANCES), house=str(number)
            )
            path = out / f"house_{number}.parquet"
            write_recording(
                recording,
                path,
                dataset="simulated",
                carrier=f"seq2point {__version__}",
                licence="CC0-1.0",
            )
            written.append({"path": str(path), "house": str(number), "rows": len(recording)})
            progress(1)
    console = terminal.write_report(
        {"houses": written, "days": days, "period_s": period, "seed": seed}, json
    )
    names = ", ".join(recording.appliances_w)
    contents = (
        f"{format_count(houses, 'house')} of {format_count(days, 'day')} at"
        f" {format_seconds(period)}, mains and {names}"
    )
    terminal.print_prose(console, f"{out}: {contents}")
