"""What the benchmark of errors against processor time makes of its curves."""

from pathlib import Path

from benchmarks.error_curves import Curve, find_curve
from benchmarks.time_to_error import compare

from seq2point.system.atomic_files import write_json

SLOW = Curve("kettle", "windows", 0, 220.0, {}, ((10, 50.0, 0.04), (20, 100.0, 0.01)))
FAST = Curve("kettle", "sliding", 0, 27.5, {}, ((5, 5.0, 0.03), (10, 10.0, 0.02), (15, 20.0, 0.01)))
STUCK = Curve("kettle", "sliding", 1, 27.5, {}, ((5, 5.0, 0.5),))


def test_a_curve_knows_its_best_error_and_when_it_first_was_as_good():
    assert FAST.best == 0.01
    assert FAST.first_at(0.025) == 10.0
    assert FAST.first_at(0.001) is None


def test_recipes_are_compared_by_the_seconds_to_the_same_error():
    curves = {"windows": [SLOW], "sliding": [FAST, STUCK]}
    assert compare("kettle", 0.01, curves).split(": ", 1)[1] == (
        "windows 100.0 s; sliding: 20.0 s, no (5.0 times, 5.0 to 5.0)"
    )


def test_an_error_that_no_windows_reach_has_no_ratio():
    line = compare("kettle", 0.005, {"windows": [SLOW], "sliding": [FAST]})
    assert line.endswith("windows did not reach it; sliding: no")


def test_a_curve_that_is_there_is_not_made_again(tmp_path: Path):
    write_json(FAST._asdict(), tmp_path / "kettle_sliding_0_27.5_narrow=64.json")
    nowhere = tmp_path / "no data"
    found = find_curve(tmp_path, nowhere, "kettle", "sliding", 0, 27.5, make=True, narrow=64)
    assert found == FAST
    assert find_curve(tmp_path, nowhere, "kettle", "sliding", 9, 27.5, make=False) is None
