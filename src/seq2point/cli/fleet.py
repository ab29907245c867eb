"""`seq2point fleet`: the energy of thousands of homes by appliance and day."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from seq2point.cli import options
from seq2point.cli.declare import say_flags
from seq2point.cli.options import Take
from seq2point.cli.run_app import report_stop
from seq2point.configuration import ColumnsConfig, FleetConfig, HouseholdConfig
from seq2point.errors import IncompleteFleetError, UnhealthyDataError
from seq2point.wording import format_count

if TYPE_CHECKING:
    from seq2point.fleet.task import HomeResult

MOST_LISTED = 20
RESUME = "what is finished is kept, and the same command goes on from it"


def fleet(
    input_: Annotated[
        str,
        typer.Option(
            "--input",
            help=(
                "The homes: a folder, a pattern in quotes, 'houses/*.parquet', or a table, here or"
                " at s3:// or gs://."
            ),
            metavar="PATTERN",
            rich_help_panel=options.DATA,
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            help="Folder for the results, here or at s3:// or gs://.",
            metavar="DIR",
            rich_help_panel=options.OUTPUT,
        ),
    ],
    columns: Annotated[ColumnsConfig, options.BUT_APPLIANCES],
    home: Annotated[HouseholdConfig, Take(only=("without",))],
    run: FleetConfig,
    models: Annotated[
        list[str] | None,
        typer.Argument(
            help="Model files or names: kettle-60s.",
            metavar="[MODEL...]",
            show_default="the best of each appliance for a home's readings",
        ),
    ] = None,
    data_check: Annotated[
        bool,
        typer.Option(
            "--data-check",
            help="Check the data of all homes, list the bad ones, and predict nothing.",
            rich_help_panel=options.DATA,
        ),
    ] = False,
    period: options.PeriodWithoutTimes = None,
) -> None:
    """Tell what the appliances of thousands of homes used: the power and the kWh of each day.

    Each home is a task of its own and has files of its own. Stopped or killed, the same command
    goes on where it was, and later it works on new and changed homes alone. Exit code 3 means that
    homes were set aside.
    """
    from seq2point.cli.fleet_progress import show_fleet
    from seq2point.data.times.zones import require_zone
    from seq2point.fleet import check_fleet, list_homes, run_fleet
    from seq2point.fleet.assembly import find_state, list_without, make_workers
    from seq2point.fleet.data_check import write_findings
    from seq2point.fleet.homes import count_reads, require_apart, require_outside
    from seq2point.fleet.models import FleetModels, close_models
    from seq2point.fleet.storage import OutputFolder
    from seq2point.fleet.task import FleetJob
    from seq2point.system.console import make_console, show_status
    from seq2point.workers.folder_lock import lock_folder

    console = make_console(to_stderr=True, wrap=False)
    require_zone(columns.zone)
    require_apart(input_, output)
    with show_status("opening the models"):
        found = FleetModels.find(models or [])
        without = list_without(found, home.without)
        close_models()
    with show_status(f"listing {input_}"):
        homes = list_homes(input_, run.house)
    require_outside(homes, output)
    console.print(f"{input_}: {format_count(len(homes), 'home')}")
    if (reads := count_reads(homes)) > 2:
        console.print(
            f"warning: {input_}: each row is read {reads:.0f} times, as they are not in order of"
            " homes; sort the table by home first"
        )
    job = FleetJob(found, OutputFolder(output), columns, without, not run.energy_only, period)
    workers = make_workers(run, job, input_, len(homes))
    with report_stop("" if data_check else RESUME), ExitStack() as stack:
        state = find_state(output)
        stack.enter_context(lock_folder(state, "seq2point fleet"))
        show = stack.enter_context(show_fleet(len(homes)))
        if data_check:
            checked = check_fleet(homes, job, workers, show)
            stack.pop_all().close()
            path, count = write_findings(checked, job.output, say_flags)
            bad = [result for result in checked if result.reason]
            _list_bad(bad)
            console.print(f"{path}: {format_count(count, 'finding')}")
            if bad:
                of = format_count(len(homes), "home")
                raise UnhealthyDataError(f"{len(bad)} of {of} with errors")
            return
        result = run_fleet(homes, job, state, workers, run.retry, show)
    bad = [*result.set_aside, *result.failed]
    _list_bad(bad)
    again = f", of which {result.unchanged:,} were up to date" if result.unchanged else ""
    console.print(f"{output}: {format_count(result.done, 'home')} done{again}")
    if bad:
        raise IncompleteFleetError(
            f"{len(bad)} of {format_count(result.homes, 'home')} set aside; the reasons are in"
            f" {state / 'manifest.sqlite'}"
        )


def _list_bad(results: "Sequence[HomeResult]") -> None:
    from seq2point.system.console import make_console

    console = make_console(to_stderr=True, wrap=False)
    for result in results[:MOST_LISTED]:
        console.print(f"{result.house}: {say_flags(result.reason)}")
    if len(results) > MOST_LISTED:
        console.print(f"and {len(results) - MOST_LISTED:,} more")
