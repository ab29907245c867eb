"""A pruning method of one's own, used by name like any other: every row keeps its largest weights.

python examples/own_pruner.py kettle --sparsity 0.8 --steps 300
"""

import argparse
from typing import ClassVar

import torch
from torch import Tensor, nn

import seq2point
from seq2point.compression.pruning import (
    PRUNERS,
    PruneState,
    SingleWeights,
    count_kept,
    keep_highest,
)
from seq2point.network import masks


class RowMagnitude(SingleWeights):
    """Keep the largest weights of every filter and every hidden unit, each at the same sparsity.

    No unit loses all that it reads, as the weak ones do where a whole tensor is ranked at once.
    """

    name: ClassVar[str] = "row_magnitude"
    source: ClassVar[str] = "examples/own_pruner.py"
    advice: ClassVar[str] = "An example."

    def choose(self, network: nn.Module, sparsity: float, state: PruneState) -> dict[str, Tensor]:
        return {
            name: torch.stack(
                [keep_highest(row, count_kept(row.numel(), sparsity)) for row in scores]
            )
            for name, scores in self.magnitudes(network, state).items()
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("appliance")
    parser.add_argument("--sparsity", type=float, default=0.8)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--days", type=float, default=14, help="of each of three simulated houses")
    parser.add_argument("--window", type=int, default=99)
    options = parser.parse_args()

    PRUNERS[RowMagnitude.name] = RowMagnitude
    appliance = options.appliance
    *training, test = (
        seq2point.simulate_house(seed, options.days, 60, [appliance]) for seed in range(3)
    )
    for method in ("magnitude", "row_magnitude"):
        model = seq2point.train(
            training,
            appliance,
            network="reduced",
            window=options.window,
            steps=options.steps,
            pruning=method,
            sparsity=options.sparsity,
            progress=False,
        )
        mae_w = seq2point.evaluate(model, [test]).metrics[appliance]["mae_w"]
        removed = masks.measure_sparsity(model.network, model.masks)
        print(f"{method}: {removed:.1%} of the weights removed, MAE {mae_w:.1f} W", flush=True)


if __name__ == "__main__":
    main()
