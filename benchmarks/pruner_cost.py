"""What a pruner adds to a training step of the full network: its decisions, its draws and its
zeroing, over a hundred steps.
"""

import time
from collections.abc import Iterator
from copy import deepcopy
from statistics import median

import torch

from benchmarks.inference import SHAPES
from benchmarks.timing import compare_in_turns, cpu_seconds
from benchmarks.training import make_houses, step
from seq2point.appliances import APPLIANCES
from seq2point.compression.pruning import PRUNERS, Pruner, StepInfo
from seq2point.network import Architecture, Seq2Point, masks
from seq2point.network.sliding import choose_chunk_windows
from seq2point.recording import Recording
from seq2point.recording.scaling import Scale
from seq2point.training.chunk_batches import ChunkBatches
from seq2point.training.houses import Houses

STEPS = 100
CHUNKS = 16
ROUNDS = 5


def measure_ratios(budget_s: float) -> Iterator[tuple[str, list[float]]]:
    shape = SHAPES["compact 599"]
    batches = ChunkBatches(make_houses(shape), choose_chunk_windows(shape), CHUNKS, 0)
    work = step(shape, batches)
    torch.manual_seed(0)
    network = shape.build()
    for p in network.parameters():
        p.grad = torch.randn_like(p)
    for name, pruner in PRUNERS.items():
        settings, spent = usual(pruner), [0.0]

        def plain(spent: list[float] = spent) -> float:
            spent[0] = cpu_seconds(work)
            return spent[0]

        def pruned(settings: Pruner = settings, spent: list[float] = spent) -> float:
            return spent[0] + _added_s(settings, network)

        ratios = compare_in_turns(plain, pruned, budget_s / len(PRUNERS))
        yield f"a step alone over one with {name}, compact 599", ratios


def main() -> None:
    shape, kettle = Architecture(), APPLIANCES["kettle"]
    random = torch.rand(2, 100_000).mul_(3000).numpy()
    recording = Recording("random", 6.0, random[0], {"kettle": random[1]})
    houses = Houses([recording], ["kettle"], shape, Scale.published([kettle]), torch.device("cpu"))
    work = step(shape, ChunkBatches(houses, choose_chunk_windows(shape), CHUNKS, 0))
    torch.manual_seed(0)
    network = shape.build()
    for p in network.parameters():
        p.grad = torch.randn_like(p)
    threads = torch.get_num_threads()
    print(
        f"what a pruner adds to a step of {CHUNKS} chunks, {threads} threads, mean over {STEPS}"
        f" steps, median of {ROUNDS} rounds"
    )
    for name, pruner in PRUNERS.items():
        rounds = [
            (median(cpu_seconds(work) for _ in range(3)), _added_s(usual(pruner), network))
            for _ in range(ROUNDS)
        ]
        plain_s, added_s = (median(times) for times in zip(*rounds, strict=True))
        shares = [added_s / plain_s for plain_s, added_s in rounds]
        spread = f"{min(shares):.1%} to {max(shares):.1%}"
        print(
            f"{name:18} {1e3 * added_s:7.1f} ms of {1e3 * plain_s:6.0f} ms: {median(shares):6.1%}"
            f" ({spread})",
            flush=True,
        )


def usual(pruner: type[Pruner]) -> Pruner:
    """A pruner with an update every hundred steps, as in any training of a thousand or more."""
    return pruner(**({"frequency": STEPS} if "frequency" in pruner.model_fields else {}))


def copied(network: Seq2Point) -> Seq2Point:
    copy = deepcopy(network)
    for ours, theirs in zip(copy.parameters(), network.parameters(), strict=True):
        ours.grad = theirs.grad
    return copy


def _added_s(pruner: Pruner, whole: Seq2Point) -> float:
    """Processor time a step of all that a pruner does in a training beside the step itself."""
    network = copied(
        whole
    )  # what another pruner has zeroed, in a copy of its own: equal weights are slow to rank
    state = pruner.begin(network, 0)
    start = time.process_time()
    for i in range(1, STEPS + 1):
        aside = masks.stash_(network, pruner.masks_for_step(state) or {})
        masks.clear_gradients_(network, aside)
        masks.restore_(network, aside)
        state = pruner.update(network, state, StepInfo(i, STEPS, 1.0))
        masks.apply_(network, state.masks)
    return (time.process_time() - start) / STEPS
