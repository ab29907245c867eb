"""Compaction: a network with masks becomes a smaller one of the same class that computes the same.

The masks alone say what is removed, never zeros. Every layer is a correlation [outputs, inputs,
taps]:

    fold    A unit that no kept weight enters is a constant, ReLU(bias). Nothing is padded, so the
            constant is the same at every sample. It is added to the biases of the layer that reads
            it.
    drop    A unit that no kept weight reads is removed, with its own weights. Others may then have
            no reader.
    trim    Outermost taps that are all masked shorten a kernel. Outermost time steps that no hidden
            unit reads shorten the first Linear. Both shorten the window, and target_index moves
            along.

Single pruned weights between kept ones have no smaller Architecture. They stay zeros, with masks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from seq2point.model.model_file import Model
from seq2point.network import Architecture, Layer, Seq2Point
from seq2point.network.masks import Masks

REMAINDER = (
    "{:,} pruned weights are still there as zeros, scattered over units, channels and taps that are"
    " kept. Single input columns of the first Linear are of that kind too. No smaller architecture"
    " can leave them out."
)


class CompactedNetwork(NamedTuple):
    """A smaller network, and the masks of the zeros that are left in it.

    `first_sample` is the sample of the old window at which the new one begins.
    """

    network: Seq2Point
    masks: dict[str, Tensor]
    first_sample: int


def compact(model: Model) -> Model:
    """Return a model of the same predictions, without the units, channels and taps that its masks
    drop.

    A shorter window also predicts nearer to the edges of a series and of its gaps. The provenance
    gets one more entry under 'compaction', unless the architecture stays as it is. Masks of
    scattered weights leave nothing to remove.
    """
    small = compact_network(model.network, model.masks)
    provenance = dict(model.provenance)
    if small.network.architecture != model.architecture:
        step = {
            "before": model.architecture.model_dump(mode="json"),
            "after": small.network.architecture.model_dump(mode="json"),
            "first_sample": small.first_sample,
        }
        provenance["compaction"] = [*provenance.get("compaction", []), step]
    return replace(model, network=small.network, masks=small.masks, provenance=provenance)


def can_compact(model: Model) -> bool:
    """Return whether compaction would give a smaller network than the model's."""
    small = compact_network(model.network, model.masks)
    return small.network.architecture != model.architecture


def describe_remainder(compacted: Model) -> list[str]:
    """Return a sentence on the zeros that compaction could not remove, if there are any."""
    scattered = sum(
        kept.numel() - int(torch.count_nonzero(kept)) for kept in compacted.masks.values()
    )
    return [REMAINDER.format(scattered)] if scattered else []


@torch.no_grad()
def compact_network(network: Seq2Point, masks: Masks) -> CompactedNetwork:
    """Return the smaller network that equals `network` with its masked weights at zero.

    The arguments stay as they are. At least one unit stays in every layer, even a dead one. The
    window always holds its target. The networks are equal in evaluation mode: in training, dropout
    draws for fewer units.
    """
    layers = _copy_layers(network, masks)
    _fold_constants_(layers)
    _drop_unread_(layers)
    trims = _find_trims(layers, network.architecture)
    shape, small = network.architecture, _slice_layers(layers, trims)
    first_sample = sum(first for first, _ in trims)
    target_index = shape.target_index - first_sample
    architecture = shape.resize([layer.resize() for layer in small], target_index)
    with torch.device("meta"):
        compacted = architecture.build()
    compacted.load_state_dict(
        {name: t for layer in small for name, t in layer.list_parameters().items()}, assign=True
    )
    compacted.train(network.training)
    remaining = {name: kept for layer in small for name, kept in layer.list_masks().items()}
    return CompactedNetwork(compacted, remaining, first_sample)


