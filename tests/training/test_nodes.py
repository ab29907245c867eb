"""One training on two machines, which are two commands on this one: what one process learns."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2point import Model
from seq2point.data.parquet_file import write_recording
from seq2point.errors import UsageError
from seq2point.recording import Recording
from seq2point.training.nodes import Node, find_node

CURVE = ("val_loss", "interval_loss")
TRAINING = ("--engine", "windows", "--batch-size", 40, "--steps", 20,
            "--window", 33, "--network", "reduced", "--threads", 1)  # fmt: skip
TORCHRUN = ("torch.distributed.run", "--nnodes", 2, "--nproc-per-node", 1)


@pytest.fixture(scope="module")
def house_file(house: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("houses") / "house.parquet"
    write_recording(house, path)
    return path


def find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


STARTED: list[subprocess.Popen[str]] = []


@pytest.fixture(autouse=True)
def _end_what_is_left() -> Iterator[None]:
    """A machine waits long for one that never comes."""
    yield
    while STARTED:
        process = STARTED.pop()
        process.kill()
        process.communicate()


def start(*words: object, **environment: object) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            **{name: str(value) for name, value in environment.items()},
        },
    )
    STARTED.append(process)
    return process


def start_nodes(house_file: Path, out: Path, *more: object) -> list[subprocess.Popen[str]]:
    port = find_port()
    return [
        start(
            "seq2point", "train", "kettle", "--train", house_file, *TRAINING, "--out", out,
            "--nodes", 2, *more, MASTER_ADDR="127.0.0.1", MASTER_PORT=port, NODE_RANK=rank,
        )
        for rank in range(2)
    ]  # fmt: skip


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, err = process.communicate(timeout=600)
    return process.returncode, err


def read_curve(out: Path) -> dict[str, list[float]]:
    history = json.loads((out / "metrics.json").read_text())["training"]["history"]
    assert len(history) > 5
    return {name: [row[name] for row in history] for name in CURVE}


@pytest.fixture(scope="module")
def alone(house_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the same training in one process."""
    out = tmp_path_factory.mktemp("alone") / "out"
    code, err = finish(
        start("seq2point", "train", "kettle", "--train", house_file, *TRAINING, "--out", out)
    )
    assert code == 0, err
    return out


def test_two_machines_have_the_loss_curve_of_one_process(
    house_file: Path, alone: Path, tmp_path: Path
):
    first, second = start_nodes(house_file, tmp_path / "out")
    code, err = finish(second)
    assert code == 0, err
    assert "trained with the first machine, which tests and writes" in err
    code, err = finish(first)
    assert code == 0, err
    for name, curve in read_curve(tmp_path / "out").items():
        np.testing.assert_allclose(curve, read_curve(alone)[name], rtol=1e-3, err_msg=name)
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert (record["finished"], record["asked"]["devices"]) == (True, 2)
    assert Model.load(tmp_path / "out" / "model.safetensors").window == 33


@pytest.mark.soak
def test_torchrun_says_which_machine_this_is(house_file: Path, alone: Path, tmp_path: Path):
    port, out = find_port(), tmp_path / "out"
    nodes = [
        start(
            *TORCHRUN, "--node-rank", rank, "--master-addr", "127.0.0.1", "--master-port", port,
            "--module", "seq2point", "train", "kettle", "--train", house_file, *TRAINING,
            "--out", out, "--nodes", 2,
        )
        for rank in range(2)
    ]  # fmt: skip
    for node in nodes:
        code, err = finish(node)
        assert code == 0, err
    for name, curve in read_curve(out).items():
        np.testing.assert_allclose(curve, read_curve(alone)[name], rtol=1e-3, err_msg=name)


@pytest.mark.soak
def test_a_machine_that_dies_ends_the_others_in_one_line(house_file: Path, tmp_path: Path):
    out = tmp_path / "out"
    first, second = start_nodes(house_file, out, "--steps", 1_000_000, "--validation-frequency", 1)
    while first.poll() is None and not (out / "checkpoints" / "last.ckpt").exists():
        time.sleep(0.05)
    children = Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text().split()
    for process in map(int, children):
        os.kill(process, signal.SIGKILL)
    first.kill()
    code, err = finish(second)
    assert code == 1, err
    assert "seq2point: another machine of the training does not answer" in err.splitlines()[-1]
    assert "Traceback" not in err
    finish(first)


HERE = {"MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "29500"}


@pytest.mark.parametrize(
    "names",
    [{"NODE_RANK": "1"}, {"RANK": "1", "WORLD_SIZE": "2"}, {"GROUP_RANK": "1", "RANK": "7"}],
)
def test_the_environment_says_which_machine_this_is(names: dict[str, str]):
    assert find_node(2, HERE | names) == Node(1, 2, "10.0.0.1", 29500)
    assert find_node(1, {}) == Node()


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ({}, "2: NODE_RANK is not set; begin the command on each machine with torchrun"),
        ({"RANK": "0", "MASTER_ADDR": ""}, "2: MASTER_ADDR is not set"),
        ({"RANK": "2"}, "2: the environment says machine 2 of 2"),
        ({"RANK": "0", "WORLD_SIZE": "3"}, "2: the environment says machine 0 of 3"),
        ({"RANK": "0", "LOCAL_WORLD_SIZE": "4"}, "give it --nproc-per-node 1"),
        ({"RANK": "first"}, "RANK 'first': expected a whole number"),
    ],
)
def test_an_environment_that_does_not_say_it_is_refused(names: dict[str, str], text: str):
    with pytest.raises(UsageError, match=text) as refused:
        find_node(2, HERE | names)
    assert refused.value.field == "nodes"


@pytest.mark.soak
def test_machines_with_other_data_are_refused(house_file: Path, tmp_path: Path, make_house: Any):
    other = tmp_path / "other.parquet"
    write_recording(make_house(1200, seed=4), other)
    port = find_port()
    nodes = [
        start(
            "seq2point", "train", "kettle", "--train", path, *TRAINING, "--out", tmp_path / "out",
            "--nodes", 2, MASTER_ADDR="127.0.0.1", MASTER_PORT=port, NODE_RANK=rank,
        )
        for rank, path in enumerate((house_file, other))
    ]  # fmt: skip
    for node in nodes:
        code, err = finish(node)
        assert code == 1, err
        assert "the machines of the training differ in data" in err.splitlines()[-1]
