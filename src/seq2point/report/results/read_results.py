"""From the paths that a user names to results, and to what cannot be shown."""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from seq2point.errors import UsageError
from seq2point.report.results import run_folder, study_folder, test_report
from seq2point.report.results.label_curves import is_curve
from seq2point.report.results.result import Problem, Result

CUT_OFF = "damaged, as a file that was cut off; make it again"


def read_results(
    paths: Sequence[Path], progress: Callable[[int], None] = lambda _: None
) -> tuple[list[Result], list[Problem]]:
    """Return the results in run folders, studies' folders and test reports, in order.

    A path that is given twice counts once. `progress` is called with 1 after each.
    Raises UsageError for a path that is none of these, before anything is read in full.
    """
    readers = {path.resolve(): _find_reader(path) for path in paths}
    found: list[Result | Problem] = []
    for read in readers.values():
        found += read()
        progress(1)
    results = [each for each in found if isinstance(each, Result)]
    return results, [each for each in found if isinstance(each, Problem)]


def _find_reader(path: Path) -> Callable[[], Iterator[Result | Problem]]:
    """Return what reads a path."""
    if path.is_dir():
        if (path / run_folder.RECORD).exists():
            return lambda: iter([run_folder.read_run_folder(path)])
        if is_curve(path):
            return lambda: iter(())  # `read_curves` reads it
        if parts := study_folder.find_parts(path):
            return partial(study_folder.read_study_folder, path, parts)
        raise UsageError(
            f"{path}: holds no training, study or protocol run (no {run_folder.RECORD}, no part"
            " with a result.json); name one of their folders"
        )
    if not path.exists():
        raise UsageError(f"{path}: no such folder or file")
    text, report = "", None
    try:
        text = path.read_text(encoding="utf-8")
        report = json.loads(text)
    except (OSError, ValueError, RecursionError):
        if text.startswith("{") and path.suffix.lower() == ".json":
            return lambda: iter([Problem(path, CUT_OFF)])
    if not (isinstance(report, dict) and report.keys() >= test_report.KEYS):
        raise UsageError(
            f"{path}: is no report of a test; make one with `seq2point test MODEL --data FILE"
            " --json PATH`"
        )
    return partial(_read_test, path, report)


def _read_test(path: Path, report: dict[str, object]) -> Iterator[Result | Problem]:
    try:
        yield from test_report.read_test_report(path, report)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        yield Problem(path, f"damaged ({type(error).__name__}: {error}); test the model again")
