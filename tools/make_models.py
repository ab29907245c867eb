"""Make the models that the package brings, with their cards: what `make models` runs.

    SEQ2POINT_DATA=... python tools/make_models.py [kettle-60s ...]

For each appliance of the protocols pretrained_8s and pretrained_60s: a network trained, pruned and
compacted on every house that has the appliance; the same once more without each house in turn,
tested on that house; an int8 ONNX file, proved; and the card that says all this, in
src/seq2point/pretrained/files. docs/lab/models.md is written from the cards. Two to five minutes a
training on one core, 34 of them; parts lie in runs/models and are not made again (--any-code: not
even where another version of the code has made them).
"""

import argparse
import hashlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from seq2point import deploy
from seq2point.appliances import find_appliance
from seq2point.configuration import ExportOptions
from seq2point.errors import Seq2PointError
from seq2point.model import pretrained
from seq2point.model.model_file import Model
from seq2point.model.pretrained import Card, HouseResult
from seq2point.recording import Recording
from seq2point.report.pretrained import (
    describe_card,
    explain_terms,
    make_card_headings,
    make_card_row,
)
from seq2point.studies import ResultCache
from seq2point.studies.protocols import houses, library
from seq2point.studies.protocols.library import NamedProtocol
from seq2point.studies.protocols.overrides import leave_house_out
from seq2point.studies.protocols.protocol_file import House, Protocol
from seq2point.studies.protocols.runner import WEIGHTS, Runner
from seq2point.studies.protocols.steps import ProtocolSteps
from seq2point.studies.spread import render_table
from seq2point.system.atomic_files import atomic_write, write_json

PROTOCOLS = ("pretrained_8s", "pretrained_60s")
PAGE = Path(__file__).parent.parent / "docs" / "lab" / "models.md"
PREFACE = """# Models that come with the package

```sh
seq2point models
seq2point disaggregate kettle mains.csv -o kettle.csv
```

These models are for people without labels. `make models` (tools/make_models.py) writes this page \
from their cards. In
Python: `Model.pretrained("kettle", period_s=8)`, or without torch \
`runtime.load(pretrained.find("kettle", 8).onnx)`. The
period of the mains decides which model fits; others are averaged with `--resample`. \
The ONNX files take chunks of any
length.

Version 0.1.0 trained and tested them, by protocols that fill no missing reading.
"""
KEPT = ("mae_w", "on_mae_w", "nde", "sae", "f1", "mcc")
LICENCES = {
    "ukdale": "UK-DALE: J. Kelly and W. Knottenbelt, Scientific Data 2:150007 (2015), CC BY 4.0",
    "refit": (
        "REFIT: D. Murray, L. Stankovic and V. Stankovic, Scientific Data 4:160122 (2017), CC"
        " BY 4.0"
    ),
}
NAMES = {"ukdale": "UK-DALE", "refit": "REFIT"}


def made(
    protocol: Protocol, source: NamedProtocol, name: str, data: Path, store: ResultCache
) -> dict[str, Any]:
    """What a protocol gives for an appliance once its network is compacted."""
    parts = ProtocolSteps(protocol, source.where, data)
    runner = Runner(
        [parts], store, "cpu", 1, progress=False, report=lambda line: print(line, flush=True)
    )
    (result,) = runner.run([name], 1)[name][parts.row]
    return result


def label(protocol: Protocol, house: House) -> str:
    """A house as the cards call it."""
    return f"{NAMES[house.dataset or protocol.dataset]} house {house.house}"


def tested(house: str, unseen: bool, result: Mapping[str, Any]) -> HouseResult:
    """A result as a card has it."""
    return HouseResult(
        house=house,
        unseen=unseen,
        days=round(sum(part["days"] for part in result["data"]), 1),
        metrics={metric: result["metrics"][metric] for metric in KEPT},
        zero_mae_w=result["baselines"]["zero"]["mae_w"],
        mean_mae_w=result["baselines"]["mean"]["mae_w"],
    )


def limits(card: Mapping[str, Any]) -> list[str]:
    """What the model cannot be relied on for, from what was measured."""
    appliance = find_appliance(card["appliance"]).label
    said = [
        (
            "British houses alone, single-phase mains at 230 V; other countries' appliances and"
            " supplies are untried."
        ),
        f"Answers half a window late, {card['window'] * card['period_s'] / 120:.0f} minutes.",
    ]
    unseen = [t for t in card["tested"] if t.unseen]
    if not unseen:
        said.insert(
            0,
            "No other house has the appliance at this period, so how good it is in a house that it"
            " has not seen is unknown.",
        )
    if failed := [t.house for t in unseen if not t.passes]:
        said.insert(
            0,
            f"Without it in training, {' and '.join(failed)} gave an NDE of 1 or more, an F1 below"
            f" 0.5, or an error no smaller than that of a {appliance} that is always off. Fine-tune"
            " it on a few days of labels (`seq2point transfer`).",
        )
    return said


