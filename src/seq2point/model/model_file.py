"""Model: a trained network with all that it needs to predict, and the safetensors file of both.

The file's metadata holds one JSON text under 'seq2point': architecture, scale, appliances, period,
provenance, a SHA-256 of every tensor, and as `seal` a SHA-256 of the text without it. It is one
entry because safetensors writes several in any order. Weights have their parameters' names, masks
are `mask.<parameter name>`.
"""

import hashlib
import json
import struct
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from seq2point.appliances import Appliance, find_appliance
from seq2point.choices import Edges, Engine
from seq2point.configuration.columns import FILL
from seq2point.errors import ModelFileError
from seq2point.limits import ABSURD_W, NOISE_W
from seq2point.model import pretrained
from seq2point.network import Architecture, Seq2Point, sliding
from seq2point.predictor import Progress, disaggregate_series, to_mains_recording
from seq2point.recording import RecordingLike, Watts
from seq2point.recording.scaling import Scale, find_output_mismatch
from seq2point.recording.windows import predict_spans
from seq2point.system.atomic_files import atomic_write

FORMAT = 1
"""Version of the file format."""
MASK = "mask."
DIGEST = ',"seal":"{}"}}'
DTYPES = {"F32": torch.float32, "F64": torch.float64, "BOOL": torch.bool}


