"""A network's weights as a graph takes them: watts in, watts out."""

import numpy as np
import numpy.typing as npt

from seq2point.model.model_file import Model

Weights = dict[str, npt.NDArray[np.float64]]


def fold_scale(model: Model) -> Weights:
    """The weights by parameter name, the scaling of mains and appliances inside the first and the
    last, in double precision.
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
