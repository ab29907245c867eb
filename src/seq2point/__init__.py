"""From a home's mains reading to the power of each appliance: train, prune, test and run seq2point
networks.

    # CSV or Parquet: times, mains and appliances in watts
    recording = seq2point.load_recording("house.parquet")
    model = seq2point.train(recording, "kettle", pruning="magnitude", epochs=5)
    model.save("kettle.safetensors")
    model = seq2point.Model.load("kettle.safetensors")     # or Model.pretrained("kettle", 60)
    # f32[T] watts, as an array, pandas or Polars series
    kettle_w = model.disaggregate(mains_w)

Wherever a recording is asked for, a data frame of pandas or Polars may stand, with a row for each
reading in watts, and a list of either: `seq2point.train(frame, "kettle")`. `recording_from_frame`
says how its columns are found.

    load_recording, recording_from_frame, Recording, ColumnsConfig, simulate_house: measurements
    train, PRUNERS, Model, Architecture: models
    evaluate: metrics, beside always zero and the mean
    HomeEnergy: a home's kWh and cost by appliance and day
    Seq2PointError, DataError, ModelFileError, TrainingError, UsageError, VerificationError

Modules hold the rest, among them `appliances` (`define` one of your own), `transfer` (another house
or appliance, several appliances in one model), `compaction`, `deploy` (ONNX, LiteRT, C), `runtime`
(exported files, without torch), `pretrained`, `protocols` and `nilmtk`. All errors that a user can
cause are `Seq2PointError`s of one line.
"""

from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seq2point.compression.pruning import PRUNERS
    from seq2point.configuration import ColumnsConfig
    from seq2point.data.frame import recording_from_frame
    from seq2point.data.table import load_recording
    from seq2point.errors import (
        DataError,
        ModelFileError,
        Seq2PointError,
        TrainingError,
        UsageError,
        VerificationError,
    )
    from seq2point.household import HomeEnergy
    from seq2point.model.evaluation import evaluate
    from seq2point.model.model_file import Model
    from seq2point.network import Architecture
    from seq2point.recording import Recording
    from seq2point.simulator import simulate_house
    from seq2point.training import train

__version__ = "0.2.0.dev0"

_HOMES = {
    "Architecture": "network",
    "ColumnsConfig": "configuration",
    "DataError": "errors",
    "HomeEnergy": "household",
    "Model": "model.model_file",
    "ModelFileError": "errors",
    "PRUNERS": "compression.pruning",
    "Recording": "recording",
    "Seq2PointError": "errors",
    "TrainingError": "errors",
    "UsageError": "errors",
    "VerificationError": "errors",
    "evaluate": "model.evaluation",
    "load_recording": "data.table",
    "recording_from_frame": "data.frame",
    "simulate_house": "simulator",
    "train": "training",
}

__all__ = [
    "PRUNERS",
    "Architecture",
    "ColumnsConfig",
    "DataError",
    "HomeEnergy",
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
    if name.startswith("_"):  # importing __main__ would run the command
        raise AttributeError(f"module 'seq2point' has no attribute '{name}'")
    try:
        return import_module(f"seq2point.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"seq2point.{name}":
            raise
        raise AttributeError(f"module 'seq2point' has no attribute '{name}'") from None


def __dir__() -> list[str]:
    """The public names and the modules; where torch is not installed, those that do without."""
    modules = [module.name for module in iter_modules(__path__) if not module.name.startswith("_")]
    names = sorted({*__all__, *modules, "__version__"})
    return names if find_spec("torch") else [name for name in names if _is_importable(name)]


def _is_importable(name: str) -> bool:
    try:
        return name == "__version__" or __getattr__(name) is not None
    except ModuleNotFoundError:
        return False