class _Header(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    format: int = FORMAT
    architecture: SerializeAsAny[Architecture]
    scale: Scale
    appliances: tuple[Appliance, ...] = Field(min_length=1)
    period_s: float = Field(gt=0)
    provenance: dict[str, Any]
    sha256: dict[str, str]


@dataclass
class Model:
    """A network with its scale, appliances, sampling period, masks and provenance.

    `masks` are True where a weight is kept, by parameter name. `provenance` is JSON: training data,
    settings, versions, metrics.
    """

    network: Seq2Point
    scale: Scale
    appliances: tuple[Appliance, ...]
    period_s: float
    masks: dict[str, Tensor] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def architecture(self) -> Architecture:
        """Return the network's shape."""
        return self.network.architecture

    @property
    def window(self) -> int:
        """Return how many samples of mains a prediction needs."""
        return self.architecture.window

    @classmethod
    def untrained(
        cls, appliance: str, period_s: float, architecture: Architecture | None = None
    ) -> Self:
        """Return a model with initial weights, scaled by the published constants.

        Raises UsageError for an unknown appliance.
        """
        appliances = (find_appliance(appliance),)
        return cls(
            (architecture or Architecture()).build(),
            Scale.published(appliances),
            appliances,
            period_s,
        )

    def save(self, path: str | Path) -> None:
        """Write the model as one safetensors file, completely or not at all."""
        tensors = {
            name: t.detach().cpu().contiguous() for name, t in self.network.state_dict().items()
        }
        tensors |= {MASK + name: mask.cpu().contiguous() for name, mask in self.masks.items()}
        header = _Header(
            architecture=self.architecture,
            scale=self.scale,
            appliances=self.appliances,
            period_s=self.period_s,
            provenance=self.provenance,
            sha256={name: _digest_tensor(t) for name, t in tensors.items()},
        ).model_dump_json()
        with atomic_write(path) as beside:
            try:
                save_file(tensors, beside, {"seq2point": add_digest(header)})
            except SafetensorError as error:
                raise OSError(str(error)) from error

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a model file; nothing in it is executed.

        Raises ModelFileError for a file that is missing, damaged or altered. The error names the
        tensor or the header field.
        """
        path = Path(path)
        header = _read_header(path)
        network = _build_empty(path, header.architecture)
        tensors = _read_tensors(path, header, network)
        network.to_empty(device="cpu").load_state_dict(
            {name: t for name, t in tensors.items() if not name.startswith(MASK)}
        )
        masks = {name.removeprefix(MASK): t for name, t in tensors.items() if name.startswith(MASK)}
        return cls(
            network.eval(),
            header.scale,
            header.appliances,
            header.period_s,
            masks,
            header.provenance,
        )

    @classmethod
    def pretrained(cls, appliance: str, period_s: float | None = None) -> Self:
        """Return the package's model of an appliance for a sampling period.

        Raises UsageError as `pretrained.find_pretrained` does.
        """
        return cls.load(pretrained.find_pretrained(appliance, period_s).native)

    def predict_w(
        self,
        recording: RecordingLike,
        engine: Engine = "sliding",
        edges: Edges = "empty",
        clip: bool = True,
        progress: Progress | None = None,
    ) -> Watts:
        """Return the appliances' power for every sample of a recording: f32[T, A] in watts.

        Only the mains are read. The power is NaN where no full window of readings reaches. With
        `edges` 'repeat' the reading at the edge of a gapless stretch fills the windows there; with
        'zeros' zero watts do, as in nilmtk-contrib. Negative predictions become zero unless `clip`
        is off. `progress` is called with the number of samples of each step.
        Raises DataError for a data frame that cannot be read, and for another sampling period.
        """
        shape, scale = self.architecture, self.scale
        mean_w = torch.tensor(scale.appliance_mean_w)
        std_w = torch.tensor(scale.appliance_std_w)
        device = next(self.network.parameters()).device
        predict = {"sliding": sliding.predict, "windows": sliding.predict_windows}[engine]

        def predict_watts(readings_w: Watts) -> Watts:
            mains = torch.from_numpy(np.require(readings_w, requirements=["C", "W"])).to(device)
            scaled = predict(
                self.network, (mains - scale.mains_mean_w) / scale.mains_std_w, progress=progress
            )
            power = scaled.view(-1, shape.outputs).cpu() * std_w + mean_w
            watts: Watts = (power.clamp_(min=0) if clip else power).numpy()
            return watts

        training = self.network.training
        self.network.eval()
        mains = to_mains_recording(self, recording)
        power_w = predict_spans(
            mains, shape.window, shape.target_index, shape.outputs, predict_watts, edges
        )
        self.network.train(training)
        return power_w

    def disaggregate(
        self, series: Any, engine: Engine = "sliding", edges: Edges = "empty", fill: int = FILL
    ) -> Any:
        """Return the appliances' power for a series of mains readings in watts, in the same kind.

        See `predictor.disaggregate_series`.
        """
        return disaggregate_series(self, series, engine, edges, fill)

    def constants_w(self) -> dict[str, float]:
        """Return the power of each appliance whose prediction is the same whatever the mains are.

        Either no weight that is left leads from the mains to such a prediction, or all of its
        predictions are clipped at zero.
        """
        scale = self.scale
        low, high = (
            (watts - scale.mains_mean_w) / scale.mains_std_w for watts in (-NOISE_W, ABSURD_W)
        )
        names = [a.name for a in self.appliances]
        std_w, mean_w = torch.tensor(scale.appliance_std_w), torch.tensor(scale.appliance_mean_w)
        lows_w, highs_w = (
            (bound.cpu() * std_w + mean_w).clamp(min=0).tolist()
            for bound in self.network.bound_outputs(low, high)
        )
        bounds = zip(names, lows_w, highs_w, strict=True)
        return {name: low_w for name, low_w, high_w in bounds if low_w == high_w}

    def digest(self) -> str:
        """Return the SHA-256 of the weights and masks, which tells models apart."""
        digest = hashlib.sha256()
        for tensor in (*self.network.state_dict().values(), *self.masks.values()):
            digest.update(tensor.detach().cpu().contiguous().numpy().data)
        return digest.hexdigest()

    def describe(self) -> dict[str, Any]:
        """Return what `seq2point info` shows and metrics.json holds of a model, as JSON."""
        return {
            "appliances": [a.name for a in self.appliances],
            "period_s": self.period_s,
            "architecture": self.architecture.model_dump(mode="json"),
            "parameters": self.architecture.parameters,
            "multiply_adds": self.architecture.multiply_adds,
            "scale": self.scale.model_dump(mode="json"),
            "constants_w": self.constants_w(),
        }


def add_digest(text: str) -> str:
    """Return a JSON object with the SHA-256 of its text as a last entry, `seal`."""
    return text[:-1] + DIGEST.format(
        hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
    )


def _digest_tensor(tensor: Tensor) -> str:
    return hashlib.sha256(tensor.numpy().data).hexdigest()


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


def _read_header(path: Path) -> _Header:
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
        model_header = _Header.model_validate_json(text)
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


def _build_empty(path: Path, architecture: Architecture) -> Seq2Point:
    """Return the network without memory for its weights: a header can claim any size."""
    try:
        with torch.device("meta"):
            return architecture.build()
    except (RuntimeError, OverflowError, TypeError):
        raise ModelFileError(
            f"{path}: header field architecture: too large for any machine"
        ) from None


def _expect_tensors(
    network: Seq2Point, names: Container[str]
) -> Iterator[tuple[str, torch.Size, torch.dtype]]:
    """Yield the name, shape and type of each tensor that a file of this network holds."""
    state: Mapping[str, Tensor] = network.state_dict()
    for name, t in state.items():
        yield name, t.shape, t.dtype
        if MASK + name in names:
            yield MASK + name, t.shape, torch.bool


def _read_tensors(path: Path, header: _Header, network: Seq2Point) -> dict[str, Tensor]:
    tensors = {}
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            for name, shape, dtype in _expect_tensors(network, header.sha256):
                if name not in names:
                    raise ModelFileError(f"{path}: tensor '{name}' is missing")
                kind = file.get_slice(name)
                if DTYPES.get(kind.get_dtype()) != dtype:
                    raise ModelFileError(
                        f"{path}: tensor '{name}' has type {kind.get_dtype()}, not {dtype}"
                    )
                if tuple(kind.get_shape()) != tuple(shape):
                    raise ModelFileError(
                        f"{path}: tensor '{name}' has shape {kind.get_shape()}, not {list(shape)}"
                    )
                tensors[name] = file.get_tensor(name)
                if _digest_tensor(tensors[name]) != header.sha256.get(name):
                    raise ModelFileError(
                        f"{path}: tensor '{name}' was altered (its SHA-256 differs); copy the file"
                        " again"
                    )
                if not torch.isfinite(tensors[name]).all():
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