@dataclass
class _MaskedLayer:
    """A layer as a correlation over time: weights [O, I, K], biases f64[O], and masks of both."""

    layer: Layer
    weight: Tensor
    weight_kept: Tensor
    bias: Tensor
    bias_kept: Tensor

    def drop_outputs_(self, outputs_O: Tensor) -> None:
        """Drop some outputs, with their weights and biases, in place."""
        self.weight[outputs_O] = 0
        self.weight_kept[outputs_O] = False
        self.bias[outputs_O] = 0
        self.bias_kept[outputs_O] = False

    def drop_inputs_(self, inputs_I: Tensor) -> None:
        """Drop the weights that read some inputs, in place."""
        self.weight[:, inputs_I] = 0
        self.weight_kept[:, inputs_I] = False

    def select(self, outputs: Tensor, inputs: Tensor, taps: slice) -> "_MaskedLayer":
        """Return the layer of some outputs, inputs and taps."""
        return replace(
            self,
            weight=self.weight[outputs][:, inputs][..., taps],
            weight_kept=self.weight_kept[outputs][:, inputs][..., taps],
            bias=self.bias[outputs],
            bias_kept=self.bias_kept[outputs],
        )

    def resize(self) -> Layer:
        """Return the architecture's layer with the outputs and taps that are left."""
        outputs, _, taps = self.weight.shape
        return self.layer._replace(outputs=outputs, taps=taps)

    def list_parameters(self) -> dict[str, Tensor]:
        """Return weights and biases by parameter name."""
        weight = self._restore_shape(self.weight)
        return self._name_tensors(weight, self.bias.to(weight.dtype))

    def list_masks(self) -> dict[str, Tensor]:
        """Return the masks that still drop something, by parameter name."""
        both = self._name_tensors(self._restore_shape(self.weight_kept), self.bias_kept)
        return {name: kept for name, kept in both.items() if not kept.all()}

    def _restore_shape(self, t_OIK: Tensor) -> Tensor:
        return (t_OIK if self.layer.convolves else t_OIK.flatten(1)).contiguous()

    def _name_tensors(self, weight: Tensor, bias: Tensor) -> dict[str, Tensor]:
        return dict(zip(self.layer.parameter_names, (weight, bias), strict=False))


def _copy_layers(network: Seq2Point, masks: Masks) -> list[_MaskedLayer]:
    """Return the network's layers in order, with copies of their weights and masks."""
    layers = []
    for layer in network.architecture.layers():
        weight = network.get_parameter(layer.weight_name)
        weight_OIK = weight.view(layer.outputs, layer.inputs, layer.taps)
        kept_OIK = torch.ones_like(weight_OIK, dtype=torch.bool)
        bias_O = (
            network.get_parameter(layer.bias_name) if layer.bias else weight.new_zeros(len(weight))
        )
        kept_O = torch.ones_like(bias_O, dtype=torch.bool)
        if layer.weight_name in masks:
            kept_OIK &= masks[layer.weight_name].to(weight.device).view_as(kept_OIK)
        if layer.bias_name in masks:
            kept_O &= masks[layer.bias_name].to(weight.device)
        layers.append(
            _MaskedLayer(layer, weight_OIK * kept_OIK, kept_OIK, bias_O.double() * kept_O, kept_O)
        )
    return layers


def _fold_constants_(layers: Sequence[_MaskedLayer]) -> None:
    """Add constant outputs to the biases of the layers that read them, first layer to last."""
    for layer, reader in pairwise(layers):
        constant_O = ~layer.weight_kept.any(2).any(1)
        rectified = layer.layer.rectified
        value_O = torch.relu(layer.bias) * constant_O if rectified else layer.bias
        nonzero = torch.nonzero(value_O)[:, 0]
        added_O = reader.weight[:, nonzero].double().sum(2) @ value_O[nonzero]
        reader.bias += added_O
        reader.bias_kept |= added_O != 0
        if not rectified:
            layer.bias.zero_()
        layer.drop_outputs_(constant_O)
        reader.drop_inputs_(constant_O)


def _drop_unread_(layers: Sequence[_MaskedLayer]) -> None:
    """Drop the outputs that no layer reads, last layer to first."""
    for layer, reader in reversed(list(pairwise(layers))):
        layer.drop_outputs_(~reader.weight_kept.any(2).any(0))


def _find_trims(layers: Sequence[_MaskedLayer], shape: Architecture) -> list[tuple[int, int]]:
    """Return how many first and last taps each layer can lose; the window must hold its target.

    The first Linear goes first: a time step of it has more weights than a tap of a kernel.
    """
    before, after = shape.target_index, shape.window - 1 - shape.target_index
    trims = []
    for layer in reversed(layers):
        taps = layer.weight.shape[2]
        read = torch.nonzero(layer.weight_kept.any(1).any(0))[:, 0].tolist() or [taps - 1]
        first = min(read[0], before)
        last = (
            min(taps - 1 - read[-1], after)
            if layer.weight_kept.any()
            else min(taps - 1 - first, after)
        )
        before, after = before - first, after - last
        trims.append((first, last))
    return trims[::-1]


def _slice_layers(
    layers: Sequence[_MaskedLayer], trims: Sequence[tuple[int, int]]
) -> list[_MaskedLayer]:
    """Return the layers without the outputs that no layer reads, and without the trimmed taps."""
    small, inputs = [], torch.tensor([0], device=layers[0].weight.device)
    for i, (layer, (first, last)) in enumerate(zip(layers, trims, strict=True)):
        outputs = torch.arange(len(layer.bias), device=inputs.device)
        if i + 1 < len(layers):
            read = layers[i + 1].weight_kept.any(2).any(0)
            outputs = outputs[read] if read.any() else outputs[:1]
        small.append(layer.select(outputs, inputs, slice(first, layer.weight.shape[2] - last)))
        inputs = outputs
    return small
