"""Read and write the weights of nilmtk-contrib's Seq2PointTorch.

Its network is that of Zhang et al. (2018), with the same shapes and the same channel-major order of
features. Its layers are conv1 to conv5, fc1 and fc2; in other releases they are numbered layers of
a Sequential. Its files lack the scaling constants and the sampling period. Its windows are
(P - mains_mean) / mains_std; its outputs are multiplied by an appliance's std, and its mean added.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from seq2point.errors import ModelFileError, UsageError
from seq2point.integrations.nilmtk.params import NAME, Normalisation, find_appliance_row
from seq2point.model.model_file import Model
from seq2point.network import NETWORKS, Architecture
from seq2point.recording.scaling import Scale
from seq2point.recording.windows import find_midpoint
from seq2point.system.atomic_files import atomic_write

Layout = Literal["named", "numbered"]
NAMES: dict[Layout, tuple[str, ...]] = {
    "named": ("conv1", "conv2", "conv3", "conv4", "conv5", "fc1", "fc2"),
    "numbered": ("0", "2", "4", "6", "9", "13", "16"),
}
METADATA = "metadata.json"
MAINS_MEAN_W, MAINS_STD_W = 1800.0, 600.0
"""The defaults of nilmtk-contrib."""


def load_contrib(
    path: str | Path,
    appliance: str,
    period_s: float,
    mean_w: float | None = None,
    std_w: float | None = None,
    mains_mean_w: float = MAINS_MEAN_W,
    mains_std_w: float = MAINS_STD_W,
) -> Model:
    """Return a model with the weights, and the predictions, of nilmtk-contrib's Seq2PointTorch.

    `path` is a state dict (.pth, .pt or .safetensors), or several by appliance. It may also be the
    folder of a checkpoint with a metadata.json, whose scaling constants are then taken. Elsewhere
    `mean_w` and `std_w` are those of the appliance in its training (`appliance_params`), and those
    of the mains are nilmtk-contrib's defaults. Nothing in the file is executed.
    Raises ModelFileError for a file that is damaged or holds another network, and UsageError where
    the scaling is not known.
    """
    path = Path(path)
    if path.is_dir():
        path, checkpoint = _open_checkpoint(path)
        row = checkpoint.appliance_params.get(appliance, _Scaling())
        mean_w = mean_w if row.mean is None else row.mean
        std_w = std_w if row.std is None else row.std
        mains_mean_w, mains_std_w = checkpoint.mains_mean, checkpoint.mains_std
    if mean_w is None or std_w is None:
        raise UsageError(
            f"{path}: holds no scaling; give the mean and std of '{appliance}' in its training as"
            " mean_w and std_w"
        )
    layers = _sort_layers(path, _read_state(path, appliance))
    architecture = _infer_architecture(path, layers)
    network = architecture.build()
    with torch.no_grad():
        for layer, (weight, bias) in zip(architecture.layers(), layers, strict=True):
            network.get_parameter(layer.weight_name).copy_(weight)
            network.get_parameter(layer.bias_name).copy_(bias)
    row_w = Normalisation(mean=mean_w, std=std_w)
    scale = Scale(
        mains_mean_w=mains_mean_w,
        mains_std_w=mains_std_w,
        appliance_mean_w=(mean_w,),
        appliance_std_w=(std_w,),
    )
    provenance = {"from": "nilmtk-contrib Seq2PointTorch", "file": path.name, NAME: appliance}
    known = find_appliance_row(appliance, row_w, mean_w + std_w)
    return Model(network.eval(), scale, (known,), period_s, provenance=provenance)


def save_contrib(model: Model, path: str | Path, layout: Layout = "named") -> dict[str, Any]:
    """Write a model's weights as nilmtk-contrib's Seq2PointTorch loads them; return their params.

    `path` ends in .safetensors, or in .pth or .pt for torch's own format. The `layout` 'numbered'
    is that of releases whose network is a Sequential. Raises UsageError for a model that its class
    cannot hold: a compacted one, several appliances, low rank.
    """
    path, shape = Path(path), model.architecture
    usual = NETWORKS["seq2point"]
    free = {"window": usual.window, "target_index": usual.target_index, "dropout": usual.dropout}
    if shape.model_copy(update=free) != usual:
        size = f"channels {shape.channels}, kernels {shape.kernels}, hidden {shape.hidden}"
        raise UsageError(
            f"nilmtk-contrib's class has one shape only, not {size}; run this model with"
            " seq2point.integrations.nilmtk.Seq2Point"
        )
    if shape.target_index != find_midpoint(shape.window) or shape.window % 2 == 0:
        raise UsageError(
            f"nilmtk-contrib predicts the middle of an odd window, not sample {shape.target_index}"
            f" of {shape.window}"
        )
    state = {
        f"{name}.{part}": (
            getattr(model.network.module(layer), part).detach().cpu().contiguous().clone()
        )
        for name, layer in zip(NAMES[layout], shape.layers(), strict=True)
        for part in ("weight", "bias")
    }
    if path.suffix not in (".safetensors", ".pth", ".pt"):
        raise UsageError(
            f"{path}: weights are written as .safetensors, .pth or .pt; change the ending"
        )
    with atomic_write(path) as beside:
        if path.suffix == ".safetensors":
            save_file(state, beside)
        else:
            torch.save(state, beside)
    scale, name = model.scale, model.provenance.get(NAME, model.appliances[0].label)
    return {
        "sequence_length": shape.window,
        "mains_mean": scale.mains_mean_w,
        "mains_std": scale.mains_std_w,
        "appliance_params": {
            name: {"mean": scale.appliance_mean_w[0], "std": scale.appliance_std_w[0]}
        },
    }


class _Scaling(BaseModel):
    mean: float | None = None
    std: float | None = Field(None, gt=0)


class _Checkpoint(BaseModel):
    model_config = ConfigDict(allow_inf_nan=False)

    weights_file: str
    weights_sha256: str | None = None
    mains_mean: float
    mains_std: float = Field(gt=0)
    appliance_params: dict[str, _Scaling]


def _open_checkpoint(folder: Path) -> tuple[Path, _Checkpoint]:
    """Return the weights and the metadata of a checkpoint's folder, once its checksum is
    checked.
    """
    try:
        checkpoint = _Checkpoint.model_validate_json((folder / METADATA).read_bytes())
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "all of it"
        raise ModelFileError(
            f"{folder}: no checkpoint of nilmtk-contrib ({METADATA}, {field}: {first['msg']})"
        ) from None
    except OSError as error:
        raise ModelFileError(
            f"{folder}: no checkpoint of nilmtk-contrib ({METADATA}: {error.strerror})"
        ) from None
    weights = folder / checkpoint.weights_file
    if weights.parent != folder or not weights.is_file():
        raise ModelFileError(f"{folder}: its weights '{checkpoint.weights_file}' are missing")
    if (
        checkpoint.weights_sha256
        and hashlib.sha256(weights.read_bytes()).hexdigest() != checkpoint.weights_sha256
    ):
        raise ModelFileError(
            f"{weights}: the file was altered (its SHA-256 differs); copy the checkpoint again"
        )
    return weights, checkpoint


def _read_state(path: Path, appliance: str) -> Mapping[str, Tensor]:
    """Return the state dict in a file, that of the appliance where it holds several."""
    try:
        if path.suffix == ".safetensors":
            state: Any = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ModelFileError(f"{path}: no such file") from None
    except (SafetensorError, UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise ModelFileError(
            f"{path}: no weights that can be loaded safely ({str(error).splitlines()[0][:100]})"
        ) from None
    if (
        isinstance(state, Mapping)
        and state
        and all(isinstance(value, Mapping) for value in state.values())
    ):
        if appliance not in state:
            raise UsageError(f"{path}: holds {', '.join(map(str, state))}, not '{appliance}'")
        state = state[appliance]
    if (
        not isinstance(state, Mapping)
        or not state
        or not all(isinstance(value, Tensor) for value in state.values())
    ):
        raise ModelFileError(f"{path}: holds no state dict")
    return state


def _sort_layers(path: Path, state: Mapping[str, Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Return weight and bias of the convolutions, then of the Linear layers.

    They are in the order of the numbers in their names.
    """
    names = {name.rpartition(".")[0] for name in state}
    wrong = [
        name
        for name in names
        if not {f"{name}.weight", f"{name}.bias"} <= state.keys() or not re.search(r"\d+$", name)
    ]
    kernels = {name: state[f"{name}.weight"].ndim for name in names if name not in wrong}
    if (
        wrong
        or sorted(kernels.values(), reverse=True) != [3] * (len(names) - 2) + [2, 2]
        or len(names) < 3
    ):
        raise ModelFileError(
            f"{path}: not Seq2PointTorch's network (its layers: {', '.join(sorted(names))})"
        )
    in_order = sorted(names, key=lambda name: (-kernels[name], int(re.sub(r"\D", "", name))))
    return [(state[f"{name}.weight"], state[f"{name}.bias"]) for name in in_order]


def _infer_architecture(path: Path, layers: Sequence[tuple[Tensor, Tensor]]) -> Architecture:
    """Return the architecture that weights belong to."""
    *convolutions, (hidden, _), (output, _) = layers
    channels, kernels = ([int(weight.shape[axis]) for weight, _ in convolutions] for axis in (0, 2))
    taps, remainder = divmod(int(hidden.shape[1]), channels[-1])
    inputs = [1, *channels[:-1]]
    fits = all(
        int(weight.shape[1]) == i and len(bias) == len(weight)
        for (weight, bias), i in zip(convolutions, inputs, strict=True)
    )
    if remainder or not fits or tuple(output.shape) != (1, hidden.shape[0]):
        raise ModelFileError(f"{path}: its layers do not fit together as those of Seq2PointTorch")
    window = taps + sum(kernel - 1 for kernel in kernels)
    try:
        return Architecture(
            window=window,
            channels=tuple(channels),
            kernels=tuple(kernels),
            hidden=int(hidden.shape[0]),
        )
    except ValidationError as error:
        raise ModelFileError(
            f"{path}: its layers have the shapes of no network ({error.errors()[0]['msg']})"
        ) from None
