"""Make the models that the package brings, with their cards: what `make models` runs.

    SEQ2POINT_DATA=... python tools/make_models.py [kettle-60s ...] [--jobs 2]

For each appliance of the protocols unseen_8s, unseen_60s and live_60s: a network trained on
every house that has the appliance; the same once more without each house in turn, tested on that
house; and once more without any trace that may be of the eleven REFIT homes with a day each, tested
on them. What the homes left out say chooses the event settings. Then an int8 ONNX file, proved, and
the card that says all this, in src/seq2point/model/pretrained/files. docs/lab/models.md is written
from the cards. One to three minutes a training on one core. Parts lie in runs/models and are not
made again (--any-code: not even where another version of the code has made them). --left-out FOLDER
also writes the networks of the houses left out, as FOLDER/ukdale_house5_60s/kettle-60s.safetensors.
"""

import argparse
import hashlib
import multiprocessing
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model_judging import alone, gains_by_event, make_case, test_left_out, test_on_days
from model_page import PAGE, limits, page
from model_plan import DAYS, Plan, label, list_plans
from seq2point import deploy
from seq2point.configuration import ExportOptions
from seq2point.datasets.traces import parse_house
from seq2point.errors import Seq2PointError
from seq2point.model import pretrained
from seq2point.model.model_file import Model
from seq2point.model.pretrained.card import Card
from seq2point.recording import Recording
from seq2point.studies import ResultCache
from seq2point.studies.protocols import houses
from seq2point.system.atomic_files import atomic_write, write_json
from seq2point.system.device import set_threads

LICENCES = {
    "ukdale": "UK-DALE: J. Kelly and W. Knottenbelt, Scientific Data 2:150007 (2015), CC BY 4.0",
    "refit": (
        "REFIT: D. Murray, L. Stankovic and V. Stankovic, Scientific Data 4:160122 (2017), CC"
        " BY 4.0"
    ),
    "ideal": "IDEAL: M. Pullinger et al., Scientific Data 8:146 (2021), CC BY 4.0",
    "ampds2": "AMPds2: S. Makonin et al., Scientific Data 3:160037 (2016), CC BY 4.0",
    "eco": "ECO: C. Beckel et al., BuildSys 2014, CC BY 4.0 as a third party says",
}


def train_one(task: tuple[Plan, Sequence[int], ResultCache]) -> None:
    """Make one training of a model and its tests, in a process of its own."""
    plan, numbers, store = task
    set_threads(1)
    for number in numbers:
        plan.make(plan.protocols[number], store)


def make_one(task: tuple[Plan, ResultCache, Path | None]) -> None:
    """Make a model's files in a process of its own, and write the networks of houses left out."""
    plan, store, left_out = task
    set_threads(1)
    make(plan, store)
    if left_out:
        write_left_out(plan, store, left_out)


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


def make(plan: Plan, store: ResultCache) -> None:
    """A model's three files, from trainings that are there."""
    protocol, name = plan.source.protocol, plan.name
    left_out = {house: plan.read(house) for house in plan.train}
    homes = {label(protocol, house): plan.read(house) for house in plan.day_houses}
    day_model = plan.load(plan.on_days, store) if homes else None
    day_cases = [
        make_case(plan, day_model, DAYS, recording)
        for recordings in homes.values()
        for recording in recordings
    ]
    settings, tests = test_left_out(plan, store, left_out, day_cases)
    days = list(test_on_days(plan, day_model, homes, settings))
    if settings and not gains_by_event(tests, days):
        settings, tests, days = None, [*map(alone, tests)], [*map(alone, days)]
    called = plan.called
    native, onnx, path = (
        pretrained.FOLDER / f"{called}.{ending}" for ending in ("safetensors", "onnx", "json")
    )
    model = plan.load(protocol, store)
    model.provenance["pretrained"] = {
        "name": called,
        "protocol": plan.source.name,
        "recipe_sha256": plan.source.recipe_sha256(name),
    }
    model.save(native)
    recordings = [recording for each in left_out.values() for recording in each]
    proof = in_int8(Model.load(native), onnx, recordings)
    sides = {side: proof["metrics"][side][name] for side in ("native", "exported")}
    used = [str(houses.find_place(protocol, house)[0]) for house in plan.train]
    used += [str(parse_house(Path(file).stem)[0] or "refit") for file in protocol.traces_of(name)]
    facts: dict[str, Any] = {
        "name": called,
        "appliance": name,
        "period_s": protocol.period_s,
        "window": model.window,
        "target_index": plan.target_index,
        "parameters": model.architecture.parameters,
        "protocol": plan.source.name,
        "recipe_sha256": plan.source.recipe_sha256(name),
        "seed": 0,
        "trained_on": [label(protocol, house) for house in plan.train],
        "licences": [LICENCES[key] for key in dict.fromkeys(used)],
        "tested": tests,
        "days": days,
        "events": settings,
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
    print(f"{called}: {sizes}; {proof['failures'] or 'int8 holds'}", flush=True)


def write_left_out(plan: Plan, store: ResultCache, folder: Path) -> None:
    """Write the networks that were trained without a house each, in folders by its file's name.

    They are decided by event as the model is that comes of them all.
    """
    card = pretrained.find_pretrained(plan.called).card
    for house in plan.train if len(plan.train) > 1 else ():
        model = plan.load(plan.without(house), store)
        if card.events:
            model.provenance["events"] = {plan.name: card.events.model_dump(mode="json")}
        path = houses.find_files(plan.source.protocol, house, plan.data)[0]
        place = folder / path.stem / f"{plan.called}.safetensors"
        place.parent.mkdir(parents=True, exist_ok=True)
        model.save(place)


def main() -> None:
    """Make the models that the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", nargs="*", help="models, as kettle-60s; else all")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at once, a core each")
    parser.add_argument(
        "--any-code",
        action="store_true",
        help="take parts that another version of the code has made",
    )
    parser.add_argument(
        "--left-out", type=Path, metavar="FOLDER", help="write the networks of houses left out here"
    )
    asked = parser.parse_args()
    if not os.environ.get("SEQ2POINT_DATA"):
        sys.exit("make_models: SEQ2POINT_DATA must name the folder of the houses")
    data, store = Path(os.environ["SEQ2POINT_DATA"]), ResultCache("runs/models", asked.any_code)
    known = {plan.called: plan for plan in list_plans(data)}
    if strange := set(asked.name) - set(known):
        sys.exit(f"make_models: no model {', '.join(strange)}; choose of {', '.join(known)}")
    plans = [known[called] for called in asked.name or known]
    tasks = [(plan, numbers, store) for plan in plans for numbers in plan.group_protocols()]
    parts = [(plan, store, asked.left_out) for plan in plans]
    with multiprocessing.get_context("spawn").Pool(asked.jobs, maxtasksperchild=1) as pool:
        for _ in pool.imap(train_one, tasks, chunksize=1):
            pass
        for _ in pool.imap(make_one, parts, chunksize=1):
            pass
    with atomic_write(PAGE) as beside:
        beside.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except Seq2PointError as error:
        sys.exit(f"make_models: {error}")
