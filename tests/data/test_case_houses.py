"""Data sets of which one house is bad: the others are converted, and the bad one is named."""

import re
from pathlib import Path

import pytest
from tests.cli.conftest import Answer, answer_of
from tests.data.right_readings import FOLDER

from seq2point.cli import main

H5 = FOLDER / "h5"
BAD = FOLDER / "one-bad-house"


def convert(layout: str, root: Path, out: Path, *words: object) -> Answer:
    return answer_of(main, "convert", layout, root, "--out", out, *words)


def list_houses(out: Path) -> list[str]:
    return sorted(path.stem for path in out.glob("*.parquet"))


@pytest.mark.parametrize("words", [(), ("--houses", "1")], ids=["all houses", "house 1"])
@pytest.mark.parametrize(
    ("layout", "root", "bad"),
    [
        ("nilmtk", H5 / "one_without_mains.h5", "15"),
        ("nilmtk", H5 / "one_without_metadata.h5", "15"),
        ("ukdale", BAD / "ukdale", "2"),
        ("ukdale", BAD / "ukdale_labels", "2"),
    ],
    ids=["no mains", "no metadata", "no mains in UK-DALE", "no label of the mains in UK-DALE"],
)
def test_a_bad_house_is_named_and_the_others_are_converted(
    tmp_path: Path, layout: str, root: Path, bad: str, words: tuple[object, ...]
) -> None:
    answer = convert(layout, root, tmp_path, *words)
    assert answer.code == 0, answer.err
    (house,) = list_houses(tmp_path)
    assert "1" in house
    said = " ".join((answer.out + answer.err).split())
    if not words:
        assert re.search(rf"{bad}\b.*(mains|metadata|channel_1)", said), said


@pytest.mark.parametrize("root", [H5 / "one_without_mains.h5", BAD / "ukdale"], ids=["h5", "dat"])
def test_a_bad_house_that_is_named_is_refused(tmp_path: Path, root: Path) -> None:
    layout, house = ("nilmtk", 15) if root.suffix else ("ukdale", 2)
    answer = convert(layout, root, tmp_path, "--houses", house)
    assert answer.code == 1
    assert "Traceback" not in answer.err
    assert not list_houses(tmp_path)


def test_a_folder_of_tables_names_those_that_are_no_house(tmp_path: Path) -> None:
    answer = convert("table", BAD / "tables", tmp_path)
    assert answer.code == 0, answer.err
    houses = list_houses(tmp_path)
    assert "good_60s" in houses
    assert not any(house.startswith("notes") for house in houses)
    said = answer.out + answer.err
    assert "notes" in said
    assert "semi" in said


def test_repeated_rows_of_nilmtk_are_dropped_and_counted(tmp_path: Path) -> None:
    answer = convert("nilmtk", H5 / "duplicates.h5", tmp_path)
    assert answer.code == 0, answer.err
    assert "10 repeated" in " ".join(answer.out.split())


def test_a_file_of_nilmtk_that_is_cut_off_is_refused_in_one_line(tmp_path: Path) -> None:
    answer = convert("nilmtk", H5 / "cut.h5", tmp_path)
    assert answer.code == 1
    assert "Traceback" not in answer.err
    assert len(answer.err.strip().splitlines()) == 1
    assert "cut.h5" in answer.err
