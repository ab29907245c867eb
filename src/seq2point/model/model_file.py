"""Model: a trained network with all that it needs to predict, in torch.

Its file is read by `runtime.native_file`, which says what it holds.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from seq2point.appliances import Appliance, find_appliance
from seq2point.choices import Edges, Engine
from seq2point.configuration.arguments import require_path
from seq2point.configuration.columns import FILL
from seq2point.model import pretrained
from seq2point.network import Architecture, Seq2Point, sliding
from seq2point.predictor import Progress, disaggregate_series, to_mains_recording
from seq2point.recording import RecordingLike, Watts
from seq2point.recording.scaling import Scale
from seq2point.recording.windows import predict_spans
from seq2point.runtime.array_network import find_constants_w
from seq2point.runtime.native import describe_network
from seq2point.runtime.native_file import (
    MASK,
    TESTED,
    ModelHeader,
    digest_array,
    read_model_file,
    split_masks,
)
from seq2point.system.atomic_files import atomic_write
from seq2point.wording import format_seconds


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

    def __repr__(self) -> str:
        appliances = ", ".join(appliance.label for appliance in self.appliances)
        return (
            f"Model({appliances}: a reading every {format_seconds(self.period_s)}, window"
            f" {self.window}, {self.architecture.parameters:,} weights)"
        )

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

    def keep_test(self, report: Mapping[str, Any]) -> None:
        """Keep the metrics and the baselines of a test's report in the provenance."""
        self.provenance |= {name: report[name] for name in TESTED}

    @property
    def untested_provenance(self) -> dict[str, Any]:
        """Return the provenance without what a test of this network gave."""
        return {name: entry for name, entry in self.provenance.items() if name not in TESTED}

    def save(self, path: str | Path) -> None:
        """Write the model as one safetensors file, completely or not at all."""
        tensors = {
            name: t.detach().cpu().contiguous() for name, t in self.network.state_dict().items()
        }
        tensors |= {MASK + name: mask.cpu().contiguous() for name, mask in self.masks.items()}
        header = ModelHeader(
            architecture=self.architecture,
            scale=self.scale,
            appliances=self.appliances,
            period_s=self.period_s,
            provenance=self.provenance,
            sha256={name: digest_array(t.numpy()) for name, t in tensors.items()},
        )
        with atomic_write(path) as beside:
            try:
                save_file(tensors, beside, {"seq2point": header.to_text()})
            except SafetensorError as error:
                raise OSError(str(error)) from error

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a model file; nothing in it is executed.

        Raises ModelFileError for a file that is missing, damaged or altered. The error names the
        tensor or the header field.
        """
        header, arrays = read_model_file(require_path(path))
        with torch.device("meta"):
            network = header.architecture.build()
        weights, masks = (
            {name: torch.from_numpy(array) for name, array in part.items()}
            for part in split_masks(arrays)
        )
        network.to_empty(device="cpu").load_state_dict(weights)
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

        See `runtime.array_network.find_constants_w`.
        """
        names = [appliance.name for appliance in self.appliances]
        weights = {
            name: parameter.detach().cpu().numpy()
            for name, parameter in self.network.named_parameters()
        }
        return find_constants_w(self.architecture, weights, self.scale, names)

    def digest(self) -> str:
        """Return the SHA-256 of the weights and masks, which tells models apart."""
        digest = hashlib.sha256()
        for tensor in (*self.network.state_dict().values(), *self.masks.values()):
            digest.update(tensor.detach().cpu().contiguous().numpy().data)
        return digest.hexdigest()

    def describe(self) -> dict[str, Any]:
        """Return what `seq2point info` shows and metrics.json holds of a model, as JSON."""
        return describe_network(
            self.architecture, self.scale, self.appliances, self.period_s, self.constants_w()
        )
