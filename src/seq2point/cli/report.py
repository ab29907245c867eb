"""`seq2point report`: trainings, studies and tests on one page."""

from pathlib import Path
from typing import Annotated

import typer

from seq2point.cli import options

ENDINGS = (".html", ".htm")


def report(
    results: Annotated[
        list[Path],
        typer.Argument(
            help=(
                "A training's folder, a folder of `study`, `protocol run` or `transfer-curve`, or a"
                " test's report as JSON; several may be given."
            ),
            metavar="RESULT...",
        ),
    ],
    out: Annotated[
        Path,
        options.make_output("The page.", "HTML"),
    ],
) -> None:
    """Show trainings, studies and tests side by side, on one page that opens without a network.

    Tables to sort and filter, accuracy against size with the Pareto front, errors by hour and by
    activation, days of the test to zoom, coverage, loss curves, what pruning left of each layer,
    curves of transfers, and the command and data behind each result. What cannot be read is listed
    with its reason.
    """
    from dataclasses import replace

    from seq2point.cli.declare import say_flags
    from seq2point.cli.progress_bar import show_bar
    from seq2point.report.results import read_curves, read_results, render_page
    from seq2point.system.atomic_files import atomic_write
    from seq2point.system.console import make_console
    from seq2point.wording import format_count

    _require_own_page(out, results)
    with show_bar("reading results", len(results)) as progress:
        found, problems = read_results(results, progress)
    curves, damaged = read_curves(results)
    problems += damaged
    found = [replace(each, command=say_flags(each.command)) for each in found]
    problems = [each._replace(reason=say_flags(each.reason)) for each in problems]
    with atomic_write(out) as beside:
        beside.write_text(render_page(found, problems, curves), encoding="utf-8")
    console = make_console(wrap=False)
    for problem in problems:
        console.print(f"not shown: {problem.path}: {problem.reason}", style="yellow")
    counts = [format_count(len(found), "result")] if found or not curves else []
    counts += [format_count(len(curves), "transfer curve")] if curves else []
    console.print(f"{out}: {', '.join(counts)}")


def _require_own_page(out: Path, results: list[Path]) -> None:
    """Raise UsageError for a page that is no HTML, and for one in a folder that is read."""
    from seq2point.errors import UsageError
    from seq2point.system.atomic_files import check_ending

    check_ending(out, "the page is", ENDINGS)
    for folder in results:
        if folder.is_dir() and out.resolve().is_relative_to(folder.resolve()):
            raise UsageError(
                f"--out {out}: lies in {folder}, which is read; write the page to another folder"
            )
