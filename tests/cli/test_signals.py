"""Signals from outside to the command as its user runs it: one line, the signal's exit code, and a
training to go on with.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
Start = Callable[..., subprocess.Popen[str]]

LONG = (
    "--network",
    "reduced",
    "--window",
    31,
    "--engine",
    "windows",
    "--batch-size",
    8,
    "--threads",
    1,
    "--steps",
    10**6,
)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts `seq2point` in a process group of its own; what still runs at the end is killed."""
    running: list[subprocess.Popen[str]] = []

    def start(
        *words: object, program: Sequence[str] = ("-m", "seq2point")
    ) -> subprocess.Popen[str]:
        command = [sys.executable, *program, *map(str, words)]
        running.append(
            subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
        )
        return running[-1]

    yield start
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_for(happened: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while not happened():
        assert process.poll() is None
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("number", "group", "devices"),
    [
        (signal.SIGTERM, False, 1),
        (signal.SIGINT, True, 2),
        pytest.param(signal.SIGINT, True, 1, marks=pytest.mark.soak),
        pytest.param(signal.SIGHUP, False, 1, marks=pytest.mark.soak),
    ],
)
def test_a_training_that_is_signalled_says_how_to_go_on(
    start: Start, files: Any, tmp_path: Path, number: int, group: bool, devices: int
):
    out = tmp_path / "run"
    process = start(
        "train", "kettle", "--train", files.train, "--out", out, "--devices", devices, *LONG
    )
    wait_for(lambda: any(out.glob("logs/*/*/hparams.yaml")), process)
    (os.killpg if group else os.kill)(process.pid, number)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 128 + number, said
    assert (
        said.splitlines()[-1]
        == f"seq2point: stopped; {out} keeps a checkpoint, and the same command with --resume goes"
        " on from it"
    )
    assert "Traceback" not in said


def test_the_original_command_goes_on_from_where_it_was_stopped(
    start: Start, files: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    words = ("--training_directory", files.train, "--network_type", "reduced")
    words += ("--input_window_length", 31, "--engine", "windows", "--batch_size", 8)
    words += ("--epochs", 10**5)

    def stop_after(pattern: str, *more: str) -> str:
        logs = len(list(tmp_path.glob(pattern)))
        process = start(*words, *more, program=(str(ROOT / "train_main.py"),))
        wait_for(lambda: len(list(tmp_path.glob(pattern))) > logs, process)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=300)
        assert process.returncode == 128 + signal.SIGTERM, said
        assert said.splitlines()[-1].endswith("the same command with --resume goes on from it")
        return said

    logs = "kettle/saved_models/*_run/logs/*/*/hparams.yaml"
    assert "going on from step" not in stop_after(logs)
    assert "going on from step" in stop_after(logs, "--resume")


SLOW = """
import pathlib, time
pathlib.Path({begun!r}).touch()
time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_before_a_training_begins_is_one_line(
    start: Start, files: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
):
    """It comes while the verb still imports torch, for which a module of that name stands in."""
    begun = tmp_path / "begun"
    (tmp_path / "torch.py").write_text(SLOW.format(begun=str(begun)))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    process = start("train", "kettle", "--train", files.train, "--out", tmp_path / "run")
    wait_for(begun.exists, process)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (128 + number, "seq2point: stopped\n")


def test_ctrl_c_while_the_command_is_imported_is_one_line(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    begun = tmp_path / "begun"
    (tmp_path / "typer.py").write_text(SLOW.format(begun=str(begun)))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    process = start("live", "--list-meters")
    wait_for(begun.exists, process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "seq2point: stopped\n")
