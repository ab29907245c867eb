"""The recordings that a training learns from, on the device that computes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from seq2point.errors import DataError
from seq2point.network import Architecture
from seq2point.recording import Recording
from seq2point.recording.scaling import Scale
from seq2point.recording.windows import WindowRuns, find_window_runs


class House(NamedTuple):
    """A recording on the device, watts f32[T] each, and its usable windows.

    `filled_w` are the appliances with short gaps filled. The mains hold that power, but nothing is
    learned from it.
    """

    runs: WindowRuns
    mains_w: Tensor
    appliances_w: list[Tensor]
    filled_w: list[Tensor]

    def move(self, device: torch.device) -> "House":
        """Return the same house on another device; itself where it is there already."""
        if self.mains_w.device == device:
            return self
        return House(
            self.runs,
            self.mains_w.to(device),
            [power_w.to(device) for power_w in self.appliances_w],
            [power_w.to(device) for power_w in self.filled_w],
        )


class Houses:
    """The training recordings on one device, with the scale to network units.

    Raises DataError when no recording has a usable window.
    """

    def __init__(
        self,
        recordings: Sequence[Recording],
        names: Sequence[str],
        architecture: Architecture,
        scale: Scale,
        device: torch.device,
    ):
        self.architecture = architecture
        self.scale = scale
        self.period_s = recordings[0].period_s
        self.names = names
        self.device = device
        self.houses = [self.prepare(recording) for recording in recordings]
        self.windows = sum(house.runs.total for house in self.houses)
        if not self.windows:
            raise DataError(
                f"no training window: {', '.join(r.house for r in recordings)} hold no stretch of "
                f"{architecture.window} samples without a gap where {', '.join(names)} is known"
            )
        self._mean_w = torch.tensor(scale.appliance_mean_w, device=device)
        self._std_w = torch.tensor(scale.appliance_std_w, device=device)

    def prepare(self, recording: Recording, has_mains: bool = True) -> House:
        """Return a recording on the device.

        Without mains it is one of traces, and all its windows count.
        """
        shape, names = self.architecture, self.names
        if not has_mains:
            first, count = np.zeros(1, np.int64), len(recording) - shape.window + 1
            runs = WindowRuns(first, np.array([count]))
        else:
            runs = find_window_runs(recording, shape.window, shape.target_index, names)
        return House(
            runs,
            torch.from_numpy(recording.filled_mains_w),
            [torch.from_numpy(recording.appliance_w(name)) for name in names],
            [torch.from_numpy(recording.fill_gaps(recording.appliance_w(name))) for name in names],
        ).move(self.device)

    def move(self, device: torch.device) -> None:
        """Move the recordings to another device."""
        self.device = device
        self.houses = [house.move(device) for house in self.houses]
        self._mean_w = self._mean_w.to(device)
        self._std_w = self._std_w.to(device)

    def scale_mains_(self, mains_w: Tensor) -> Tensor:
        """Scale mains from watts to network units, in place, and return them."""
        return mains_w.sub_(self.scale.mains_mean_w).div_(self.scale.mains_std_w)

    def scale_power(self, power_w: Tensor) -> Tensor:
        """Return appliance power [..., A] in network units."""
        return (power_w - self._mean_w) / self._std_w
