"""Networks that nobody trains, and what a pruner decides about them step by step."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from seq2point.compression.pruning import Pruner, PruneState, StepInfo
from seq2point.network import Architecture, Seq2Point

States = Callable[..., list[PruneState]]


@pytest.fixture
def network() -> Seq2Point:
    torch.manual_seed(0)
    network = Architecture(window=33, channels=(6, 4), kernels=(5, 3), hidden=50).build()
    with torch.no_grad():
        for name, p in network.named_parameters():
            if name.endswith("bias"):
                p.uniform_(0.1, 1)
    return network


@pytest.fixture
def states() -> States:
    """Return the state before a training and after every step, where no weight changes."""

    def states(
        pruner: Pruner, network: Seq2Point, planned: int, losses: Any = None, seed: int = 0
    ) -> list[PruneState]:
        history = [pruner.begin(network, seed)]
        for step in range(1, planned + 1):
            loss = 1.0 if losses is None else float(losses(step))
            history.append(pruner.update(network, history[-1], StepInfo(step, planned, loss)))
        return history

    return states
