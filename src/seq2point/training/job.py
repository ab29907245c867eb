"""One training with all its parts in place, before anything is run."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from seq2point.compression.pruning import Pruner
from seq2point.configuration import TrainingConfig
from seq2point.datasets.traces import Trace
from seq2point.model.model_file import Model
from seq2point.network import Seq2Point
from seq2point.recording import Recording
from seq2point.recording.coverage import DAY_S, LEAST_SHARE
from seq2point.recording.windows import find_window_runs
from seq2point.training.batches import Batches
from seq2point.training.loss import choose_loss
from seq2point.training.material import describe_traces


@dataclass
class TrainingJob:
    """One training with all its parts in place.

    `parent_digest` is that of the model that the training starts from, None for fresh weights.
    `window_by_period` says that nobody named the window: it is the sampling period's default.
    """

    model: Model
    training: Sequence[Recording]
    held_out: Sequence[Recording]
    validation_windows: int
    batches: Batches
    pruner: Pruner | None
    config: TrainingConfig
    parent_digest: str | None
    devices: int
    nodes: int
    window_by_period: bool
    traces: Sequence[Trace] = ()
    teachers: Sequence[Model] = ()

    @property
    def appliance(self) -> str:
        """The name of the appliance."""
        return self.model.appliances[0].name

    @property
    def processes(self) -> int:
        """How many processes share every step, on all machines."""
        return self.devices * self.nodes

    @cached_property
    def coverage(self) -> dict[str, float]:
        """Days of windows: if there were no gap, those that are whole, and those learned from."""
        window, day = self.model.window, DAY_S / self.model.period_s
        possible = sum(len(r) - window + 1 for r in self.training)
        whole = sum(find_window_runs(r, window).total for r in self.training)
        counts = {"days": possible, "whole_days": whole, "learned_days": self.batches.data.windows}
        return {name: round(count / day, 4) for name, count in counts.items()}

    def warn_of_gaps(self) -> None:
        """Warn where gaps of the mains leave much less to learn from than the recordings hold."""
        days, whole_days, _ = self.coverage.values()
        if whole_days < LEAST_SHARE * days:
            warnings.warn(
                f"only {whole_days:.1f} of {days:.1f} days have a full window of readings to learn"
                " from; see `seq2point data check`, or set `fill` to more to fill longer gaps",
                stacklevel=3,
            )

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What decides the weights, as JSON: equal trainings give equal weights."""
        pruner = self.pruner
        return {
            "appliance": self.model.appliances[0].model_dump(mode="json"),
            "architecture": self.model.architecture.model_dump(mode="json"),
            "from": self.parent_digest,
            "scale": self.model.scale.model_dump(mode="json"),
            "pruning": pruner and {"method": pruner.name, **pruner.model_dump(mode="json")},
            "settings": self.config.model_dump(mode="json"),
            "devices": self.processes,
            "training_data": [r.fingerprint(self.appliance) for r in self.training],
            "validation_data": [r.fingerprint(self.appliance) for r in self.held_out],
            **({"traces": describe_traces(self.traces)} if self.traces else {}),
            **({"teachers": [model.digest() for model in self.teachers]} if self.teachers else {}),
        }

    def move(self, device: torch.device) -> None:
        """Move network and data to a device."""
        self.model.network.to(device)
        self.batches.data.move(device)

    def validate(self, network: Seq2Point) -> dict[str, float]:
        """Return the loss ('val_loss') and the MAE in watts ('val_mae_w'); NaN if it diverged.

        They are of the held-out blocks, or of the training data if nothing is held out.
        """
        loss, std_w = (
            choose_loss(self.config, self.model.appliances[0]),
            self.model.scale.appliance_std_w[0],
        )
        losses = absolutes = count = 0.0
        for recording in self.held_out or self.training:
            truth_w = recording.appliance_w(self.appliance)
            predicted_w = self.model.predict_w(recording, clip=loss.clipped)[:, 0]
            error_w = (predicted_w - truth_w).astype(np.float64)
            error_w = error_w[~np.isnan(error_w)]
            losses += loss.sum_errors(error_w, std_w)
            absolutes += float(np.abs(error_w).sum())
            count += len(error_w)
        if count < self.validation_windows:  # the network predicts what is no number
            return {"val_loss": math.nan, "val_mae_w": math.nan}
        return {"val_loss": losses / count, "val_mae_w": absolutes / count}
