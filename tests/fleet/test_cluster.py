"""A fleet on a Ray cluster of two nodes here: one is killed, and signals end the run."""

import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from benchmarks.process_memory import MemoryWatch
from tests.fleet.conftest import list_bytes, write_home
from tests.fleet.test_killed import finish, list_times, start
from tests.ray_cluster import TwoNodes, two_nodes

from seq2point.configuration import ColumnsConfig, FleetConfig
from seq2point.errors import UsageError
from seq2point.fleet import FleetJob, FleetModels, list_homes, run_fleet
from seq2point.fleet.assembly import make_workers
from seq2point.fleet.storage import OutputFolder

__all__ = ["two_nodes"]

HOMES = 30
MOST_MB = 4000
"""Of the cluster, with all its processes, and of this one."""
pytestmark = [
    pytest.mark.soak,
    pytest.mark.filterwarnings("ignore"),  # those of Ray's own modules
]


@pytest.fixture
def houses(tmp_path: Path) -> Path:
    """Many homes, and one that cannot be read."""
    for seed in range(HOMES):
        write_home(tmp_path / "houses" / f"h{seed:02d}.parquet", seed)
    (tmp_path / "houses" / "bad.parquet").write_bytes(b"PAR1")
    return tmp_path / "houses"


def test_a_node_that_dies_costs_no_home_and_none_is_there_twice(
    two_nodes: TwoNodes, houses: Path, model_file: Path, tmp_path: Path
):
    models, homes = FleetModels.find([model_file]), list_homes(str(houses))

    def run(name: str, config: FleetConfig, on_result: Any = lambda _: None) -> Any:
        job = FleetJob(models, OutputFolder(str(tmp_path / name)), ColumnsConfig())
        (tmp_path / name).mkdir(exist_ok=True)
        workers = make_workers(config, job, str(houses), len(homes))
        return run_fleet(homes, job, tmp_path / name, workers, on_result=on_result)

    seen: list[str] = []

    def kill_the_second_node(result: Any) -> None:
        seen.append(result.house)
        if len(seen) == 5:
            threading.Thread(target=two_nodes.kill_second).start()

    with MemoryWatch() as memory:
        result = run("cluster", FleetConfig(cluster=two_nodes.address), kill_the_second_node)
    assert (result.done, [each.house for each in result.set_aside]) == (HOMES, ["bad"])
    assert sorted(seen) == sorted(home.house for home in homes)
    assert result.failed == ()
    assert two_nodes.count_nodes() == 1
    print(f"highest memory {memory.peak_mb:,.0f} MB")
    assert 0 < memory.peak_mb < MOST_MB
    run("pool", FleetConfig(processes=1))
    assert list_bytes(tmp_path / "cluster") == list_bytes(tmp_path / "pool")
    again = run("cluster", FleetConfig(cluster=two_nodes.address))
    assert (again.unchanged, again.done) == (HOMES, HOMES)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_in_one_line_and_the_next_run_goes_on(
    two_nodes: TwoNodes, houses: Path, model_file: Path, tmp_path: Path, number: signal.Signals
):
    out = tmp_path / "out"
    words = (model_file, "--input", houses, "-o", out, "--cluster", two_nodes.address)
    process = start(*words)
    while process.poll() is None and not list_times(out):
        time.sleep(0.01)
    process.send_signal(number)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 128 + number, err
    assert err.splitlines()[-1] == (
        "seq2point: stopped; what is finished is kept, and the same command goes on from it"
    )
    assert "Traceback" not in err
    done = list_times(out)
    assert 0 < len(done) < HOMES
    code, err = finish(*words)
    assert code == 3, err
    assert f"{HOMES} homes done" in err
    assert done.items() <= list_times(out).items()
    assert not [*out.rglob("*.part*")]


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "nowhere", "auto"])
def test_no_cluster_at_an_address_is_one_line(address: str):
    pytest.importorskip("ray")
    from seq2point.workers.cluster import connect

    with pytest.raises(UsageError, match=f"{address}: no Ray cluster answers"):
        connect(address)
