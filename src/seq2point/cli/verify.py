"""`seq2point verify`: an exported file beside the model that it came from."""

from pathlib import Path
from typing import Annotated

import typer

from seq2point.cli import options
from seq2point.cli.options import Take
from seq2point.configuration import ColumnsConfig, MachineConfig, Tolerances


def verify(
    exported: Annotated[
        Path, typer.Argument(help="An exported file, or a name: kettle.", metavar="EXPORTED")
    ],
    data: Annotated[
        list[Path],
        options.make_houses("A house, CSV or Parquet; repeat for several."),
    ],
    limits: Annotated[Tolerances, Take(without=("difference",))],
    columns: Annotated[ColumnsConfig, options.BUT_APPLIANCES],
    machine: Annotated[MachineConfig, Take(only=("threads",))],
    model: Annotated[
        Path | None,
        typer.Argument(
            help="The model to compare it with, a file or a name.",
            metavar="[MODEL]",
            show_default="that of the name",
        ),
    ] = None,
    json: options.Json = None,
    resample: options.Resample = False,
    appliance_column: options.ApplianceColumn = None,
) -> None:
    """Run an exported file and its native model side by side.

    Exit code 3 means that the file is worse than the limits allow.
    """
    from seq2point.cli.find_model import (
        find_model_file_for,
        is_model_name,
    )
    from seq2point.cli.read_houses import HouseReader
    from seq2point.deploy.verify import verify as compare
    from seq2point.errors import UsageError, VerificationError
    from seq2point.report import deployment, terminal
    from seq2point.runtime import native
    from seq2point.system.console import show_status

    if model is None and not is_model_name(exported):
        raise UsageError(
            f"{exported}: name the model to compare it with: seq2point verify EXPORTED MODEL"
            " --data FILE"
        )
    parent = find_model_file_for(model or exported, data, columns)
    loaded = native.open_model(parent, machine.threads)
    exported = find_model_file_for(exported, data, columns, exported=True)
    recordings = HouseReader.for_model(loaded, columns, appliance_column, resample).load(data)
    with show_status("verifying"):
        comparison = compare(exported, loaded, recordings, limits, machine.threads)
    proof = comparison.as_json()
    console = terminal.write_report(proof, json)
    title = deployment.make_proof_title(exported, proof)
    console.print(terminal.make_table(title, deployment.make_proof_rows(proof)))
    if comparison.failures:
        raise VerificationError(f"{exported}: {'; '.join(comparison.failures)}")
