"""The headline studies, their report and their tables, from nothing: what `make reproduce` runs.

    SEQ2POINT_DATA=... python -m experiments reproduce           hours
    SEQ2POINT_DATA=... QUICK=1 python -m experiments reproduce   minutes

The studies are TOML files in experiments/studies. `seq2point study` runs each in a folder of its
own, `seq2point report` puts them on one page, and the tables go to docs/lab/headline.md.
What is finished is not made again: the same command goes on after whatever stopped it.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from experiments import reproduce_tables
from seq2point.errors import IncompleteStudyError, Seq2PointError

STUDIES = Path(__file__).parent / "studies"
NAMES = ("unseen", "pruning")


class Edition(NamedTuple):
    """The full studies or the quick ones: where their files are, and where what they make goes."""

    name: str
    studies: Path
    out: Path


FULL = Edition("full", STUDIES, Path("runs/reproduce"))
QUICK = Edition("quick", STUDIES / "quick", Path("runs/reproduce_quick"))


def find_edition() -> Edition:
    """Return the quick edition where QUICK is set, and else the full one."""
    return QUICK if os.environ.get("QUICK", "0") not in ("", "0") else FULL


def run_verb(*words: object) -> int:
    """Run a verb of seq2point in a process of its own and return its exit code.

    Raises Seq2PointError for a code that is neither 0 nor that of parts that failed.
    """
    command = [sys.executable, "-m", "seq2point", *map(str, words)]
    code = subprocess.run(command, check=False).returncode
    if code not in (0, IncompleteStudyError.exit_code):
        raise Seq2PointError(f"`seq2point {words[0]}` ended with exit code {code}")
    return code


def run_studies(edition: Edition, data: Path, options: Sequence[object] = ()) -> list[Path]:
    """Make what is not there yet of an edition's studies and return their folders."""
    folders = []
    for name in NAMES:
        folders.append(edition.out / name)
        file = edition.studies / f"{name}.toml"
        run_verb("study", file, "--data", data, "-o", folders[-1], *options)
    return folders


def main() -> None:
    """Run the studies, write their report, and write the tables."""
    edition, data = find_edition(), Path(os.environ["SEQ2POINT_DATA"])
    folders = run_studies(edition, data)
    run_verb("report", *folders, "-o", edition.out / "report.html")
    if reproduce_tables.write_tables(edition.studies, edition.out, edition.name, data):
        print(f"tables   {reproduce_tables.PAGE}")
