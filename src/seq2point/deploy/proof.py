"""What all targets share: the metadata of a file, its proof, and the report of both."""

import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

from seq2point.compression.compaction import can_compact
from seq2point.configuration import ExportOptions
from seq2point.configuration.columns import FILL
from seq2point.deploy import ExportResult
from seq2point.deploy.calibration import SimulatedParts
from seq2point.deploy.verify import Verification, verify
from seq2point.errors import VerificationError
from seq2point.model.model_file import Model
from seq2point.network import masks
from seq2point.predictor import warn_of_constants
from seq2point.recording import Recording
from seq2point.runtime import ExportMetadata


def warn_of_pruning(model: Model) -> None:
    """Warn of pruned weights that compaction would remove, and of constant predictions."""
    warn_of_constants(model.constants_w())
    zeros = masks.measure_sparsity(model.network, model.masks)
    if zeros and can_compact(model):
        warnings.warn(
            f"{zeros:.0%} of the weights are pruned but still there: zeros make the exported file"
            " neither smaller nor faster; `seq2point compact` removes what is pruned as a whole",
            stacklevel=3,
        )


def make_metadata(
    model: Model,
    *packages: str,
    sliding: bool,
    quantization: dict[str, Any] | None,
    simulated: bool = False,
) -> ExportMetadata:
    """Return the metadata of an exported file.

    The versions of `packages`, which wrote it, are part of it. `simulated` says whether simulated
    homes calibrated it.
    """
    if quantization is not None:
        quantization = {
            "layers_in_float": quantization["layers_in_float"],
            "calibration": quantization["calibration"] | {"simulated": simulated},
        }
    return ExportMetadata(
        appliances=model.appliances,
        period_s=model.period_s,
        window=model.window,
        target_index=model.architecture.target_index,
        sliding=sliding,
        fill=FILL,
        scale=model.scale,
        model=model.architecture.model_dump(mode="json"),
        quantization=quantization,
        provenance=model.provenance
        | {"exported_with": {name: version(name) for name in ("seq2point", *packages)}},
        constants_w=model.constants_w(),
    )


def prove(
    written: Path, out: Path, model: Model, recordings: list[Recording], options: ExportOptions
) -> Verification:
    """Compare a file that is written, but not in its place yet, with the native model.

    Raises VerificationError where it is worse than the limits allow, unless `options.force`.
    """
    proof = verify(written, model, recordings, options.limits)
    if proof.failures and not options.force:
        raise VerificationError(
            f"{out}: not written: {'; '.join(proof.failures)}; `force` writes it all the same"
        )
    return proof


def make_result(
    out: Path, quantization: dict[str, Any] | None, proof: Verification, simulated: SimulatedParts
) -> ExportResult:
    """Return one file with its proof."""
    report = {
        "quantization": quantization,
        "verification": proof.as_json(),
        "simulated": simulated._asdict(),
    }
    return ExportResult({"model": out}, report)
