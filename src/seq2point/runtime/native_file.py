"""The native model file, a safetensors file: its header, its checks and its tensors, without torch.

The file's metadata holds one JSON text under 'seq2point': architecture, scale, appliances, period,
provenance, a SHA-256 of every tensor, and as `seal` a SHA-256 of the text without it. It is one
entry because safetensors writes several in any order. Weights have their parameters' names, masks
are `mask.<parameter name>`. Nothing in a file is executed.
"""

import hashlib
import json
import struct
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError
from safetensors import SafetensorError, safe_open

from seq2point.appliances import Appliance
from seq2point.architecture import Architecture
from seq2point.errors import ModelFileError
from seq2point.recording.scaling import Scale, find_output_mismatch

FORMAT = 1
"""Version of the file format."""
MASK = "mask."
TESTED = ("metrics", "baselines")
"""Entries of a provenance that are of a test: another network has not had it."""
DIGEST = ',"seal":"{}"}}'
TYPES = {"F32": "torch.float32", "BOOL": "torch.bool"}
"""The types of tensors that a file can hold, as its refusals call them."""
LARGEST_BYTES = 2**63 - 1
"""The most bytes that a machine can number."""

Tensors = dict[str, npt.NDArray[Any]]


class ModelHeader(BaseModel):
    """What a model file says beside its tensors. `sha256` has the digest of each tensor by name."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    format: int = FORMAT
    architecture: SerializeAsAny[Architecture]
    scale: Scale
    appliances: tuple[Appliance, ...] = Field(min_length=1)
    period_s: float = Field(gt=0)
    provenance: dict[str, Any]
    sha256: dict[str, str]

    def to_text(self) -> str:
        """Return the header as JSON, with the digest of its text."""
        return add_digest(self.model_dump_json())


def add_digest(text: str) -> str:
    """Return a JSON object with the SHA-256 of its text as a last entry, `seal`."""
    return text[:-1] + DIGEST.format(
        hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
    )


def digest_array(array: npt.NDArray[Any]) -> str:
    """Return the SHA-256 of an array's numbers."""
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


def read_model_file(path: Path) -> tuple[ModelHeader, Tensors]:
    """Read a model file: its header, and its tensors by name, weights and masks.

    Raises ModelFileError for a file that is missing, damaged or altered. The error names the tensor
    or the header field.
    """
    header = _read_header(path)
    return header, _read_tensors(path, header)


def split_masks(tensors: Tensors) -> tuple[Tensors, Tensors]:
    """Return the weights of a model file by name, and its masks by the name of what they mask."""
    weights = {name: each for name, each in tensors.items() if not name.startswith(MASK)}
    masks = {n.removeprefix(MASK): each for n, each in tensors.items() if n.startswith(MASK)}
    return weights, masks


def _read_safetensors_header(path: Path) -> dict[str, Any]:
    """Return the JSON at the head of a safetensors file, checked against the file's length."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            head = file.read(8)
            length = struct.unpack("<Q", head)[0] if len(head) == 8 else size
            if not 2 <= length <= size - 8:
                raise ModelFileError(f"{path}: not a seq2point model, or cut off in its header")
            header = json.loads(file.read(length))
    except FileNotFoundError:
        raise ModelFileError(f"{path}: no such model file") from None
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise ModelFileError(f"{path}: not a seq2point model (its header is not JSON)") from None
    if not isinstance(header, dict):
        raise ModelFileError(f"{path}: not a seq2point model (its header is not an object)")
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        try:
            cut_off = entry["data_offsets"][1] > size - 8 - length
        except (KeyError, TypeError, IndexError):
            raise ModelFileError(
                f"{path}: damaged (the header's entry for '{name}'); copy the file again"
            ) from None
        if cut_off:
            raise ModelFileError(
                f"{path}: the file is cut off inside tensor '{name}'; copy it again"
            )
    return header


def _read_header(path: Path) -> ModelHeader:
    header = _read_safetensors_header(path)
    try:
        metadata = header["__metadata__"]
        entry = str(metadata["seq2point"])
    except (KeyError, TypeError):
        raise ModelFileError(
            f"{path}: not a seq2point model (its header lacks 'seq2point')"
        ) from None
    text = entry[: -len(DIGEST.format("0" * 64))] + "}"
    if add_digest(text) != entry:
        raise ModelFileError(
            f"{path}: not a seq2point model, or its header was altered (its SHA-256 differs); copy"
            " the file again"
        )
    try:
        file_format = json.loads(text)["format"]
    except (ValueError, RecursionError, KeyError, TypeError):
        raise ModelFileError(
            f"{path}: not a seq2point model (its 'seq2point' is not an object with a format)"
        ) from None
    if file_format != FORMAT:
        raise ModelFileError(
            f"{path}: written in format {file_format}; this version reads format {FORMAT}"
        )
    try:
        model_header = ModelHeader.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        raise ModelFileError(
            f"{path}: header field {'.'.join(map(str, first['loc']))}: {first['msg']}"
        ) from None
    if mismatch := find_output_mismatch(
        model_header.appliances, model_header.scale, model_header.architecture.outputs
    ):
        raise ModelFileError(f"{path}: header field {mismatch}")
    return model_header


def _expect_tensors(
    path: Path, architecture: Architecture, names: Container[str]
) -> Iterator[tuple[str, tuple[int, ...], str]]:
    """Yield the name, shape and type of each tensor that a file of this architecture holds.

    Raises ModelFileError for one that no machine could hold: a header can claim any size.
    """
    for layer in architecture.layers():
        columns = (layer.inputs, layer.taps) if layer.convolves else (layer.inputs * layer.taps,)
        shapes = {layer.weight_name: (layer.outputs, *columns), layer.bias_name: (layer.outputs,)}
        if 4 * layer.weights > LARGEST_BYTES:
            raise ModelFileError(f"{path}: header field architecture: too large for any machine")
        for name in layer.parameter_names:
            yield name, shapes[name], "F32"
            if MASK + name in names:
                yield MASK + name, shapes[name], "BOOL"


def _read_tensors(path: Path, header: ModelHeader) -> Tensors:
    tensors: Tensors = {}
    expected = list(_expect_tensors(path, header.architecture, header.sha256))
    try:
        with safe_open(path, framework="np") as file:
            names = list(file.keys())
            for name, shape, kind in expected:
                if name not in names:
                    raise ModelFileError(f"{path}: tensor '{name}' is missing")
                entry = file.get_slice(name)
                if entry.get_dtype() != kind:
                    raise ModelFileError(
                        f"{path}: tensor '{name}' has type {entry.get_dtype()}, not {TYPES[kind]}"
                    )
                if tuple(entry.get_shape()) != shape:
                    raise ModelFileError(
                        f"{path}: tensor '{name}' has shape {entry.get_shape()}, not {list(shape)}"
                    )
                tensors[name] = file.get_tensor(name)
                if digest_array(tensors[name]) != header.sha256.get(name):
                    raise ModelFileError(
                        f"{path}: tensor '{name}' was altered (its SHA-256 differs); copy the file"
                        " again"
                    )
                if not np.isfinite(tensors[name]).all():
                    raise ModelFileError(
                        f"{path}: tensor '{name}' holds NaN or infinite values; train the model"
                        " again"
                    )
            if unknown := set(names) - set(tensors):
                raise ModelFileError(
                    f"{path}: tensor '{min(unknown)}' does not belong to the architecture"
                )
    except SafetensorError as error:
        raise ModelFileError(f"{path}: damaged ({error})") from None
    return tensors
