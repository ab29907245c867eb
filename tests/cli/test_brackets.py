"""Square brackets in the names of folders, files and columns, through the verbs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]
FOLDERS = ("a[/b]", "house [kitchen]", "[bold]")


@pytest.fixture(params=FOLDERS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path: Path = tmp_path / request.param
    path.mkdir(parents=True)
    return path


@pytest.fixture
def table(folder: Path) -> Path:
    """A day of a house at 60 s, whose columns have square brackets in their names."""
    path = folder / "mains [copy].csv"
    kettle_w = [2000 if minute % 90 < 4 else 0 for minute in range(1440)]
    rows = [f"{60 * i},{200 + power_w},{power_w}\n" for i, power_w in enumerate(kettle_w)]
    path.write_text("time,mains [/W],kettle [/W]\n" + "".join(rows))
    return path


COLUMNS = ("--mains-column", "mains [/W]")


def test_disaggregate_shows_names_with_brackets(
    seq2point: Command, folder: Path, table: Path
) -> None:
    out = folder / "kettle [60 s].csv"
    answer = seq2point("disaggregate", "kettle-60s", table, *COLUMNS, "-o", out)
    assert answer.code == 0, answer.err
    assert f"{out}: 1,440 rows" in answer.err
    answer = seq2point("disaggregate", "kettle-60s", table, "-o", out, "--mains-column", "[/x]")
    assert answer.code == 1
    assert str(table) in answer.err
    assert "[/x]" in answer.err
    assert "mains [/W]" in answer.err


def test_convert_shows_names_with_brackets(seq2point: Command, folder: Path, table: Path) -> None:
    words = ("convert", "table", table, "--out", folder / "out", "--json", folder / "report.json")
    columns = (*COLUMNS, "--column", "kettle=kettle [/W]")
    answer = seq2point(*words, *columns, "--house", "house [/1]")
    assert answer.code == 0, answer.err
    assert "house [/1]: 1,440 rows read" in answer.err
    assert str(folder / "out") in answer.err
    assert "house [/1]" in answer.out


def test_data_check_shows_names_with_brackets(
    seq2point: Command, folder: Path, table: Path
) -> None:
    page = folder / "page [1].svg"
    answer = seq2point("data", "check", table, *COLUMNS, "--page", page)
    assert answer.code in (0, 3), answer.err
    assert table.name in answer.out
    assert page.is_file()


@pytest.mark.filterwarnings("default")
def test_train_and_test_show_names_with_brackets(
    seq2point: Command, folder: Path, quick: tuple[object, ...], files: Any
) -> None:
    path = folder / "house [1].csv"
    path.write_bytes(files.test.read_bytes())
    out = folder / "runs [/1]"
    few = [20 if word == 250 else word for word in quick]
    answer = seq2point("train", "kettle", "--train", path, "--test", path, "--out", out, *few)
    assert answer.code == 0, answer.err
    assert str(out / "model.safetensors") in answer.out
    answer = seq2point("test", out / "model.safetensors", "--data", path)
    assert answer.code == 0, answer.err
    answer = seq2point("info", out / "model.safetensors")
    assert answer.code == 0, answer.err
    assert "runs [/1]" in answer.out