def in_int8(model: Model, path: Path, recordings: Sequence[Recording]) -> dict[str, Any]:
    """Write a model as int8 ONNX, calibrated on the longest recording with which it holds on all of
    them; gives the proof.

    Where it holds with none, it is the one of the longest recording, and the card says what fails.
    """
    proofs = []
    for calibration in sorted(recordings, key=lambda recording: -recording.days):
        order = ExportOptions(
            int8=True, sliding=True, calibrate=calibration, verify=recordings, force=True
        )
        proof = deploy.find_target("onnx").export(model, path, order).report["verification"]
        if not proof["failures"]:
            return dict(proof)
        proofs.append((calibration, proof))
    order = ExportOptions(
        int8=True, sliding=True, calibrate=proofs[0][0], verify=recordings, force=True
    )
    deploy.find_target("onnx").export(model, path, order)
    return dict(proofs[0][1])


def make(source: NamedProtocol, name: str, data: Path, store: ResultCache) -> None:
    """A model's three files."""
    protocol = source.protocol
    whole = made(protocol, source, name, data, store)
    roles = protocol.roles(name)
    tests = [
        tested(f"{label(protocol, house)}, last fifth", False, whole)
        for house in roles.train[:1]
        if len(roles.train) == 1
    ]
    for house in roles.train if len(roles.train) > 1 else ():
        without = leave_house_out(protocol, name, house, source.where)
        tests.append(tested(label(protocol, house), True, made(without, source, name, data, store)))
    called = f"{name}-{protocol.period_s:g}s"
    native, onnx, path = (
        pretrained.FOLDER / f"{called}.{ending}" for ending in ("safetensors", "onnx", "json")
    )
    model = Model.load(Path(whole["folder"]) / WEIGHTS)
    model.provenance["pretrained"] = {
        "name": called,
        "protocol": source.name,
        "protocol_sha256": source.sha256,
    }
    model.save(native)
    appliance = protocol.appliance(name)
    recordings = [
        r for house in roles.train for r in houses.load_stretch(protocol, house, appliance, data)
    ]
    proof = in_int8(Model.load(native), onnx, recordings)
    sides = {side: proof["metrics"][side][name] for side in ("native", "exported")}
    facts: dict[str, Any] = {
        "name": called,
        "appliance": name,
        "period_s": protocol.period_s,
        "window": model.window,
        "parameters": model.architecture.parameters,
        "protocol": source.name,
        "protocol_sha256": source.sha256,
        "seed": 0,
        "trained_on": [label(protocol, house) for house in roles.train],
        "licences": [
            LICENCES[key]
            for key in dict.fromkeys(house.dataset or protocol.dataset for house in roles.train)
        ],
        "tested": tests,
        "int8": (
            {
                side: {m: found[m] for m in ("mae_w", "on_mae_w", "sae", "f1")}
                for side, found in sides.items()
            }
            | {"failures": proof["failures"]}
        ),
        "file_bytes": {file.suffix[1:]: file.stat().st_size for file in (native, onnx)},
        "sha256": {
            file.suffix[1:]: hashlib.sha256(file.read_bytes()).hexdigest()
            for file in (native, onnx)
        },
    }
    card = Card(
        **facts, limits=[*limits(facts), *(f"int8: {failure}" for failure in proof["failures"])]
    )
    write_json(card.model_dump(mode="json"), path)
    sizes = ", ".join(f"{count:,} bytes of {kind}" for kind, count in card.file_bytes.items())
    print(f"{called}: {sizes}; {proof['failures'] or 'int8 holds'}")


def main() -> None:
    """Make the models that the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", nargs="*", help="models, as kettle-60s; else all")
    parser.add_argument(
        "--any-code",
        action="store_true",
        help="take parts that another version of the code has made",
    )
    asked = parser.parse_args()
    if not os.environ.get("SEQ2POINT_DATA"):
        sys.exit("make_models: SEQ2POINT_DATA must name the folder of the houses")
    data, store = Path(os.environ["SEQ2POINT_DATA"]), ResultCache("runs/models", asked.any_code)
    known = {
        f"{name}-{source.protocol.period_s:g}s": (source, name) for source, name in everything()
    }
    if strange := set(asked.name) - set(known):
        sys.exit(f"make_models: no model {', '.join(strange)}; choose of {', '.join(known)}")
    for called in asked.name or known:
        make(*known[called], data, store)
    with atomic_write(PAGE) as beside:
        beside.write_text(page(), encoding="utf-8")


def page() -> str:
    """docs/lab/models.md, from the cards that are there."""
    parts = [PREFACE, explain_terms(), ""]
    for card in pretrained.load_cards():
        parts += [
            f"## {card.name}",
            "",
            *(f"- {fact}" for fact in describe_card(card)),
            "",
            *render_table(make_card_headings(), [make_card_row(t) for t in card.tested]),
            "",
        ]
    return "\n".join(parts)


def everything() -> Iterator[tuple[NamedProtocol, str]]:
    """The protocols and their appliances."""
    for protocol in PROTOCOLS:
        source = library.find_protocol(protocol)
        for name in source.protocol.appliances:
            yield source, name


if __name__ == "__main__":
    try:
        main()
    except Seq2PointError as error:
        sys.exit(f"make_models: {error}")
