"""A grid makes the steps of each point once, in order, and reports each point."""

from pathlib import Path

import pytest

from seq2point.errors import DataError
from seq2point.studies import CachedResult, ResultCache
from seq2point.studies.grids import Step, run_grid


class Square:
    """Two steps a point: a number, and its square; odd numbers fail where `odd` says so."""

    def __init__(self, odd: bool = True):
        self.odd, self.made = odd, list[str]()

    def list_steps(self, number: int) -> list[Step]:
        return [
            Step(CachedResult("number", {"number": number}), lambda _: self.make("number", number)),
            Step(CachedResult("square", {"of": number}), lambda _: self.make("square", number)),
        ]

    def make(self, name: str, number: int) -> dict[str, int]:
        if number % 2 and not self.odd:
            raise DataError(f"{number} is odd")
        self.made.append(f"{name} {number}")
        return {name: number if name == "number" else number**2}


def run(square: Square, folder: Path, points: list[int], skip_errors: bool = False):
    lines: list[str] = []
    results = run_grid(
        ResultCache(folder),
        points,
        square.list_steps,
        lambda point, result: f"{point}: {result['square']}",
        lines.append,
        skip_errors,
    )
    return results, lines


def test_steps_are_joined_and_made_once(tmp_path: Path):
    square = Square()
    results, lines = run(square, tmp_path, [3])
    assert results == [{"number": 3, "square": 9}]
    assert lines == ["[1/1] 3: 9"]
    results, lines = run(square, tmp_path, [2, 3])
    assert [result and result["square"] for result in results] == [4, 9]
    assert lines == ["[1/2] 2: 4", "[2/2] 3: 9 (was there)"]
    assert square.made == ["number 3", "square 3", "number 2", "square 2"]


def test_a_point_that_lacks_a_step_was_not_there(tmp_path: Path):
    square = Square()
    first, _ = square.list_steps(2)
    ResultCache(tmp_path).find_or_make(first.part, first.make)
    _, lines = run(square, tmp_path, [2])
    assert lines == ["[1/1] 2: 4"]
    assert square.made == ["number 2", "square 2"]


def test_an_error_ends_the_grid_or_is_skipped_and_tried_again(tmp_path: Path):
    with pytest.raises(DataError):
        run(Square(odd=False), tmp_path, [3, 4])
    results, lines = run(Square(odd=False), tmp_path, [3, 4], skip_errors=True)
    assert results == [None, {"number": 4, "square": 16}]
    assert lines == ["[1/2] skipped: 3 is odd", "[2/2] 4: 16"]
    results, _ = run(Square(), tmp_path, [3, 4], skip_errors=True)
    assert results == [{"number": 3, "square": 9}, {"number": 4, "square": 16}]
