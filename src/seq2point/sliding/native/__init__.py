"""Sliding evaluation compiled for this machine's processor: kernels.c, built by the system's C compiler at its first use.

Torch has no operation that joins a transform, a product and a ReLU without writing and turning what lies between; the C does, for
float32 on the CPU, at three times the speed (docs/performance.md). Without a compiler, or with SEQ2POINT_NATIVE=0, `library()` is
None and plain.py computes the same with torch. The build is kept in the user's cache folder (SEQ2POINT_CACHE names another),
under a name that follows from the source, the compiler's flags and the processor.
"""

import ctypes
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from seq2point.errors import Seq2PointError
from seq2point.files import written_whole

SOURCE = Path(__file__).with_name("kernels.c")
FLAGS = ("-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-shared", "-fPIC", "-pthread")
MOST_CONVOLUTIONS = 16

log = logging.getLogger("seq2point")


class Shape(ctypes.Structure):
    """What kernels.c calls Shape: the sizes of a first Linear over blocks, and how the features lie in memory, in floats."""

    _fields_ = (
        *((name, ctypes.c_int32) for name in ("channels", "taps", "hidden", "outputs", "blocks", "length", "hop", "threads")),
        *((name, ctypes.c_int64) for name in ("channel_stride", "block_stride", "samples")),
        ("seed", ctypes.c_uint32),
        ("dropout", ctypes.c_float),
    )


class _Convolutions(ctypes.Structure):
    _fields_ = (
        ("layers", ctypes.c_int32),
        ("threads", ctypes.c_int32),
        ("channels", ctypes.c_int32 * MOST_CONVOLUTIONS),
        ("kernels", ctypes.c_int32 * MOST_CONVOLUTIONS),
    )


class Library:
    """The compiled functions on torch's tensors, which must be contiguous float32 on the CPU.

    Raises MemoryError where the C runs out of memory.
    """

    def __init__(self, path: Path):
        self._c = ctypes.CDLL(str(path))
        self._c.s2p_spectra_floats.restype = self._c.s2p_kept_floats.restype = ctypes.c_int64

    def new_spectra(self, shape: Shape) -> Tensor:
        """Room for the features' spectra, which `forward` fills and `backward` reads."""
        return torch.empty(self._c.s2p_spectra_floats(ctypes.byref(shape)))

    def new_kept(self, shape: Shape) -> Tensor:
        """Room for the hidden values, which `forward` fills and `backward` reads."""
        return torch.empty(self._c.s2p_kept_floats(ctypes.byref(shape)))

    def features(self, series_T: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor], out_CL: Tensor) -> None:
        """All convolutions with their ReLUs, over a series, into out f32[C, L]; without padding."""
        count = len(weights)
        shape = _Convolutions(count, torch.get_num_threads())
        for i, weight in enumerate(weights):
            shape.channels[i], shape.kernels[i] = weight.shape[0], weight.shape[2]
        pointers = [(ctypes.c_void_p * count)(*[t.data_ptr() for t in tensors]) for tensors in (weights, biases)]
        length, stride = ctypes.c_int64(len(series_T)), ctypes.c_int64(out_CL.stride(0))
        _check(self._c.s2p_features(ctypes.byref(shape), _at(series_T), length, *pointers, _at(out_CL), stride))

    def forward(
        self, shape: Shape, features: Tensor, w_HCK: Tensor, b_H: Tensor, v_AH: Tensor, spectra: Tensor, kept: Tensor | None
    ) -> Tensor:
        """First Linear, ReLU, dropout and output, without the output's bias: f32[A, blocks, hop]."""
        answer = torch.empty(shape.outputs, shape.blocks, shape.hop)
        tensors = (features, w_HCK, b_H, v_AH, spectra, kept, answer)
        _check(self._c.s2p_forward(ctypes.byref(shape), *map(_at, tensors)))
        return answer

    def backward(
        self, shape: Shape, w_HCK: Tensor, v_AH: Tensor, gradient_ANT: Tensor, spectra: Tensor, kept: Tensor, d_features: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of weights, biases and output weights; those of the features go to `d_features`, laid out as they were."""
        d_w, d_b, d_v = torch.empty_like(w_HCK), torch.empty(shape.hidden), torch.empty_like(v_AH)
        tensors = (w_HCK, v_AH, gradient_ANT, spectra, kept, d_features, d_w, d_b, d_v)
        _check(self._c.s2p_backward(ctypes.byref(shape), *map(_at, tensors)))
        return d_w, d_b, d_v


def _at(tensor: Tensor | None) -> ctypes.c_void_p:
    return ctypes.c_void_p(tensor.data_ptr() if tensor is not None else None)


def _check(failed: int) -> None:
    if failed:
        raise MemoryError("sliding evaluation ran out of memory")


@cache
def library() -> Library | None:
    """The compiled library, built where it is not there yet; None where it cannot be had."""
    if os.environ.get("SEQ2POINT_NATIVE") == "0" or os.name != "posix":
        return None
    compiler = next(filter(None, map(shutil.which, (os.environ.get("CC", "cc"), "gcc", "clang"))), None)
    if compiler is None:
        log.info("no C compiler here: sliding evaluation runs on torch alone, at a third of the speed")
        return None
    key = hashlib.sha256(b"\0".join((SOURCE.read_bytes(), " ".join((compiler, *FLAGS)).encode(), _processor()))).hexdigest()[:16]
    try:
        path = _cache_folder() / f"kernels-{key}.so"
        if not path.exists():
            with written_whole(path) as beside:
                _compile(compiler, beside)
        return Library(path)
    except subprocess.SubprocessError as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        log.warning(
            "%s could not be compiled (%s): sliding evaluation runs on torch alone", SOURCE.name, said[0] if said else error
        )
        return None
    except (Seq2PointError, OSError, RuntimeError):  # no folder that keeps it: build it for this process alone
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "kernels.so"
            try:
                _compile(compiler, path)
                return Library(path)
            except (OSError, subprocess.SubprocessError) as error:
                log.warning("%s: %s; sliding evaluation runs on torch alone", path, error)
                return None


def _compile(compiler: str, path: Path) -> None:
    command = [compiler, *FLAGS, "-o", str(path), str(SOURCE), "-lm"]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)


def _cache_folder() -> Path:
    named = os.environ.get("SEQ2POINT_CACHE")
    return Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seq2point"


def _processor() -> bytes:
    """What tells one processor from another where several share a cache folder."""
    about = Path("/proc/cpuinfo")
    lines = about.read_text().splitlines() if about.exists() else []
    known = {line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part"))}
    return "\n".join([platform.machine(), platform.processor(), *sorted(known)]).encode()
