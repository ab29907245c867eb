"""`seq2point study` on a Ray cluster of two nodes here: one is killed, and signals end the run."""

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from benchmarks.process_memory import MemoryWatch
from tests.cli.test_study import PARTS, list_made, read, settle, start, write
from tests.ray_cluster import TwoNodes, two_nodes

__all__ = ["two_nodes"]

MOST_MB = 4000
pytestmark = [
    pytest.mark.soak,
    pytest.mark.filterwarnings("ignore"),  # those of Ray's own modules
]


def wait_for(process: Any, out: Path, made: int) -> None:
    while process.poll() is None and len(list_made(out)) < made:
        time.sleep(0.01)


def test_a_node_that_dies_costs_no_training_and_none_is_made_twice(
    two_nodes: TwoNodes, files: Any, tmp_path: Path
):
    here, out = tmp_path / "here", tmp_path / "out"
    words = (write(tmp_path), "--data", files.train.parent)
    alone = start(*words, "--out", here, "--jobs", 1)
    _, err = alone.communicate(timeout=1200)
    assert alone.returncode == 0, err
    with MemoryWatch() as memory:
        process = start(*words, "--out", out, "--cluster", two_nodes.address)
        wait_for(process, out, 3)
        made = list_made(out)
        two_nodes.kill_second()
        _, err = process.communicate(timeout=1200)
    assert process.returncode == 0, err
    assert two_nodes.count_nodes() == 1
    print(f"highest memory {memory.peak_mb:,.0f} MB")
    assert 0 < memory.peak_mb < MOST_MB
    assert 0 < len(made) < 2 * PARTS
    assert made.items() <= list_made(out).items()
    assert len(list_made(out)) == 2 * PARTS
    assert settle(read(out)) == settle(read(here))
    assert read(out)["failed"] == []
    assert not [*out.rglob("unfinished")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_in_one_line_and_the_next_run_goes_on(
    two_nodes: TwoNodes, files: Any, tmp_path: Path, number: signal.Signals
):
    out = tmp_path / "out"
    words = (write(tmp_path), "--data", files.train.parent, "--out", out)
    words = (*words, "--cluster", two_nodes.address)
    process = start(*words)
    wait_for(process, out, 1)
    process.send_signal(number)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 128 + number, err
    assert err.splitlines()[-1].startswith("seq2point: stopped; the parts that are done stay")
    assert "Traceback" not in err
    made = list_made(out)
    assert 0 < len(made) < 2 * PARTS
    again = start(*words, "--json", "-")
    said, err = again.communicate(timeout=1200)
    assert again.returncode == 0, err
    assert len(json.loads(said)["rows"]) == PARTS
    assert made.items() <= list_made(out).items()
