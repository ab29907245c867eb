"""The ratios of another revision beside those of the working tree, measured in turns.

    python -m benchmarks.compare REVISION        (make bench-compare BASE=REVISION)

The benchmarks are those of the tree; the package is that of each. So a benchmark of what the
revision lacks is left out there, and named. Exit code 1 where a ratio fell by more than a fifth. A
ratio that seems to have fallen is measured again before it counts.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.__main__ import BUDGET_S, NAMES, measure_all
from benchmarks.ratios import Results, align

MOST_FALL = 0.2
ROUNDS = 2
"""Rounds in which the revision and the tree take turns, a benchmark at a time."""
ROOT = Path(__file__).resolve().parents[1]


class Change(NamedTuple):
    """A ratio before and now; None where it was not measured."""

    key: str
    before: float | None
    now: float | None

    @property
    def share(self) -> float | None:
        """What it is of what it was; None where one is not there."""
        return None if self.before is None or self.now is None else self.now / self.before

    @property
    def fell(self) -> bool:
        """Whether it fell by more than MOST_FALL."""
        return self.share is not None and self.share < 1 - MOST_FALL


def compare(before: Results, now: Results) -> list[Change]:
    """Every ratio of two runs, in the order of the second; what it lacks comes last."""
    values = [{ratio.key: ratio.value for ratio in each.ratios} for each in (before, now)]
    keys = dict.fromkeys([*values[1], *values[0]])
    return [Change(key, values[0].get(key), values[1].get(key)) for key in keys]


def make_table(changes: Sequence[Change], before: Results, now: Results) -> str:
    """A line for each ratio, those that fell marked, and what was left out."""
    rows = []
    for change in changes:
        shown = ["-" if value is None else f"{value:.3g}" for value in change[1:]]
        share = "" if change.share is None else f"{change.share:.2f}"
        benchmark, _, name = change.key.partition(": ")
        rows.append((benchmark, name, *shown, share, "FELL" if change.fell else ""))
    lines = align([("benchmark", "how many times cheaper", "before", "now", "share", ""), *rows])
    for place, results in (("before", before), ("now", now)):
        lines += [f"{name} left out {place}: {why}" for name, why in results.left_out.items()]
    return "\n".join(lines)


@contextmanager
def check_out(revision: str) -> Iterator[Path]:
    """Yield a folder with a revision's files, which is removed afterwards."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "base"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(folder), revision], check=True)
        try:
            yield folder
        finally:
            subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def measure_both(
    base: Path, names: Sequence[str], rounds: int, budget_s: float, out: Path
) -> tuple[Results, Results]:
    """Return the results of another tree's package and of this one's, in turns."""
    roots = {"before": base, "now": ROOT}
    found: dict[str, list[Results]] = {side: [] for side in roots}
    for name in names:
        for _ in range(rounds):
            for side, root in roots.items():
                environment = {"PYTHONPATH": os.pathsep.join((str(root / "src"), str(ROOT)))}
                path = out / f"bench-{side}.json"
                found[side].append(measure_all([name], path, budget_s, environment))
    return Results.join(found["before"]), Results.join(found["now"])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("revision", help="what to compare with: a commit, a tag or a branch")
    parser.add_argument("--ratios", nargs="+", choices=NAMES, default=NAMES, help="only these")
    parser.add_argument("--budget", type=float, default=BUDGET_S / 2, metavar="SECONDS")
    words = parser.parse_args()
    out = ROOT / "build"
    with check_out(words.revision) as base:
        before, now = measure_both(base, words.ratios, ROUNDS, words.budget, out)
        if again := {c.key.partition(": ")[0] for c in compare(before, now) if c.fell}:
            print(f"measured again: {', '.join(sorted(again))}", file=sys.stderr)
            more = measure_both(base, sorted(again), 2 * ROUNDS, words.budget, out)
            before, now = Results.join([before, more[0]]), Results.join([now, more[1]])
    before.write(out / "bench-before.json")
    now.write(out / "bench-now.json")
    changes = compare(before, now)
    print(make_table(changes, before, now))
    if fallen := [change.key for change in changes if change.fell]:
        sys.exit(f"fell by more than {MOST_FALL:.0%}: {'; '.join(fallen)}")


if __name__ == "__main__":
    main()
