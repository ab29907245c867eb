"""A run that is killed at any moment goes on: the same bytes, nothing twice, nothing lost."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests.fleet.conftest import list_bytes, write_home

HOMES = 24


def start(*words: object, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "seq2point", "fleet", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
    )


def finish(*words: object, **environment: str) -> tuple[int, str]:
    process = start(*words, **environment)
    _, err = process.communicate(timeout=600)
    return process.returncode, err


def read_finished(out: Path) -> dict[str, str]:
    """When each home was done, by the manifest."""
    if not (out / "manifest.sqlite").exists():
        return {}
    with sqlite3.connect(out / "manifest.sqlite") as database:
        try:
            return dict(database.execute("SELECT house, finished FROM homes").fetchall())
        except sqlite3.OperationalError:
            return {}  # killed before the table was there


def list_times(out: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in out.rglob("power.parquet")}


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    for seed in range(HOMES):
        write_home(folder / f"h{seed:02d}.parquet", seed)
    (folder / "bad.parquet").write_bytes(b"PAR1")
    return folder


def test_killed_at_random_moments_it_ends_with_the_same_bytes_and_repeats_nothing(
    many: Path, model_file: Path, tmp_path: Path
):
    words = (model_file, "--input", many, "--processes", 2)
    code, err = finish(*words, "--output", tmp_path / "undisturbed")
    assert code == 3, err
    assert f"{HOMES} homes done" in err
    out, rng, seen = tmp_path / "killed", np.random.default_rng(1), dict[str, int]()
    for kill in range(3):
        process = start(*words, "--output", out)
        done = len(list_times(out))
        while process.poll() is None and len(list_times(out)) < done + 1 + int(rng.integers(4)):
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        time.sleep(1)  # the workers end with it, and what they had half written can go
        times = list_times(out)
        assert seen.items() <= times.items(), f"kill {kill} wrote a finished home again"
        seen = times
    assert 3 <= len(seen) < HOMES
    code, err = finish(*words, "--output", out)
    assert code == 3, err
    assert seen.items() <= list_times(out).items()
    assert list_bytes(out) == list_bytes(tmp_path / "undisturbed")
    assert set(read_finished(out)) == {f"h{seed:02d}" for seed in range(HOMES)} | {"bad"}
    assert not [*out.rglob("*.part*")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_in_one_line_that_says_how_to_go_on(
    many: Path, model_file: Path, tmp_path: Path, number: signal.Signals
):
    out = tmp_path / "out"
    process = start(model_file, "--input", many, "-o", out, "--processes", 1)
    while process.poll() is None and not list_times(out):
        time.sleep(0.01)
    process.send_signal(number)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 128 + number, err
    line = err.splitlines()[-1]
    assert line == (
        "seq2point: stopped; what is finished is kept, and the same command goes on from it"
    )
    assert "Traceback" not in err
    done = list_times(out)
    assert 0 < len(done) < HOMES
    code, err = finish(model_file, "--input", many, "-o", out, "--processes", 2)
    assert code == 3, err
    assert done.items() <= list_times(out).items()
    assert len(list_times(out)) == HOMES


def test_two_runs_into_one_folder_are_refused(many: Path, model_file: Path, tmp_path: Path):
    out = tmp_path / "out"
    words = (model_file, "--input", many, "-o", out, "--processes", 1)
    first = start(*words)
    while first.poll() is None and not (out / "manifest.sqlite").exists():
        time.sleep(0.01)
    code, err = finish(*words)
    first.kill()
    first.communicate()
    assert code == 1, err
    assert f"seq2point: {out}: another seq2point fleet writes there" in err
    assert len(err.splitlines()) <= 2


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
from seq2point.cli import main
if __name__ == "__main__":
    sys.argv[0] = "seq2point"
    main()
"""


def test_a_full_disk_ends_it_in_one_line_with_nothing_half_written(
    many: Path, model_file: Path, tmp_path: Path
):
    """No file may be longer than 20 kB: a disk that is full fails in the same calls."""
    script, out = tmp_path / "limited.py", tmp_path / "out"
    script.write_text(LIMITED)
    words = ("fleet", model_file, "--input", many, "-o", out, "--processes", 1)
    ended = subprocess.run(
        [sys.executable, script, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ended.returncode == 1, ended.stderr
    assert "cannot be" in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr
    assert not list_times(out)
    code, err = finish(model_file, "--input", many, "-o", out, "--processes", 2)
    assert code == 3, err
    assert len(list_times(out)) == HOMES


@pytest.mark.parametrize("place", ["file", "below a file"])
def test_an_output_that_cannot_be_is_refused_before_any_work(
    many: Path, model_file: Path, tmp_path: Path, place: str
):
    (tmp_path / "taken").touch()
    out = tmp_path / "taken" / ("" if place == "file" else "out")
    code, err = finish(model_file, "--input", many, "-o", out)
    assert code == (2 if place == "file" else 1), err
    assert str(tmp_path / "taken") in err.splitlines()[-1]
    assert json.dumps(err).count("\\n") <= 2
