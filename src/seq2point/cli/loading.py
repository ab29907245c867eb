"""A model file, loaded onto the device that the options name."""

from pathlib import Path

from seq2point.choices import Device
from seq2point.machine import choose_device, prepare
from seq2point.model_file import Model


def load_model(path: Path, device: Device, threads: int | None) -> Model:
    """Load a model; raises ModelFileError, or UsageError where the device is not there."""
    prepare(threads)
    model = Model.load(path)
    model.network.to(choose_device(device))
    return model
