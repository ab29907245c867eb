"""Seq2Point, the network of an architecture as a torch module."""

from typing import cast

import torch
from torch import Tensor, nn

from seq2point.architecture import Architecture, Layer


class Seq2Point(nn.Module):
    """The network of an Architecture: scaled mains f32[B, W] in, scaled power f32[B, A] out.

    Convolutions run over time without padding. Flattening is channel-major (Zhang et al. 2018).
    Weights start from Glorot's uniform distribution and biases from zero, as in the authors' code.
    With a rank, `projection` [rank, features] has no biases and `hidden` [hidden, rank] follows it.
    Without one, `projection` is None and `hidden` is [hidden, features].
    """

    hidden: nn.Linear
    output: nn.Linear

    def __init__(self, architecture: Architecture):
        super().__init__()
        self.architecture = architecture
        self._layers = architecture.layers()
        modules = {layer.name: _module(layer) for layer in self._layers}
        self.convolutions = nn.ModuleList(
            modules[layer.name] for layer in self._layers if layer.convolves
        )
        self.projection: nn.Linear | None = None
        for layer in self._layers:
            if not layer.convolves:
                setattr(self, layer.name, modules[layer.name])
        self.dropout = nn.Dropout(architecture.dropout)
        # Layers without biases draw first: networks of a seed stay what they have always been.
        for layer in sorted(self._layers, key=lambda layer: layer.bias):
            nn.init.xavier_uniform_(modules[layer.name].weight)
            if layer.bias:
                nn.init.zeros_(self.get_parameter(layer.bias_name))

    def module(self, layer: Layer) -> nn.Conv1d | nn.Linear:
        """Return the module of a layer."""
        return cast(nn.Conv1d | nn.Linear, self.get_submodule(layer.name))

    def run_layer(self, layer: Layer, x: Tensor) -> Tensor:
        """Return the outputs of a layer for `x`, after ReLU and dropout where it has them."""
        return self.finish_layer(layer, self.module(layer)(x))

    def finish_layer(self, layer: Layer, y: Tensor) -> Tensor:
        """Return the outputs of a layer whose sums are `y`: ReLU and dropout where it has them."""
        if layer.rectified:
            y = self.dropout(torch.relu(y))
        return y

    def extract_features(self, x_BL: Tensor) -> Tensor:
        """Return what the convolutions make of scaled mains f32[B, L].

        The features are f32[B, C, L - sum(kernel - 1)].
        """
        f = x_BL[:, None]
        for layer, convolution in zip(self._layers, self.convolutions, strict=False):
            f = self.finish_layer(layer, convolution(f))
        return f

    def forward(self, x_BW: Tensor) -> Tensor:
        """Return scaled power f32[B, A] for windows of scaled mains f32[B, W]."""
        f = self.extract_features(x_BW).flatten(1)
        for layer in self._layers[len(self.convolutions) :]:
            f = self.finish_layer(layer, getattr(self, layer.name)(f))
        return f

    def set_output_bias_(self, bias: float) -> None:
        """Set the biases of the output layer, in place."""
        nn.init.constant_(self.get_parameter(self.architecture.output_layer.bias_name), bias)


def _module(layer: Layer) -> nn.Conv1d | nn.Linear:
    if layer.convolves:
        return nn.Conv1d(layer.inputs, layer.outputs, layer.taps, bias=layer.bias)
    return nn.Linear(layer.inputs * layer.taps, layer.outputs, bias=layer.bias)
