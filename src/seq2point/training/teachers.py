"""Teachers: trained networks whose mean prediction another network learns (distillation).

The mean of several seeds is better than each of them. A small network that learns from it comes
near it (Hinton, Vinyals and Dean 2015, arXiv 1503.02531).
"""

import copy
from collections.abc import Sequence
from typing import NamedTuple, Self

import torch
from torch import Tensor

from seq2point.appliances import Appliance
from seq2point.errors import UsageError
from seq2point.model.model_file import Model
from seq2point.network import Architecture, Seq2Point, sliding
from seq2point.recording import is_same_period
from seq2point.recording.scaling import Scale


class Teachers(NamedTuple):
    """Networks of one scale and window, and the weight of their mean prediction in the target."""

    networks: Sequence[Seq2Point] = ()
    weight: float = 0.0

    @classmethod
    def choose(
        cls,
        models: Sequence[Model],
        weight: float,
        appliance: Appliance,
        architecture: Architecture,
        scale: Scale,
        period_s: float,
    ) -> Self:
        """Return the teachers of a training.

        Raises UsageError for a model of another appliance, window, scaling or sampling period.
        """
        for model in models:
            shape = model.architecture
            differences = {
                "appliance": [a.name for a in model.appliances] != [appliance.name],
                "window": (shape.window, shape.target_index)
                != (architecture.window, architecture.target_index),
                "scaling": model.scale != scale,
                "sampling period": not is_same_period(model.period_s, period_s),
            }
            if different := [what for what, differs in differences.items() if differs]:
                raise UsageError(
                    f"`teachers`: a model has another {' and '.join(different)} than the network"
                    " to train"
                )
        networks = [copy.deepcopy(model.network).eval() for model in models]
        return cls(networks, weight if models else 0.0)

    @torch.no_grad()
    def mix(self, x: Tensor, target: Tensor) -> Tensor:
        """Return targets f32[N, M, A] with the mean prediction for chunks f32[N, L] mixed in."""
        if not self.networks:
            return target
        predictions = [sliding.predict_chunks(each.to(x.device), x) for each in self.networks]
        return torch.lerp(target, torch.stack(predictions).mean(0), self.weight)


NO_TEACHERS = Teachers()
