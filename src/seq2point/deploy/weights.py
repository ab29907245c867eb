"""A network's weights for a graph that takes and gives watts."""

import numpy as np
import numpy.typing as npt

from seq2point.model.model_file import Model

Weights = dict[str, npt.NDArray[np.float64]]


def fold_scale(model: Model) -> Weights:
    """Return the weights by parameter name in float64, with the scaling folded in.

    The mains' scale goes into the first layer, the appliances' scale into the last.
    """
    weights = {
        name: t.detach().cpu().double().numpy() for name, t in model.network.state_dict().items()
    }
    scale, layers = model.scale, model.architecture.layers()
    first, last = layers[0], layers[-1]
    filters, std_w = weights[first.weight_name] / scale.mains_std_w, np.array(scale.appliance_std_w)
    return weights | {
        first.weight_name: filters,
        first.bias_name: weights[first.bias_name] - filters.sum((1, 2)) * scale.mains_mean_w,
        last.weight_name: weights[last.weight_name] * std_w[:, None],
        last.bias_name: weights[last.bias_name] * std_w + np.array(scale.appliance_mean_w),
    }
