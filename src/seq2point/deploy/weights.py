"""A network's layers and weights as a graph takes them: watts in, watts out."""

import numpy as np
import numpy.typing as npt

from seq2point.model.model_file import Model
from seq2point.network import Architecture

Weights = dict[str, npt.NDArray[np.float64]]


def layers(shape: Architecture) -> list[str]:
    """The names of the network's layers, in order."""
    linear = ["hidden", "output"] if shape.rank is None else ["projection", "hidden", "output"]
    return [*(f"convolutions.{i}" for i in range(len(shape.kernels))), *linear]


def fold_scale(model: Model) -> Weights:
    """The weights by parameter name, the scaling of mains and appliances inside the first and the
    last, in double precision.
    """
    weights = {
        name: t.detach().cpu().double().numpy() for name, t in model.network.state_dict().items()
    }
    scale = model.scale
    first, std_w = (
        weights["convolutions.0.weight"] / scale.mains_std_w,
        np.array(scale.appliance_std_w),
    )
    return weights | {
        "convolutions.0.weight": first,
        "convolutions.0.bias": (
            weights["convolutions.0.bias"] - first.sum((1, 2)) * scale.mains_mean_w
        ),
        "output.weight": weights["output.weight"] * std_w[:, None],
        "output.bias": weights["output.bias"] * std_w + np.array(scale.appliance_mean_w),
    }
