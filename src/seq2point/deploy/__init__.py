"""Deployment targets: a trained model written as a file for another runtime, and its proof.

A target is one module with `export(model, out, options) -> ExportResult` and one line in TARGETS.
It writes nothing that fails its own proof, unless forced.
"""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from seq2point.configuration import ExportOptions
from seq2point.errors import UsageError

if TYPE_CHECKING:
    from seq2point.model.model_file import Model

TARGETS = {
    "onnx": "seq2point.deploy.onnx",
    "litert": "seq2point.deploy.litert",
    "microcontroller": "seq2point.deploy.microcontroller",
}


def refuse_options(options: ExportOptions, target: str, *names: str) -> None:
    """Raise UsageError where one of these options, which the target does not have, is set."""
    for name in names:
        if getattr(options, name):
            raise UsageError(f"`{name}` is not for target {target}")


def refuse_idle_calibration(options: ExportOptions) -> None:
    """Raise UsageError where there is a recording to calibrate on, but no int8."""
    if options.calibrate is not None and not options.int8:
        raise UsageError("`calibrate` is for `int8` alone")


@dataclass(frozen=True)
class ExportResult:
    """What a target wrote: files by what they hold, and a report as JSON.

    report/deployment.py makes tables and notes of it.
    """

    files: dict[str, Path]
    report: dict[str, Any]


class Target(Protocol):
    """The module of a target."""

    def export(self, model: "Model", out: Path, options: ExportOptions) -> ExportResult:
        """Write the model as a file of this target.

        Raises UsageError for options that the target cannot serve, and VerificationError for a file
        that fails its proof.
        """


def find_target(name: str) -> Target:
    """Return the target of a name; raise UsageError for an unknown one."""
    if name not in TARGETS:
        raise UsageError(f"unknown target '{name}': choose one of {', '.join(TARGETS)}")
    return cast(Target, import_module(TARGETS[name]))
