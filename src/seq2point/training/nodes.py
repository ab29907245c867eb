"""The machines of one training: which of them this is, and where they meet.

torchrun says so in the environment of what it begins, and so does whoever starts the machines by
hand: MASTER_ADDR and MASTER_PORT are the first machine's, NODE_RANK is this one's number from 0.
"""

import os
from collections.abc import Mapping
from typing import NamedTuple

from seq2point.errors import UsageError

ADDRESS, PORT = "MASTER_ADDR", "MASTER_PORT"
RANKS = ("GROUP_RANK", "NODE_RANK", "RANK")
"""Who names the number of a machine: torchrun, Lightning, and schedulers with a process each."""
PROCESSES_HERE, PROCESSES = "LOCAL_WORLD_SIZE", "WORLD_SIZE"


class Node(NamedTuple):
    """The number of a machine among `machines`, from 0, and the address where they meet.

    A training on one machine meets at a free port of its own: `port` is 0.
    """

    rank: int = 0
    machines: int = 1
    address: str = "127.0.0.1"
    port: int = 0


def find_node(count: int, environment: Mapping[str, str] = os.environ) -> Node:
    """Return which of `count` machines this is, by the environment.

    Raises UsageError where that does not say it, or says another number of machines.
    """
    if count == 1:
        return Node()
    name = next((name for name in RANKS if name in environment), "NODE_RANK")
    missing = [each for each in (ADDRESS, PORT, name) if not environment.get(each)]
    if missing:
        raise UsageError(
            f"{count}: {missing[0]} is not set; begin the command on each machine with torchrun,"
            f" or set {ADDRESS}, {PORT} and NODE_RANK",
            field="nodes",
        )
    here = _read_number(environment, PROCESSES_HERE, 1)
    if here != 1:
        raise UsageError(
            f"{count}: torchrun begins {here} processes on a machine; give it --nproc-per-node 1,"
            " and share a machine with `devices`",
            field="nodes",
        )
    processes = _read_number(environment, PROCESSES, count)
    rank = _read_number(environment, name, 0)
    if processes != count or not 0 <= rank < count:
        raise UsageError(
            f"{count}: the environment says machine {rank} of {processes} ({name}, {PROCESSES})",
            field="nodes",
        )
    return Node(rank, count, environment[ADDRESS], _read_number(environment, PORT, 0))


def _read_number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"{name} '{text}': expected a whole number", field="nodes") from None
