"""`seq2point study`: a grid of trainings that a file declares."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seq2point.cli import options
from seq2point.cli.declare import say_flags
from seq2point.cli.options import Take
from seq2point.cli.run_app import report_stop
from seq2point.configuration import MachineConfig, StudyConfig
from seq2point.errors import IncompleteStudyError
from seq2point.wording import format_count

if TYPE_CHECKING:
    from rich.console import Console

    from seq2point.studies.search import SearchPreview
    from seq2point.studies.study_plan import StudyPlan
    from seq2point.studies.study_run import PartResult

RESUME = "the parts that are done stay, and the same command goes on from the last checkpoints"
CHOICES = ("appliance", "network", "recipe", "pruner", "sparsity")
HEADING = (*CHOICES, "seeds", "MAE, W", "zero", "mean", "F1", "weights", "KB")


def study(
    file: Annotated[
        Path, typer.Argument(help="What is compared: a protocol with [study].", metavar="FILE.toml")
    ],
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            help="Folder of the houses, as `convert` makes them.",
            metavar="DIR",
            rich_help_panel=options.DATA,
        ),
    ],
    run: StudyConfig,
    machine: Annotated[MachineConfig, Take(only=("device",))],
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            help="Folder of parts and results.",
            show_default="runs/NAME",
            metavar="DIR",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    json: options.Json = None,
) -> None:
    """Train and test every appliance, network, recipe, pruner, sparsity and seed that a file names.

    Each training is a task of its own. What is finished is not repeated, here and in every later
    run with the same folder; what was interrupted goes on. A part that fails does not stop the
    others. Exit code 3 means that parts failed.
    """
    from seq2point.cli.typed_command import tell_command
    from seq2point.integrations.trackers import require_trackers, write_trackers
    from seq2point.report import terminal
    from seq2point.studies.result_cache import ResultCache
    from seq2point.studies.search import preview_search, run_search
    from seq2point.studies.study_file import read_study
    from seq2point.studies.study_plan import (
        StudyPlan,
        count_choices,
        find_results,
        plan_study,
    )
    from seq2point.studies.study_rows import make_report, require_own, write_rows
    from seq2point.studies.study_run import make_workers, run_study
    from seq2point.system.console import make_console
    from seq2point.workers.folder_lock import lock_folder

    console = make_console(to_stderr=True, wrap=False)
    declared = read_study(file)
    folder = out or Path("runs") / declared.name
    require_own(folder, declared)
    cache = ResultCache(folder / "parts")
    search = declared.grid.search
    if run.dry_run and search:
        preview = preview_search(declared, search, data, cache)
        _list_parts(preview.plan, preview.found, json, preview)
        return
    plan = StudyPlan() if search else plan_study(declared, data)
    if run.dry_run:
        _list_parts(plan, find_results(plan, cache), json)
        return
    require_trackers(run)
    workers = make_workers(run.jobs, run.cluster, (data, folder))
    with report_stop(RESUME), lock_folder(folder, "seq2point study"):
        trials = None
        if search:
            progress = _StudyProgress(console, search.trials * count_choices(declared))
            plan, results, trials = run_search(
                declared, search, data, cache, workers, machine.device, progress.show, progress.skip
            )
        else:
            progress = _StudyProgress(console, len({part.key for part in plan.parts}))
            progress.skip(len(find_results(plan, cache)))
            results = run_study(plan, cache, workers, machine.device, progress.show)
        progress.tell_skipped()
        report = make_report(declared, plan, results, cache, trials)
        report["command"] = tell_command()
        files = write_rows(report, folder)
        files |= write_trackers(run, declared.name, plan, results)
    if search and trials and (best := report["search"]["best"]):
        console.print(
            f"best of {format_count(search.trials, 'trial')}: {best['recipe']},"
            f" {best['val_mae_w']:.2f} W in validation, {best['settings']}",
            markup=False,
        )
    out_console = terminal.write_report(report, json)
    if report["rows"]:
        out_console.print(terminal.make_table("", [HEADING, *_summarise(report["rows"])]))
    terminal.print_files(files, quiet=str(json) == "-")
    if results.failed:
        _list_failed(console, report["failed"])
        raise IncompleteStudyError(
            f"{len(results.failed)} of {format_count(report['parts'], 'part')} failed; the reasons"
            f" are in {files['results']}"
        )


class _StudyProgress:
    """Prints a line for each training that is worked on, and one for those that need no work."""

    def __init__(self, console: "Console", total: int):
        from seq2point.cli.task_progress import TaskProgress

        self._console, self._total, self._skipped = console, total, 0
        self._progress = TaskProgress(total, "training", "failed")

    def skip(self, count: int) -> None:
        """Count trainings that need no work; the next line of another kind comes after theirs."""
        for _ in range(count):
            self._progress.count(worked=False, bad=False)
        self._skipped += count

    def tell_skipped(self) -> None:
        """Print how many needed no work since that was last said."""
        if self._skipped:
            trainings = format_count(self._total, "training")
            self._console.print(f"{self._skipped:,} of {trainings} need no work")
        self._skipped = 0

    def show(self, done: "PartResult") -> None:
        """Count a training that was worked on, and print what became of it."""
        self.tell_skipped()
        self._progress.count(worked=True, bad=done.result is None)
        said = say_flags(done.reason) if done.result is None else _describe(done.result)
        line = f"{done.part.label}: {said} [{self._progress.describe()}]"
        self._console.print(line, markup=False)


def _describe(result: Mapping[str, Any]) -> str:
    from seq2point.metrics import METRICS

    mae = METRICS["mae_w"].describe(result["metrics"]["mae_w"], 2)
    return f"{mae}, {result['parameters']:,} weights"


def _list_parts(
    plan: "StudyPlan",
    found: Mapping[str, Any],
    json: Path | None,
    preview: "SearchPreview | None" = None,
) -> None:
    """Print every part, and whether it is there, to do or cannot be made.

    Of a search they are those of its trials up to the next few.
    """
    from seq2point.report import terminal

    parts = [
        {**part.settings, "key": part.key, "state": "there" if part.key in found else "to do"}
        for part in plan.parts
    ]
    parts += [{**each.as_json(), "state": "fails"} for each in plan.refused]
    search = preview.as_json() if preview else None
    report = {"parts": parts} if search is None else {"parts": parts, "search": search}
    console = terminal.write_report(report, json)
    heading = (*CHOICES, "seed", "state")
    lines = [[_say(part[name]) for name in heading] for part in parts]
    if lines:
        console.print(terminal.make_table("", [heading, *lines]))
    states = [part["state"] for part in parts]
    counts = ", ".join(f"{states.count(state):,} {state}" for state in ("there", "to do", "fails"))
    console.print(f"{format_count(len(parts), 'part')}: {counts}")
    if search:
        _list_trials(console, search)
    _list_failed(console, [each.as_json() for each in plan.refused])


def _list_trials(console: "Console", search: Mapping[str, Any]) -> None:
    """Print the settings of the trials to do, and how many are open."""
    trials, open_trials = search["trials"], search["open_trials"]
    to_do = [trial for trial in trials if trial["state"] == "to do"]
    for trial in to_do:
        console.print(f"{trial['recipe']}: {trial['settings']}", markup=False)
    there = len(trials) - len(to_do)
    console.print(
        f"{format_count(len(trials) + open_trials, 'trial')}: {there:,} there, {len(to_do):,} to"
        f" do, then {open_trials:,} whose settings follow from what came before"
    )


def _list_failed(console: "Console", failed: Sequence[Mapping[str, Any]]) -> None:
    """Print each reason once, after the first part that it is of."""
    from seq2point.studies.part_words import describe_failed

    for line in describe_failed(failed):
        console.print(say_flags(line), markup=False, soft_wrap=True)


def _summarise(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return a line for each choice: the means over its seeds."""
    lines = []
    for choices, group in groupby(rows, key=lambda row: [row[name] for name in CHOICES]):
        seeds = list(group)

        def mean(name: str, places: int, seeds: Sequence[Mapping[str, Any]] = seeds) -> str:
            known = [row[name] for row in seeds if row[name] is not None]
            return f"{fmean(known):,.{places}f}" if known else "-"

        errors = [mean(name, 2) for name in ("mae_w", "mae_zero_w", "mae_mean_w")]
        kilobytes = f"{fmean(row['file_bytes'] for row in seeds) / 1024:,.0f}"
        sizes = [mean("nonzero_parameters", 0), kilobytes]
        lines.append([*map(_say, choices), str(len(seeds)), *errors, mean("f1", 3), *sizes])
    return lines


def _say(value: Any) -> str:
    return "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
