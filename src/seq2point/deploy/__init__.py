"""Deployment targets: a trained model written as a file that runs where it will live, and the proof
that it does.

A target is one module with `export(model, out, order) -> Exported` and one line in TARGETS. It
writes nothing that fails its own proof, unless forced.
"""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from seq2point.errors import UsageError

if TYPE_CHECKING:
    from seq2point.model.model_file import Model
    from seq2point.recording import RecordingLike, RecordingsLike

TARGETS = {
    "onnx": "seq2point.deploy.onnx",
    "litert": "seq2point.deploy.litert",
    "microcontroller": "seq2point.deploy.microcontroller",
}


class Tolerances(NamedTuple):
    """By how much an exported model may be worse: a share of the error while on, and of the energy.

    `difference` is for what is not quantised: the largest difference as a share of the largest
    answer.
    """

    on_mae: float = 0.05
    sae: float = 0.02
    difference: float = 1e-4


USUAL = Tolerances()


@dataclass(frozen=True)
class ExportOptions:
    """What is asked of a target.

    `calibrate` is what int8 ranges are taken from, simulated homes without it; `verify` is what the
    result is held to beside the native model (several houses; without any, what is held back of
    `calibrate`, other simulated homes, or for float32 random windows); data frames will do for
    either. With `force` a result that fails is written all the same. Flash, RAM and the prefix of
    names are a microcontroller's.
    """

    sliding: bool = False
    int8: bool = False
    calibrate: "RecordingLike | None" = None
    verify: "RecordingsLike" = ()
    limits: Tolerances = USUAL
    force: bool = False
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    prefix: str | None = None

    def refuse(self, target: str, *options: str) -> None:
        """Raise UsageError where one of these options, that the target does not know, is given."""
        for option in options:
            if getattr(self, option):
                raise UsageError(f"--{option.removesuffix('_bytes')} is not for --target {target}")

    def refuse_idle_calibration(self) -> None:
        """Raise UsageError where there is a recording to calibrate on and nothing to calibrate."""
        if self.calibrate is not None and not self.int8:
            raise UsageError("--calibrate is for --int8")


@dataclass(frozen=True)
class ExportResult:
    """What a target wrote: files by what they hold, and a report as JSON.

    report/deployment.py makes tables and notes of it.
    """

    files: dict[str, Path]
    report: dict[str, Any]


class Target(Protocol):
    """What a target's module offers."""

    def export(self, model: "Model", out: Path, order: ExportOptions) -> ExportResult:
        """Write the model; raises UsageError for what the target cannot do and VerificationError
        for what fails.
        """


def find_target(name: str) -> Target:
    """The target of a name; raises UsageError for an unknown one, with those that exist."""
    if name not in TARGETS:
        raise UsageError(f"unknown target '{name}': choose one of {', '.join(TARGETS)}")
    return cast(Target, import_module(TARGETS[name]))
