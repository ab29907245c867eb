"""Compaction: a network with masks becomes a smaller one of the same class that computes the same.

What is gone is told by the masks, never guessed from zeros. Every layer is seen as a correlation
[outputs, inputs, taps]:

    fold    a unit that no kept weight enters is a constant, ReLU(bias); nothing is padded, so it is the same at every sample
            and adds exactly to the biases of those that read it
    drop    a unit that no kept weight reads goes, and with it its own reading, which may leave others unread
    trim    outermost taps that are all masked shorten a kernel, outermost time steps that no hidden unit reads the first
            Linear; either way the window, and target_index moves along

Single weights inside what is kept have no smaller Architecture: they stay zeros, with their masks.
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
    "Pruned weights that are still there as zeros: {:,}, scattered over units, channels and taps"
    " that are kept; single input columns of the first Linear are of that kind too. No smaller"
    " architecture does without them."
)


class CompactedNetwork(NamedTuple):
    """A smaller network, the masks of the zeros that are left in it, and the sample of the old
    window where its own begins.
    """

    network: Seq2Point
    masks: dict[str, Tensor]
    first_sample: int


def compact(model: Model) -> Model:
    """A model without what its masks removed: the same answers from a smaller network.

    A shorter window also answers nearer to the edges of a series and of its gaps. The provenance
    gets one more entry under 'compaction', unless the architecture stays as it is: masks of
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


def describe_remainder(compacted: Model) -> list[str]:
    """What compaction could not remove, as a sentence where there is any."""
    scattered = sum(
        kept.numel() - int(torch.count_nonzero(kept)) for kept in compacted.masks.values()
    )
    return [REMAINDER.format(scattered)] if scattered else []


@torch.no_grad()
def compact_network(network: Seq2Point, masks: Masks) -> CompactedNetwork:
    """The smaller network equal to one whose weights are zero where masks drop them; its arguments
    stay as they are.

    One unit stays in every layer, be it a dead one. The window always holds its target. Equal in
    evaluation mode: dropout, where there is any, draws for fewer units.
    """
    layers = _layers(network, masks)
    _fold_constants_(layers)
    _drop_unread_(layers)
    trims = _trims(layers, network.architecture)
    shape, small = network.architecture, _slices(layers, trims)
    first_sample = sum(first for first, _ in trims)
    target_index = shape.target_index - first_sample
    architecture = shape.resize([layer.resize() for layer in small], target_index)
    with torch.device("meta"):
        built = architecture.build()
    built.load_state_dict(
        {name: t for layer in small for name, t in layer.parameters().items()}, assign=True
    )
    built.train(network.training)
    return CompactedNetwork(
        built, {name: kept for layer in small for name, kept in layer.masks().items()}, first_sample
    )


@dataclass
class _MaskedLayer:
    """One layer as a correlation over time: weights [O, I, K], biases [O] in float64, and which of
    them are kept.
    """

    layer: Layer
    weight: Tensor
    weight_kept: Tensor
    bias: Tensor
    bias_kept: Tensor

    def forget_(self, outputs_O: Tensor) -> None:
        """Take away some outputs, with what they read."""
        self.weight[outputs_O] = 0
        self.weight_kept[outputs_O] = False
        self.bias[outputs_O] = 0
        self.bias_kept[outputs_O] = False

    def stop_reading_(self, inputs_I: Tensor) -> None:
        """Take away the weights that read some inputs."""
        self.weight[:, inputs_I] = 0
        self.weight_kept[:, inputs_I] = False

    def sliced(self, outputs: Tensor, inputs: Tensor, taps: slice) -> "_MaskedLayer":
        """The layer of some outputs, inputs and taps."""
        return replace(
            self,
            weight=self.weight[outputs][:, inputs][..., taps],
            weight_kept=self.weight_kept[outputs][:, inputs][..., taps],
            bias=self.bias[outputs],
            bias_kept=self.bias_kept[outputs],
        )

    def resize(self) -> Layer:
        """The layer with the outputs and taps that are there."""
        outputs, _, taps = self.weight.shape
        return self.layer._replace(outputs=outputs, taps=taps)

    def parameters(self) -> dict[str, Tensor]:
        """Weights and biases under their parameters' names."""
        weight = self._shaped(self.weight)
        return self._named(weight, self.bias.to(weight.dtype))

    def masks(self) -> dict[str, Tensor]:
        """The masks that still drop something."""
        both = self._named(self._shaped(self.weight_kept), self.bias_kept)
        return {name: kept for name, kept in both.items() if not kept.all()}

    def _shaped(self, t_OIK: Tensor) -> Tensor:
        return (t_OIK if self.layer.convolves else t_OIK.flatten(1)).contiguous()

    def _named(self, weight: Tensor, bias: Tensor) -> dict[str, Tensor]:
        return dict(zip(self.layer.parameter_names, (weight, bias), strict=False))


def _layers(network: Seq2Point, masks: Masks) -> list[_MaskedLayer]:
    """The network's layers in order, with copies of their weights and masks."""
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
    """Add what is the same at every sample to the biases of those that read it, first layer to
    last.
    """
    for layer, reader in pairwise(layers):
        constant_O = ~layer.weight_kept.any(2).any(1)
        rectified = layer.layer.rectified
        passed_on_O = torch.relu(layer.bias) * constant_O if rectified else layer.bias
        reading = torch.nonzero(passed_on_O)[:, 0]
        added_O = reader.weight[:, reading].double().sum(2) @ passed_on_O[reading]
        reader.bias += added_O
        reader.bias_kept |= added_O != 0
        if not rectified:
            layer.bias.zero_()
        layer.forget_(constant_O)
        reader.stop_reading_(constant_O)


def _drop_unread_(layers: Sequence[_MaskedLayer]) -> None:
    """Forget what nothing reads, last layer to first."""
    for layer, reader in reversed(list(pairwise(layers))):
        layer.forget_(~reader.weight_kept.any(2).any(0))


def _trims(layers: Sequence[_MaskedLayer], shape: Architecture) -> list[tuple[int, int]]:
    """How many first and last taps each layer can do without, as far as the window still holds its
    target.

    The first Linear is asked first: a time step of it weighs more than a tap of a kernel.
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


def _slices(layers: Sequence[_MaskedLayer], trims: Sequence[tuple[int, int]]) -> list[_MaskedLayer]:
    """The layers without the outputs that nothing reads and without the taps that are trimmed."""
    small, inputs = [], torch.tensor([0], device=layers[0].weight.device)
    for i, (layer, (first, last)) in enumerate(zip(layers, trims, strict=True)):
        outputs = torch.arange(len(layer.bias), device=inputs.device)
        if i + 1 < len(layers):
            read = layers[i + 1].weight_kept.any(2).any(0)
            outputs = outputs[read] if read.any() else outputs[:1]
        small.append(layer.sliced(outputs, inputs, slice(first, layer.weight.shape[2] - last)))
        inputs = outputs
    return small
