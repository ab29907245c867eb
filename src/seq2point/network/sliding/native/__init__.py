"""The C kernels of sliding evaluation, on torch's tensors.

The system's C compiler builds kernels.c, and the files that it includes, at their first use. Torch
has no operation that joins a transform, a product and a ReLU without writing and transposing what
lies between. The C has, for float32 on the CPU, at three times the speed (docs/lab/performance.md).
Without a compiler, or with SEQ2POINT_NATIVE=0, `load_kernels` returns None and torch_backend.py
computes the same with torch.
"""

import ctypes
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from seq2point.system import c_library

SOURCE = Path(__file__).with_name("kernels.c")
MOST_CONVOLUTIONS = 16
"""Convolutions that the kernels can take: MAX_CONVOLUTIONS in convolutions.c."""


class Shape(ctypes.Structure):
    """The sizes of a first Linear over blocks: the fields of Shape in job.c.

    The strides say how the features lie in memory, in floats.
    """

    _fields_ = (
        *(
            (name, ctypes.c_int32)
            for name in (
                "channels",
                "taps",
                "hidden",
                "outputs",
                "blocks",
                "length",
                "hop",
                "threads",
            )
        ),
        *((name, ctypes.c_int64) for name in ("channel_stride", "block_stride", "samples")),
        ("seed", ctypes.c_uint32),
        ("dropout", ctypes.c_float),
    )


class _Convolutions(ctypes.Structure):
    """The sizes of the convolutions: the fields of Convolutions in convolutions.c."""

    _fields_ = (
        ("layers", ctypes.c_int32),
        ("threads", ctypes.c_int32),
        ("channels", ctypes.c_int32 * MOST_CONVOLUTIONS),
        ("kernels", ctypes.c_int32 * MOST_CONVOLUTIONS),
    )


class Library:
    """The kernels on torch's tensors, which must be contiguous float32 on the CPU.

    Its functions raise MemoryError where the C runs out of memory.
    """

    def __init__(self, c: ctypes.CDLL):
        self._c = c
        self._c.s2p_spectra_floats.restype = self._c.s2p_kept_floats.restype = ctypes.c_int64

    def allocate_spectra(self, shape: Shape) -> Tensor:
        """Return memory for the features' spectra, which `forward` fills and `backward` reads."""
        return torch.empty(self._c.s2p_spectra_floats(ctypes.byref(shape)))

    def allocate_kept(self, shape: Shape) -> Tensor:
        """Return memory for the hidden values, which `forward` fills and `backward` reads."""
        return torch.empty(self._c.s2p_kept_floats(ctypes.byref(shape)))

    def convolve(
        self, series_T: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor], out_CL: Tensor
    ) -> None:
        """Write all convolutions of a series, with their ReLUs and without padding, to out f32[C,
        L].
        """
        count = len(weights)
        shape = _Convolutions(count, torch.get_num_threads())
        for i, weight in enumerate(weights):
            shape.channels[i], shape.kernels[i] = weight.shape[0], weight.shape[2]
        pointers = [
            (ctypes.c_void_p * count)(*[t.data_ptr() for t in tensors])
            for tensors in (weights, biases)
        ]
        length, stride = ctypes.c_int64(len(series_T)), ctypes.c_int64(out_CL.stride(0))
        _check(
            self._c.s2p_features(
                ctypes.byref(shape), _pointer(series_T), length, *pointers, _pointer(out_CL), stride
            )
        )

    def forward(
        self,
        shape: Shape,
        features: Tensor,
        w_HCK: Tensor,
        b_H: Tensor,
        v_AH: Tensor,
        spectra: Tensor,
        kept: Tensor | None,
    ) -> Tensor:
        """Return the predictions f32[A, blocks, hop] for features, without the output's bias."""
        predictions = torch.empty(shape.outputs, shape.blocks, shape.hop)
        tensors = (features, w_HCK, b_H, v_AH, spectra, kept, predictions)
        _check(self._c.s2p_forward(ctypes.byref(shape), *map(_pointer, tensors)))
        return predictions

    def backward(
        self,
        shape: Shape,
        w_HCK: Tensor,
        v_AH: Tensor,
        gradient_ANT: Tensor,
        spectra: Tensor,
        kept: Tensor,
        d_features: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients of weights, biases and output weights.

        Those of the features go to `d_features`, which has the features' layout.
        """
        d_w, d_b, d_v = torch.empty_like(w_HCK), torch.empty(shape.hidden), torch.empty_like(v_AH)
        tensors = (w_HCK, v_AH, gradient_ANT, spectra, kept, d_features, d_w, d_b, d_v)
        _check(self._c.s2p_backward(ctypes.byref(shape), *map(_pointer, tensors)))
        return d_w, d_b, d_v


def _pointer(tensor: Tensor | None) -> ctypes.c_void_p:
    return ctypes.c_void_p(tensor.data_ptr() if tensor is not None else None)


def _check(failed: int) -> None:
    if failed:
        raise MemoryError("sliding evaluation ran out of memory")


@cache
def load_kernels() -> Library | None:
    """Return the kernels, built if they are not yet; None where no compiler could build them."""
    c = c_library.load_library(
        SOURCE, "sliding evaluation runs on torch alone, at a third of the speed"
    )
    return Library(c) if c else None
