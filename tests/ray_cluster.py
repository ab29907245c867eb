"""A Ray cluster of two nodes on this machine, for the tests of what runs on one."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

STORE_BYTES = 80_000_000


class TwoNodes(NamedTuple):
    """A cluster: its address, and what kills the second node as a power cut would."""

    address: str
    kill_second: Callable[[], None]
    count_nodes: Callable[[], int]


@pytest.fixture
def two_nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoNodes]:
    """A head and a second node, a core each: two raylets."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    root = str(Path(__file__).parents[1])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]))
    each: dict[str, Any] = {"num_cpus": 1, "object_store_memory": STORE_BYTES}
    cluster = Cluster(initialize_head=True, head_node_args=each)
    second = cluster.add_node(**each)

    def kill() -> None:
        cluster.remove_node(second, allow_graceful=False)

    def count_nodes() -> int:
        return 1 + len(cluster.worker_nodes)

    try:
        yield TwoNodes(cluster.address, kill, count_nodes)
    finally:
        cluster.shutdown()
