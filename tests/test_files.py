"""A file is written whole or not at all."""

import os
from pathlib import Path

import pytest

from seq2point import Seq2PointError
from seq2point.files import written_whole


def test_the_file_appears_when_the_block_ends_and_keeps_its_ending(tmp_path: Path):
    path = tmp_path / "a" / "report.json"
    with written_whole(path) as beside:
        beside.write_text("new")
        assert not path.exists()
        assert (beside.parent, beside.suffix) == (path.parent, ".json")
    assert path.read_text() == "new"
    assert [p.name for p in path.parent.iterdir()] == ["report.json"]


def write_half_of(path: Path, error: type[BaseException]) -> None:
    path.write_text("half")
    raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_interrupted_block_leaves_the_old_file_and_no_other(tmp_path: Path, error: type[BaseException]):
    path = tmp_path / "report.json"
    path.write_text("old")
    with pytest.raises(error), written_whole(path) as beside:
        write_half_of(beside, error)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]


def test_an_error_of_the_system_is_one_of_ours(tmp_path: Path):
    with (
        pytest.raises(Seq2PointError, match=r"report\.json: cannot be written \(No space left"),
        written_whole(tmp_path / "report.json"),
    ):
        raise OSError(28, "No space left on device")
    assert [p.name for p in tmp_path.iterdir()] == []


def test_a_parent_that_is_a_file_is_an_error_of_ours(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(Seq2PointError, match="cannot be written"), written_whole(tmp_path / "file" / "report.json"):
        pytest.fail("nothing can be written there")


def test_a_link_stays_and_what_it_points_to_is_written(tmp_path: Path):
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_text("old")
    link.symlink_to(real)
    with written_whole(link) as beside:
        beside.write_text("new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_a_device_or_a_pipe_is_not_replaced(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(Seq2PointError, match="pipe: cannot be written"), written_whole(pipe):
        pytest.fail("nothing may be written")
    assert pipe.is_fifo()
