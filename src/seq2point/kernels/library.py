"""The C library of the kernels: its functions, on the addresses of float32 arrays.

A wheel brings kernels.c, and the files that it includes, as libraries. Elsewhere the system's C
compiler builds them at their first use (`system.c_library`). No library of arrays has an operation
that joins a transform, a product and a ReLU without writing and transposing what lies between. The
C has, for float32 on the CPU, at three times the speed of torch (docs/lab/performance.md). Where
neither is to be had, or with SEQ2POINT_NATIVE=0, `load_kernels` returns None and its callers
compute the same by themselves.
"""

import ctypes
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from seq2point.architecture import Layer
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


class Convolutions(ctypes.Structure):
    """The sizes of the convolutions: the fields of Convolutions in convolutions.c."""

    _fields_ = (
        ("layers", ctypes.c_int32),
        ("threads", ctypes.c_int32),
        ("channels", ctypes.c_int32 * MOST_CONVOLUTIONS),
        ("kernels", ctypes.c_int32 * MOST_CONVOLUTIONS),
    )

    @classmethod
    def of(cls, layers: Sequence[Layer], threads: int) -> "Convolutions":
        """Return the sizes of layers that convolve, at most MOST_CONVOLUTIONS, for some threads."""
        sizes = cls(len(layers), threads)
        for i, layer in enumerate(layers):
            sizes.channels[i], sizes.kernels[i] = layer.outputs, layer.taps
        return sizes


class Library:
    """The kernels, on addresses of contiguous float32 arrays on the CPU.

    The caller keeps every array alive and of the size that the C reads or writes. The functions
    raise MemoryError where the C runs out of memory.
    """

    def __init__(self, c: ctypes.CDLL):
        self._c = c
        for function in (c.s2p_spectra_floats, c.s2p_kept_floats, c.s2p_chunk_floats):
            function.restype = ctypes.c_int64

    def count_spectra(self, shape: Shape) -> int:
        """Return the floats of the features' spectra, which `forward` fills and `backward`
        reads.
        """
        return int(self._c.s2p_spectra_floats(ctypes.byref(shape)))

    def count_kept(self, shape: Shape) -> int:
        """Return the floats of the hidden values, which `forward` fills and `backward` reads."""
        return int(self._c.s2p_kept_floats(ctypes.byref(shape)))

    def convolve(
        self,
        sizes: Convolutions,
        series: int,
        samples: int,
        weights: Sequence[int],
        biases: Sequence[int],
        out: int,
        out_stride: int,
    ) -> None:
        """Write all convolutions of a series, with their ReLUs and without padding, to `out`.

        Its rows, one a channel, are `out_stride` floats apart.
        """
        _check(
            self._c.s2p_features(
                ctypes.byref(sizes),
                ctypes.c_void_p(series),
                ctypes.c_int64(samples),
                *map(_pointers, (weights, biases)),
                ctypes.c_void_p(out),
                ctypes.c_int64(out_stride),
            )
        )

    def count_chunk_floats(self, sizes: Convolutions, chunks: int, samples: int) -> int:
        """Return the floats of what the layers give for chunks, kept for the way back."""
        return int(self._c.s2p_chunk_floats(ctypes.byref(sizes), chunks, ctypes.c_int64(samples)))

    def convolve_chunks(
        self,
        sizes: Convolutions,
        chunks: tuple[int, int],
        series_NL: int,
        weights: Sequence[int],
        biases: Sequence[int],
        kept: int,
        features_NCL: int,
    ) -> None:
        """Write all convolutions of chunks, with their ReLUs and without padding.

        `chunks` are their number and their samples.
        """
        _check(
            self._c.s2p_chunk_forward(
                ctypes.byref(sizes),
                ctypes.c_int32(chunks[0]),
                ctypes.c_int64(chunks[1]),
                ctypes.c_void_p(series_NL),
                *map(_pointers, (weights, biases)),
                *map(ctypes.c_void_p, (kept, features_NCL)),
            )
        )

    def convolve_chunks_back(
        self,
        sizes: Convolutions,
        chunks: tuple[int, int],
        weights: Sequence[int],
        kept: int,
        d_features_NCL: int,
        d_weights: Sequence[int],
        d_biases: Sequence[int],
    ) -> None:
        """Write the gradients of the convolutions' weights and biases."""
        _check(
            self._c.s2p_chunk_backward(
                ctypes.byref(sizes),
                ctypes.c_int32(chunks[0]),
                ctypes.c_int64(chunks[1]),
                _pointers(weights),
                *map(ctypes.c_void_p, (kept, d_features_NCL)),
                *map(_pointers, (d_weights, d_biases)),
            )
        )

    def forward(
        self,
        shape: Shape,
        features: int,
        w_HCK: int,
        b_H: int,
        v_AH: int,
        spectra: int,
        kept: int | None,
        predictions_ANT: int,
    ) -> None:
        """Write the predictions [outputs, blocks, hop] of features, without the output's bias."""
        arrays = (features, w_HCK, b_H, v_AH, spectra, kept, predictions_ANT)
        _check(self._c.s2p_forward(ctypes.byref(shape), *map(ctypes.c_void_p, arrays)))

    def backward(
        self,
        shape: Shape,
        w_HCK: int,
        v_AH: int,
        gradient_ANT: int,
        spectra: int,
        kept: int,
        d_features: int,
        d_w: int,
        d_b: int,
        d_v: int,
    ) -> None:
        """Write the gradients of the features, in their layout, weights, biases and output
        weights.
        """
        arrays = (w_HCK, v_AH, gradient_ANT, spectra, kept, d_features, d_w, d_b, d_v)
        _check(self._c.s2p_backward(ctypes.byref(shape), *map(ctypes.c_void_p, arrays)))


def _pointers(addresses: Sequence[int]) -> "ctypes.Array[ctypes.c_void_p]":
    return (ctypes.c_void_p * len(addresses))(*addresses)


def _check(failed: int) -> None:
    if failed:
        raise MemoryError("sliding evaluation ran out of memory")


@cache
def load_kernels() -> Library | None:
    """Return the kernels, prebuilt or built; None where there are none."""
    c = c_library.load_library(
        SOURCE, "sliding evaluation runs without it, at a third of the speed or less"
    )
    return Library(c) if c else None
