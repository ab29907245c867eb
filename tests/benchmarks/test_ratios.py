"""Ratios that benchmarks measure: joined, kept as JSON, shown as a table, and compared."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from benchmarks.ratios import Ratio, Results, make_table
from benchmarks.timing import FEWEST_TURNS, compare_in_turns, run_measured

from benchmarks import __main__ as runner
from benchmarks import compare

ROOT = Path(__file__).parents[2]
MACHINE = {"processor": "A fast one", "cores": "2, 2 used"}


def make_results(left_out: dict[str, str] | None = None, **values: float) -> Results:
    """Results whose ratios are named by a benchmark and a word: inference_dense=200."""
    ratios = [
        Ratio(*key.split("_"), (value, value * 0.9, value * 1.1)) for key, value in values.items()
    ]
    return Results(tuple(ratios), left_out or {}, MACHINE, 60.0)


def test_a_ratio_is_the_median_of_its_turns():
    assert Ratio("inference", "dense", (1.0, 9.0, 2.0)).value == 2.0


def test_results_stay_the_same_through_json(tmp_path: Path):
    results = make_results({"convert": "No module named 'pandas'"}, inference_dense=200.0)
    results.write(tmp_path / "build" / "bench.json")
    assert Results.read(tmp_path / "build" / "bench.json") == results


def test_json_of_another_format_is_refused(tmp_path: Path):
    (tmp_path / "bench.json").write_text('{"format": 0}')
    with pytest.raises(ValueError, match="not results of format 1"):
        Results.read(tmp_path / "bench.json")


def test_turns_of_several_runs_count_together():
    first = make_results({"convert": "slow"}, inference_dense=100.0)
    second = make_results({"live": "no broker"}, inference_dense=300.0, convert_pandas=5.0)
    joined = Results.join([first, second])
    assert {ratio.key: len(ratio.turns) for ratio in joined.ratios} == {
        "inference: dense": 6,
        "convert: pandas": 3,
    }
    assert joined.left_out == {"live": "no broker"}
    assert joined.machine == MACHINE
    assert joined.seconds == 120.0


def test_the_table_has_the_machine_every_ratio_and_what_was_left_out():
    results = make_results({"live": "no broker"}, inference_dense=212.4, convert_pandas=5.04)
    lines = make_table(results).splitlines()
    assert lines[:2] == ["processor: A fast one", "cores: 2, 2 used"]
    shown = {line.split()[0]: line.split()[1:] for line in lines if line}
    assert shown["inference"][:2] == ["dense", "212"]
    assert shown["convert"] == ["pandas", "5.04", "4.54", "to", "5.54"]
    assert shown["live"] == ["left", "out:", "no", "broker"]
    assert lines[-1] == "60 s"


def test_a_fall_of_more_than_a_fifth_is_seen():
    before = make_results(inference_dense=200.0, convert_pandas=5.0, live_home=0.5, old_one=1.0)
    now = make_results(inference_dense=159.0, convert_pandas=4.1, live_home=0.9, new_one=2.0)
    changes = {change.key: change for change in compare.compare(before, now)}
    assert [key for key, change in changes.items() if change.fell] == ["inference: dense"]
    assert changes["old: one"].now is None
    assert changes["new: one"].before is None
    table = compare.make_table([*changes.values()], before, now)
    assert [line.split()[0] for line in table.splitlines() if "FELL" in line] == ["inference"]


@pytest.mark.parametrize(
    ("first", "again", "code"), [(100.0, 100.0, 1), (100.0, 600.0, 0), (190.0, None, 0)]
)
def test_comparing_fails_where_a_ratio_falls_twice(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    first: float,
    again: float | None,
    code: int,
):
    """Once it is measured again, the turns of all rounds count."""
    rounds = [(200.0, first), (200.0, again)]
    asked: list[list[str]] = []

    def measure(base: Path, names: list[str], count: int, budget_s: float, out: Path):
        before, now = rounds[len(asked)]
        asked.append([*names])
        assert now is not None, "it was measured again, and had not fallen"
        turns = 1 if len(asked) == 1 else 5
        return tuple(
            Results((Ratio("inference", "dense", (value,) * turns),)) for value in (before, now)
        )

    monkeypatch.setattr(compare, "ROOT", tmp_path)
    monkeypatch.setattr(compare, "measure_both", measure)
    monkeypatch.setattr(compare, "check_out", lambda revision: _Folder(tmp_path))
    monkeypatch.setattr(sys, "argv", ["compare", "HEAD~1", "--ratios", "inference", "live"])
    if code:
        with pytest.raises(SystemExit, match="fell by more than 20%: inference: dense"):
            compare.main()
    else:
        compare.main()
    assert asked == [["inference", "live"], *([["inference"]] if again else [])]
    assert "inference" in capsys.readouterr().out
    assert Results.read(tmp_path / "build" / "bench-now.json").ratios


class _Folder:
    """A context that gives a folder."""

    def __init__(self, path: Path):
        self.path = path

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *failure: object) -> None:
        """Leave it."""


def test_a_revision_is_checked_out_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for key in [key for key in os.environ if key.startswith("GIT_")]:
        monkeypatch.delenv(key)
    project = tmp_path / "project"
    project.mkdir()
    named = ("-c", "user.name=a", "-c", "user.email=a@b")
    (project / "kept.txt").write_text("before")
    for words in (("init", "--quiet"), ("add", "."), (*named, "commit", "--quiet", "-m", "One")):
        subprocess.run(["git", *words], cwd=project, check=True)
    (project / "kept.txt").write_text("now")
    monkeypatch.setattr(compare, "ROOT", project)
    with compare.check_out("HEAD") as base:
        assert (base / "kept.txt").read_text() == "before"
    assert not base.exists()
    listed = subprocess.run(
        ["git", "worktree", "list"], cwd=project, capture_output=True, text=True, check=True
    )
    assert len(listed.stdout.splitlines()) == 1


def test_turns_are_measured_until_the_budget_ends():
    costs = iter(range(1, 1000))
    ratios = compare_in_turns(lambda: 10.0 * next(costs), lambda: 1.0, 0.0)
    assert ratios == [20.0, 30.0, 40.0]
    assert len(ratios) == FEWEST_TURNS


def test_a_command_is_measured_and_a_failing_one_is_refused():
    usage = run_measured([sys.executable, "-c", "sum(range(10 ** 6))"])
    assert usage.cpu_s > 0
    assert 1 < usage.peak_mb < 1000
    with pytest.raises(subprocess.CalledProcessError):
        run_measured([sys.executable, "-c", "raise SystemExit(3)"])


def test_what_a_benchmark_lacks_leaves_it_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each benchmark has a process of its own; those of one that fails end with its last line."""
    package = tmp_path / "benchmarks"
    package.mkdir()
    for name in ("__init__", "__main__", "ratios", "machine", "timing"):
        (package / f"{name}.py").write_text((ROOT / "benchmarks" / f"{name}.py").read_text())
    (package / "live.py").write_text("raise SystemExit('there is no broker')")
    (package / "length.py").write_text(
        "def measure_ratios(budget_s):\n    yield 'a million', [1.0, budget_s, 3.0]\n"
    )
    monkeypatch.chdir(tmp_path)
    results = runner.measure_all(["live", "length"], tmp_path / "out" / "bench.json", 2.5)
    assert results.left_out == {"live": "there is no broker"}
    assert results.ratios == (Ratio("length", "a million", (1.0, 2.5, 3.0)),)
    assert results.machine["processor"]
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("name", runner.NAMES)
def test_every_benchmark_has_ratios_and_runs_at_length(name: str):
    benchmark = import_module(f"benchmarks.{name}")
    assert callable(benchmark.measure_ratios)
    assert callable(benchmark.main)
