"""Several models that share their convolutions, joined into one."""

from collections.abc import Sequence

import torch

from seq2point.errors import UsageError
from seq2point.model.model_file import Model
from seq2point.network import Architecture


@torch.no_grad()
def join_models(models: Sequence[Model]) -> Model:
    """Return one model of several appliances, from models that share their convolutions.

    It computes the convolutions once, and gives the same predictions. The Linear layers stand side
    by side. Masks keep every unit and output to its own model's inputs.
    Raises UsageError for models whose convolutions, window, period or mains scaling differ, and for
    an appliance that comes twice.
    """
    first = models[0]
    for other in models[1:]:
        _require_same_convolutions(first, other)
    names = [a.name for model in models for a in model.appliances]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise UsageError(f"{min(repeated)} comes twice: join one model of each appliance")
    networks = [m.network for m in models]
    linear = first.architecture.linear_layers
    outputs = [[layer.outputs for layer in m.architecture.linear_layers] for m in models]
    widths = [sum(counts) for counts in zip(*outputs, strict=True)]
    with torch.device("meta"):
        network = _resize_linear(first.architecture, widths).build()
    state = {name: t.clone() for name, t in get_convolutions(first).items()}
    masks = {name: mask for name, mask in first.masks.items() if name in state}
    for layer in linear:
        weight, bias = layer.weight_name, layer.bias_name
        state[bias] = torch.cat([n.get_parameter(bias) for n in networks])
        if layer is linear[0]:
            state[weight] = torch.cat([n.get_parameter(weight) for n in networks])
            if any(weight in m.masks for m in models):
                masks[weight] = torch.cat([_get_mask(m, weight) for m in models])
        else:
            state[weight] = _make_block_diagonal([n.get_parameter(weight) for n in networks])
            blocks = [_get_mask(m, weight).float() for m in models]
            masks[weight] = _make_block_diagonal(blocks) > 0
        if any(bias in m.masks for m in models):
            masks[bias] = torch.cat([_get_mask(m, bias) for m in models])
    network.load_state_dict(state, assign=True)
    scale = first.scale.model_copy(
        update={
            moment: tuple(value for m in models for value in getattr(m.scale, moment))
            for moment in ("appliance_mean_w", "appliance_std_w")
        }
    )
    means_w: dict[str, float] = {}
    for model in models:
        means_w |= model.provenance.get("training_mean_w", {})
    provenance = {"joined": [m.provenance for m in models], "training_mean_w": means_w}
    appliances = tuple(a for m in models for a in m.appliances)
    return Model(network.eval(), scale, appliances, first.period_s, masks, provenance)


def get_convolutions(model: Model) -> dict[str, torch.Tensor]:
    """Return the parameters of the convolutions."""
    state = model.network.state_dict()
    return {
        name: state[name]
        for layer in model.architecture.convolution_layers
        for name in layer.parameter_names
    }


def _resize_linear(shape: Architecture, outputs: Sequence[int]) -> Architecture:
    """Return an architecture with another number of outputs of each Linear layer."""
    layers = (
        layer._replace(outputs=count)
        for layer, count in zip(shape.linear_layers, outputs, strict=True)
    )
    return shape.resize([*shape.convolution_layers, *layers], shape.target_index)


def _make_block_diagonal(blocks: Sequence[torch.Tensor]) -> torch.Tensor:
    matrix: torch.Tensor = torch.block_diag(*blocks)  # type: ignore[no-untyped-call]
    return matrix


def _get_mask(model: Model, name: str) -> torch.Tensor:
    """Return a parameter's mask, all true where it has none."""
    if name in model.masks:
        return model.masks[name]
    return torch.ones_like(model.network.get_parameter(name), dtype=torch.bool)


def join_labels(model: Model) -> str:
    """Return the labels of a model's appliances, in a row."""
    return ", ".join(a.label for a in model.appliances)


def _require_same_convolutions(first: Model, second: Model) -> None:
    both = f"the models of {join_labels(first)} and of {join_labels(second)}"
    shapes = [
        _resize_linear(m.architecture, [1] * len(m.architecture.linear_layers))
        for m in (first, second)
    ]
    if shapes[0] != shapes[1] or shapes[0].rank:
        raise UsageError(
            f"{both} do not share their convolutions (compaction or a low rank made them differ):"
            " join, then compact"
        )
    others = get_convolutions(second)
    if any(not torch.equal(t, others[name]) for name, t in get_convolutions(first).items()):
        raise UsageError(
            f"{both} do not share their convolutions: transfer them with `freeze` convolutions"
        )
    mains = [(m.period_s, m.scale.mains_mean_w, m.scale.mains_std_w) for m in (first, second)]
    if mains[0] != mains[1]:
        raise UsageError(f"{both} were trained at different periods or scalings of the mains")
