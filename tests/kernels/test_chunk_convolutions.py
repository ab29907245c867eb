"""The convolutions of a training in C: features and gradients are torch's."""

import pytest
import torch

from seq2point.kernels import load_kernels
from seq2point.network import Architecture
from seq2point.network.sliding import native_backend
from seq2point.system.device import set_kernel_threads

pytestmark = pytest.mark.skipif(load_kernels() is None, reason="no C compiler here")
SHAPES = {
    "the paper's": Architecture(window=129),
    "long and short kernels": Architecture(window=61, channels=(1, 7, 3), kernels=(33, 2, 1)),
    "one layer": Architecture(window=20, channels=(9,), kernels=(4,)),
}


def gradients(shape: Architecture, extract, threads: int = 1) -> list[torch.Tensor]:
    """The features of chunks by a function, and the gradients of weights and biases."""
    torch.manual_seed(0)
    network = shape.build()
    parameters = dict(network.convolutions.named_parameters())
    for parameter in parameters.values():
        torch.nn.init.normal_(parameter, std=0.2)
    set_kernel_threads(threads)
    features = extract(network, torch.randn(5, shape.window + 71))
    set_kernel_threads(None)
    features.backward(torch.randn(features.shape))
    return [features.detach(), *(p.grad for p in parameters.values())]


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_features_and_gradients_of_chunks_are_those_of_torch(shape: Architecture):
    ours = gradients(shape, native_backend.extract_features)
    torchs = gradients(shape, lambda network, x: network.extract_features(x))
    for found, expected in zip(ours, torchs, strict=True):
        largest = float(expected.abs().max())
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=2e-5 * largest)


def test_any_number_of_threads_gives_the_same_bits():
    shape = SHAPES["the paper's"]
    one, several = (gradients(shape, native_backend.extract_features, n) for n in (1, 3))
    assert all(torch.equal(a, b) for a, b in zip(one, several, strict=True))


def test_dropout_is_left_to_torch():
    network = Architecture(window=33, channels=(4,), kernels=(3,), dropout=0.5).build()
    assert not native_backend.takes_convolutions(network)
    assert native_backend.takes_convolutions(network.eval())
