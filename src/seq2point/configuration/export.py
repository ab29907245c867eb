"""The options of an export, and of the proof that it must pass."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, PositiveInt

from seq2point.configuration.declare import Config, option

if TYPE_CHECKING:
    from seq2point.recording import RecordingLike
else:
    RecordingLike = Any

FLASH_BYTES, RAM_BYTES = 256 << 10, 64 << 10
"""What a small microcontroller has."""
PREFIX = "s2p"


class Tolerances(Config):
    """By how much an exported model may be worse than the native one; infinity allows anything."""

    model_config = ConfigDict(allow_inf_nan=True)

    on_mae: float = option(0.05, "By how much the MAE while on may grow, as a share.", ge=0)
    sae: float = option(0.02, "By how much the SAE may grow.", ge=0)
    difference: float = option(
        1e-4,
        "Largest difference of a float32 file, as a share of the largest prediction.",
        ge=0,
    )


class ExportConfig(Config):
    """What an exported file is, and what room it has."""

    sliding: bool = option(False, "Predict all windows of a chunk of any length at once.")
    int8: bool = option(False, "Quantise, with ranges from a recording or simulated homes.")
    force: bool = option(False, "Write a result that fails its proof all the same.")
    flash_bytes: PositiveInt | None = option(
        None, "Flash of the microcontroller.", unset=f"{FLASH_BYTES >> 10}KB"
    )
    ram_bytes: PositiveInt | None = option(
        None, "RAM of the microcontroller.", unset=f"{RAM_BYTES >> 10}KB"
    )
    prefix: str | None = option(
        None, "Prefix of the names in C, for several models in one program.", unset=PREFIX
    )


class ExportOptions(ExportConfig):
    """All that a target is told.

    `calibrate` is what int8 ranges are taken from; simulated homes without it. `verify` is what the
    result is held to beside the native model: several recordings. Without any it is what is held
    back of `calibrate`, other simulated homes, or for float32 random windows. Data frames will do.
    """

    calibrate: RecordingLike | None = option(None, "Recording to take int8 ranges from.")
    verify: RecordingLike | Sequence[RecordingLike] = option(
        (), "Recordings to prove the result on."
    )
    limits: Tolerances = option(Tolerances(), "What the result must reach.")
