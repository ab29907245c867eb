"""From a home's mains reading to the power of each appliance: train, prune, test and run seq2point networks.

recording = seq2point.load_recording("house.parquet")
model = seq2point.train(recording, "kettle", pruning="magnitude", epochs=5)
model.save("kettle.safetensors")
model = seq2point.Model.load("kettle.safetensors")
kettle_w = model.disaggregate(mains_w)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seq2point.data.frame import recording_from_frame
    from seq2point.data.table import Columns, load_recording
    from seq2point.errors import DataError, ModelFileError, Seq2PointError, TrainingError, UsageError, VerificationError
    from seq2point.evaluation import evaluate
    from seq2point.model_file import Model
    from seq2point.network import Architecture
    from seq2point.pruning import PRUNERS
    from seq2point.recording import Recording
    from seq2point.simulator import simulate_house
    from seq2point.training import train

__version__ = "0.1.0"

_HOMES = {
    "Architecture": "network",
    "Columns": "data.table",
    "DataError": "errors",
    "Model": "model_file",
    "ModelFileError": "errors",
    "PRUNERS": "pruning",
    "Recording": "recording",
    "Seq2PointError": "errors",
    "TrainingError": "errors",
    "UsageError": "errors",
    "VerificationError": "errors",
    "evaluate": "evaluation",
    "load_recording": "data.table",
    "recording_from_frame": "data.frame",
    "simulate_house": "simulator",
    "train": "training",
}

__all__ = [
    "PRUNERS",
    "Architecture",
    "Columns",
    "DataError",
    "Model",
    "ModelFileError",
    "Recording",
    "Seq2PointError",
    "TrainingError",
    "UsageError",
    "VerificationError",
    "evaluate",
    "load_recording",
    "recording_from_frame",
    "simulate_house",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for, so that a light use stays light."""
    home = _HOMES.get(name)
    if home is not None:
        return getattr(import_module(f"seq2point.{home}"), name)
    try:
        return import_module(f"seq2point.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"seq2point.{name}":
            raise
        raise AttributeError(f"module 'seq2point' has no attribute '{name}'") from None
