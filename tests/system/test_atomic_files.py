"""A file is written whole or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from seq2point import Seq2PointError
from seq2point.system.atomic_files import atomic_write


def test_the_file_appears_when_the_block_ends_and_keeps_its_ending(tmp_path: Path):
    path = tmp_path / "a" / "report.json"
    with atomic_write(path) as beside:
        beside.write_text("new")
        assert not path.exists()
        assert (beside.parent, beside.suffix) == (path.parent, ".json")
    assert path.read_text() == "new"
    assert [p.name for p in path.parent.iterdir()] == ["report.json"]


def write_half_of(path: Path, error: type[BaseException]) -> None:
    path.write_text("half")
    raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_interrupted_block_leaves_the_old_file_and_no_other(
    tmp_path: Path, error: type[BaseException]
):
    path = tmp_path / "report.json"
    path.write_text("old")
    with pytest.raises(error), atomic_write(path) as beside:
        write_half_of(beside, error)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]


def test_an_error_of_the_system_is_one_of_ours(tmp_path: Path):
    with (
        pytest.raises(Seq2PointError, match=r"report\.json: cannot be written \(No space left"),
        atomic_write(tmp_path / "report.json"),
    ):
        raise OSError(28, "No space left on device")
    assert [p.name for p in tmp_path.iterdir()] == []


def test_a_parent_that_is_a_file_is_an_error_of_ours(tmp_path: Path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(Seq2PointError, match="cannot be written"),
        atomic_write(tmp_path / "file" / "report.json"),
    ):
        pytest.fail("nothing can be written there")


def test_a_link_stays_and_what_it_points_to_is_written(tmp_path: Path):
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_text("old")
    link.symlink_to(real)
    with atomic_write(link) as beside:
        beside.write_text("new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_a_device_or_a_pipe_is_not_replaced(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(Seq2PointError, match="pipe: cannot be written"), atomic_write(pipe):
        pytest.fail("nothing may be written")
    assert pipe.is_fifo()


HALF_WRITTEN = """
import os, signal, sys
from seq2point.system.atomic_files import atomic_write
with atomic_write(sys.argv[1]) as beside:
    beside.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def killed(path: Path) -> Path:
    """What a process that was killed while it wrote a file has left."""
    before = set(path.parent.iterdir())
    subprocess.run([sys.executable, "-c", HALF_WRITTEN, path], check=False)
    (left,) = set(path.parent.iterdir()) - before
    return left


def test_the_next_file_written_in_a_folder_removes_what_a_killed_process_has_left(tmp_path: Path):
    left = killed(tmp_path / "model.safetensors")
    assert left.name.startswith(".model.")
    with atomic_write(tmp_path / "another.json") as beside:
        beside.write_text("new")
    assert [path.name for path in tmp_path.iterdir()] == ["another.json"]


def test_what_others_are_writing_or_have_named_so_is_left_alone(tmp_path: Path):
    left = killed(tmp_path / "report.json")
    gone = left.name.split(".")[2]
    host, process = gone.split("-")
    theirs = [
        f".report.{host}-{os.getppid()}.part.json",
        f".report.{'0' * 8}-{process}.part.json",
        f".other.{process}.part.json",
        f".report.{gone}.json",
        f"report.{gone}.part.json",
    ]
    earlier = f".report.{process}.part.json"
    for name in (*theirs, earlier):
        (tmp_path / name).touch()
    with atomic_write(tmp_path / "report.json") as beside:
        beside.write_text("new")
    assert {path.name for path in tmp_path.iterdir()} == {"report.json", *theirs}
