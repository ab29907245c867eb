"""A Ray cluster of two nodes here, of which one is killed: nothing lost, nothing twice."""

import os
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.fleet.conftest import list_bytes, write_home

from seq2point.configuration import ColumnsConfig, FleetConfig
from seq2point.errors import UsageError
from seq2point.fleet import FleetJob, FleetModels, list_homes, run_fleet
from seq2point.fleet.assembly import make_workers
from seq2point.fleet.storage import OutputFolder

HOMES = 30
pytestmark = [
    pytest.mark.soak,
    pytest.mark.filterwarnings("ignore"),  # those of Ray's own modules
]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head and a second node, a core each."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    root = str(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]))
    memory = 80_000_000
    started = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "object_store_memory": memory},
    )
    yield started, partial(started.add_node, num_cpus=1, object_store_memory=memory)
    started.shutdown()


def test_a_node_that_dies_costs_no_home_and_none_is_there_twice(
    cluster: Any, model_file: Path, tmp_path: Path
):
    started, add_node = cluster
    second = add_node()
    for seed in range(HOMES):
        write_home(tmp_path / "houses" / f"h{seed:02d}.parquet", seed)
    (tmp_path / "houses" / "bad.parquet").write_bytes(b"PAR1")
    models, homes = FleetModels.find([model_file]), list_homes(str(tmp_path / "houses"))

    def run(name: str, config: FleetConfig, on_result: Any = lambda _: None) -> Any:
        job = FleetJob(models, OutputFolder(str(tmp_path / name)), ColumnsConfig())
        (tmp_path / name).mkdir(exist_ok=True)
        workers = make_workers(config, job, str(tmp_path / "houses"), len(homes))
        return run_fleet(homes, job, tmp_path / name, workers, on_result=on_result)

    seen: list[str] = []

    def kill_the_second_node(result: Any) -> None:
        seen.append(result.house)
        if len(seen) == 5:
            threading.Thread(target=started.remove_node, args=(second, False)).start()

    result = run("cluster", FleetConfig(cluster=started.address), kill_the_second_node)
    assert (result.done, [each.house for each in result.set_aside]) == (HOMES, ["bad"])
    assert sorted(seen) == sorted(home.house for home in homes)
    assert result.failed == ()
    run("pool", FleetConfig(processes=1))
    assert list_bytes(tmp_path / "cluster") == list_bytes(tmp_path / "pool")
    again = run("cluster", FleetConfig(cluster=started.address))
    assert (again.unchanged, again.done) == (HOMES, HOMES)
    assert not started.worker_nodes


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "nowhere", "auto"])
def test_no_cluster_at_an_address_is_one_line(address: str):
    pytest.importorskip("ray")
    from seq2point.workers.cluster import connect

    with pytest.raises(UsageError, match=f"{address}: no Ray cluster answers"):
        connect(address)
