"""`seq2point adapt`: a model that trains on in a home without labels."""

from pathlib import Path
from typing import Annotated

import typer

from seq2point.cli import options
from seq2point.cli.options import Take
from seq2point.configuration import AdaptConfig, ColumnsConfig, MachineConfig


def adapt(
    model: options.ModelName,
    mains: Annotated[
        Path, typer.Argument(help="The home's mains, CSV or Parquet.", metavar="MAINS")
    ],
    out: Annotated[
        Path,
        options.make_output("The adapted model, or the unchanged one.", "PATH"),
    ],
    learning: Annotated[
        AdaptConfig,
        Take(
            without=(
                "distil",
                "distractors_per_day",
                "engine",
                "patience",
                "traced",
                "validation_frequency",
            ),
            unset={"epochs": "by the budget"},
        ),
    ],
    machine: Annotated[MachineConfig, Take(without=("devices", "nodes"))],
    columns: Annotated[ColumnsConfig, options.BUT_APPLIANCES],
    json: options.Json = None,
    resample: options.Resample = False,
) -> None:
    """Adapt a model to a home by its mains alone, without labels.

    What the model finds there by event is put into the home's other hours, and learned. The
    adapted model is written where checks on the last part of the mains say that it helps, else the
    model as it is, with the reason. The result is transductive: the model has seen these mains.
    """
    from seq2point.cli.find_model import (
        find_model_file_for,
        load_model,
        require_model_ending,
        require_no_table,
        require_replaceable,
    )
    from seq2point.cli.read_houses import HouseReader
    from seq2point.configuration import AdaptOptions
    from seq2point.model import pretrained
    from seq2point.model.event_decisions import find_event_settings
    from seq2point.report import terminal
    from seq2point.training.adaptation import adapt as adapt_model

    require_model_ending(out)
    require_no_table([model])
    file = find_model_file_for(model, [mains], columns)
    parent = load_model(file, machine.device, machine.threads)
    require_replaceable(out, parent.appliances)
    (home,) = HouseReader((), parent.period_s, columns, resample).load([mains])
    events = find_event_settings(parent, pretrained.find_card(file))
    adaptation = adapt_model(parent, home, AdaptOptions.join(learning, machine), events)
    adaptation.model.save(out)
    report = {
        "model": adaptation.model.describe(),
        "adapted": adaptation.model.provenance["adapted"],
    }
    console = terminal.write_report(report, json)
    label = parent.appliances[0].label
    outcome = (
        "adapted; transductive: this model has seen these mains"
        if adaptation.kept
        else "left unchanged"
    )
    terminal.print_prose(console, f"{label}: {outcome} ({adaptation.reason})")
    terminal.print_files({"model": out}, quiet=str(json) == "-")
