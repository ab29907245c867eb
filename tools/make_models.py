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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from seq2point import deploy
from seq2point.appliances import Appliance, canonical_name, find_appliance
from seq2point.configuration import ExportOptions
from seq2point.configuration.training import HELD_OUT
from seq2point.data.table_file import open_table_file
from seq2point.datasets.traces import parse_house
from seq2point.errors import DataError, Seq2PointError
from seq2point.events import EventCase, EventSettings, choose_settings
from seq2point.model import pretrained
from seq2point.model.evaluation import evaluate
from seq2point.model.model_file import Model
from seq2point.model.pretrained.card import Card, HouseResult, measure_error
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
from seq2point.studies.protocols.overrides import leave_house_out, replace_test
from seq2point.studies.protocols.protocol_file import House, Protocol
from seq2point.studies.protocols.runner import WEIGHTS, Runner
from seq2point.studies.protocols.steps import ProtocolSteps
from seq2point.studies.spread import render_table
from seq2point.system.atomic_files import atomic_write, write_json
from seq2point.system.device import set_threads

PROTOCOLS = ("unseen_8s", "unseen_60s", "live_60s")
PAGE = Path(__file__).parent.parent / "docs" / "lab" / "models.md"
PREFACE = """# Models that come with the package

```sh
seq2point models
seq2point disaggregate kettle mains.csv -o kettle.csv
```

These models are for people without labels. `make models` (tools/make_models.py) writes this page \
from their cards. In
Python: `Model.pretrained("kettle", period_s=60)`, or without torch \
`runtime.load(pretrained.find_pretrained("kettle", 60).native)`. The
period of the mains decides which model fits; others are averaged with `--resample`. \
The ONNX files take chunks of any
length.

A row is what `disaggregate` gives. Where that is decided by event, a row "alone" before it has \
the network's own prediction. \
Each long house is decided with the settings that the other homes choose; those with a day each, \
which choose as one, with the settings of all. \
Homes with a day each are eleven of REFIT's, of 17 to 21 hours; a network tested on them has \
learned from no trace that may be of them.
"""
KEPT = (
    "mae_w",
    "on_mae_w",
    "nde",
    "sae",
    "energy_per_day_wh",
    "f1",
    "mcc",
    "cycle_recall",
    "cycle_precision",
)
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
NAMES = {"ukdale": "UK-DALE", "refit": "REFIT", "ideal": "IDEAL", "ampds2": "AMPds2"}
DAY_FILES = "refit_days/*.parquet"
DAYS = "REFIT homes, a day each"
SOLAR = ("REFIT house 11", "REFIT house 21")
"""Their panels' export reads as positive, and nothing in the readings tells it from use."""
HARDLY_W = 1.0
"""A home whose appliance draws less on average hardly uses it."""


def label(protocol: Protocol, house: House) -> str:
    """A house as the cards call it."""
    dataset, number = houses.find_place(protocol, house)
    return f"{NAMES[str(dataset)]} house {number}"


@dataclass(frozen=True)
class Plan:
    """A model to make: an appliance of a protocol, and the folder of the houses."""

    source: NamedProtocol
    name: str
    data: Path

    @property
    def called(self) -> str:
        """The model's name: kettle-60s, or kettle-60s-live where it answers soon."""
        ending = "" if self.target_index is None else "-live"
        return f"{self.name}-{self.source.protocol.period_s:g}s{ending}"

    @property
    def target_index(self) -> int | None:
        """The sample of the window that is predicted; None for the midpoint."""
        network = self.source.protocol.network
        return None if isinstance(network, str) else network.get("target_index")

    @property
    def train(self) -> Sequence[House]:
        """The houses that have the appliance."""
        return self.source.protocol.roles(self.name).train

    def without(self, house: House) -> Protocol:
        """The protocol that leaves a house out and tests on it."""
        return leave_house_out(self.source.protocol, self.name, house, self.source.where)

    @cached_property
    def day_houses(self) -> list[House]:
        """The homes with a day each that have the appliance."""
        return [
            House(file=str(path.relative_to(self.data)))
            for path in sorted(self.data.glob(DAY_FILES))
            if self.name in map(canonical_name, open_table_file(path).names)
        ]

    @property
    def on_days(self) -> Protocol:
        """The protocol that tests on the homes with a day each, and learns no trace of theirs."""
        return replace_test(self.source.protocol, self.name, self.day_houses, self.source.where)

    @property
    def protocols(self) -> list[Protocol]:
        """The protocols of all its trainings."""
        each = [self.without(house) for house in self.train] if len(self.train) > 1 else []
        return [*each, *([self.on_days] if self.day_houses else []), self.source.protocol]

    def make(self, protocol: Protocol, store: ResultCache) -> dict[str, Any]:
        """What a protocol gives for the appliance; made once."""
        parts = ProtocolSteps(protocol, self.source.where, self.data)
        runner = Runner(
            [parts], store, "cpu", 1, progress=False, report=lambda line: print(line, flush=True)
        )
        (result,) = runner.run([self.name], 1)[self.name][parts.row]
        return result

    def load(self, protocol: Protocol, store: ResultCache) -> Model:
        """The network that a protocol has given."""
        return Model.load(Path(self.make(protocol, store)["folder"]) / WEIGHTS)

    def read(self, house: House) -> list[Recording]:
        """A house's recordings."""
        protocol = self.source.protocol
        return houses.load_stretch(protocol, house, protocol.appliance(self.name), self.data)


def train_one(task: tuple[Plan, int, ResultCache]) -> None:
    """Make one training of a model, in a process of its own."""
    plan, number, store = task
    set_threads(1)
    plan.make(plan.protocols[number], store)


def test(
    plan: Plan,
    model: Model,
    recordings: Sequence[Recording],
    house: str,
    unseen: bool,
    settings: EventSettings | None,
) -> HouseResult:
    """What a network gives on recordings, by itself and by event."""
    events = {plan.name: settings} if settings else {}
    found = evaluate(model, recordings, events=events)

    def keep(metrics: Mapping[str, float | None]) -> dict[str, float | None]:
        return {metric: metrics[metric] for metric in KEPT}

    own = keep(found.metrics[plan.name])
    zero, mean = (found.baselines[which][plan.name]["mae_w"] for which in ("zero", "mean"))
    assert zero is not None
    assert mean is not None
    return HouseResult(
        house=house,
        unseen=unseen,
        days=round(sum(recording.days for recording in recordings), 1),
        metrics=keep(found.by_event[plan.name]) if settings else own,
        alone=own if settings else None,
        zero_mae_w=zero,
        mean_mae_w=mean,
    )


def limits(card: Mapping[str, Any]) -> list[str]:
    """What the model cannot be relied on for, from what was measured."""
    appliance = find_appliance(card["appliance"]).label
    said = [
        (
            "British houses for the most part, single-phase mains at 230 V; other countries'"
            " appliances and supplies are hardly tried."
        ),
        describe_wait(card["window"], card["target_index"], card["period_s"]),
    ]
    unseen = [t for t in card["tested"] if t.unseen]
    if not unseen:
        said.insert(
            0,
            "No other long house has the appliance at this period"
            + (
                "; how good it is in a home that it has not seen rests on homes with a day each."
                if card["days"]
                else ", so how good it is in a house that it has not seen is unknown."
            ),
        )
    if failed := [t.house for t in unseen if not t.passes]:
        said.insert(
            0,
            f"Without it in training, {' and '.join(failed)} gave an NDE of 1 or more, an F1 below"
            f" 0.5, or an error no smaller than that of a {appliance} that is always off. Fine-tune"
            " it on a few days of labels (`seq2point transfer`).",
        )
    return said


def describe_wait(window: int, target: int | None, period_s: float) -> str:
    """When a model answers, in a sentence."""
    if target is None:
        return f"Answers half a window late, {(window - 1) * period_s / 120:.0f} minutes."
    return (
        f"Answers {(window - 1 - target) * period_s / 60:.0f} minutes late, and sees no more of"
        " what follows."
    )


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
        "protocol_sha256": plan.source.sha256,
    }
    model.save(native)
    recordings = [recording for each in left_out.values() for recording in each]
    proof = in_int8(Model.load(native), onnx, recordings)
    sides = {side: proof["metrics"][side][name] for side in ("native", "exported")}
    used = [str(houses.find_place(protocol, house)[0]) for house in plan.train]
    used += [str(parse_house(Path(file).stem)[0] or "refit") for file in protocol.traces]
    facts: dict[str, Any] = {
        "name": called,
        "appliance": name,
        "period_s": protocol.period_s,
        "window": model.window,
        "target_index": plan.target_index,
        "parameters": model.architecture.parameters,
        "protocol": plan.source.name,
        "protocol_sha256": plan.source.sha256,
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


def make_case(plan: Plan, model: Model | None, home: str, recording: Recording) -> EventCase:
    """A recording to choose event settings by, with what a network predicts for it."""
    assert model is not None
    try:
        answer_w = model.predict_w(recording)[:, 0]
    except DataError:  # no full window
        answer_w = np.full(len(recording), np.nan, np.float32)
    return EventCase(
        home,
        recording.filled_mains_w,
        answer_w,
        recording.appliance_w(plan.name),
        recording.period_s,
    )


def test_left_out(
    plan: Plan,
    store: ResultCache,
    left_out: Mapping[House, Sequence[Recording]],
    day_cases: Sequence[EventCase],
) -> tuple[EventSettings | None, list[HouseResult]]:
    """The event settings that the homes left out choose, and what each long house gives.

    The homes with a day each, of which some lack the appliance, choose as one. Where there is one
    house alone, the test is on its last fifth, and nothing is chosen.
    """
    protocol, name = plan.source.protocol, plan.name
    if len(left_out) == 1:
        ((house, recordings),) = left_out.items()
        model = plan.load(protocol, store)
        held_out = [recording.hold_out(HELD_OUT, model.window)[1] for recording in recordings]
        end = f"{label(protocol, house)}, last fifth"
        return None, [test(plan, model, held_out, end, False, None)]
    models = {house: plan.load(plan.without(house), store) for house in left_out}
    cases = [
        *(
            make_case(plan, models[house], label(protocol, house), recording)
            for house, recordings in left_out.items()
            for recording in recordings
        ),
        *day_cases,
    ]
    settings = choose(cases, protocol.appliance(name))
    results = []
    for house, recordings in left_out.items():
        called = label(protocol, house)
        others = [case for case in cases if case.house != called]
        from_others = choose(others, protocol.appliance(name)) if settings else None
        results.append(test(plan, models[house], recordings, called, True, from_others))
    return settings, results


def gains_by_event(tests: Sequence[HouseResult], days: Sequence[HouseResult]) -> bool:
    """Whether the median home left out gains: in MAE over zero's, NDE and F1.

    Of the homes with a day each those that use the appliance count as one home, and so do those
    that lack it: there the gain is what is invented no more, over the mean of the zero predictor's
    MAE elsewhere. No long house has a part in the settings that it is tested with. It is the
    median, since an error has no upper limit: one home alone would decide.
    """

    usual_w = float(np.mean([result.zero_mae_w for result in tests]))
    gains = [
        measure_error(result.alone, result.zero_mae_w)
        - measure_error(result.metrics, result.zero_mae_w)
        for result in [*tests, *days[:1]]
        if result.alone is not None
    ]
    less_invented = [
        ((result.alone["mae_w"] or 0.0) - (result.metrics["mae_w"] or 0.0)) / usual_w
        for result in days[1:]
        if result.alone is not None and result.zero_mae_w <= HARDLY_W
    ]
    gains += [float(np.mean(less_invented))] if less_invented else []
    return float(np.median(gains)) > 0


def alone(result: HouseResult) -> HouseResult:
    """A result of the network's own predictions."""
    return result.model_copy(update={"metrics": result.alone or result.metrics, "alone": None})


def choose(cases: Sequence[EventCase], appliance: Appliance) -> EventSettings | None:
    """The event settings that houses choose; None where they gain nothing, or are too few."""
    if len({case.house for case in cases}) < 2:
        return None
    return choose_settings(cases, appliance).settings


def test_on_days(
    plan: Plan,
    model: Model | None,
    homes: Mapping[str, Sequence[Recording]],
    settings: EventSettings | None,
) -> Iterator[HouseResult]:
    """What the homes with a day each give: those that use the appliance pooled, then each."""
    if model is None:
        return
    usual = [
        recording
        for recordings in homes.values()
        if mean_w(recordings, plan.name) > HARDLY_W
        for recording in recordings
    ]
    count = sum(mean_w(recordings, plan.name) > HARDLY_W for recordings in homes.values())
    yield test(plan, model, usual, f"{count} {DAYS}", True, settings)
    for home, recordings in homes.items():
        called = f"{home} (solar panels)" if home in SOLAR else home
        try:
            yield test(plan, model, recordings, called, True, settings)
        except DataError:
            continue  # no full window


def mean_w(recordings: Sequence[Recording], name: str) -> float:
    """The mean power of an appliance where it is known, 0 where it never is."""
    known = np.concatenate(
        [r.appliance_w(name)[~np.isnan(r.appliance_w(name))] for r in recordings]
    )
    return float(known.mean()) if len(known) else 0.0


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
    tasks = [(plan, number, store) for plan in plans for number in range(len(plan.protocols))]
    with multiprocessing.get_context("spawn").Pool(asked.jobs, maxtasksperchild=1) as pool:
        for _ in pool.imap(train_one, tasks, chunksize=1):
            pass
    for plan in plans:
        make(plan, store)
        if asked.left_out:
            write_left_out(plan, store, asked.left_out)
    with atomic_write(PAGE) as beside:
        beside.write_text(page(), encoding="utf-8")


def page() -> str:
    """docs/lab/models.md, from the cards that are there."""
    parts = [PREFACE, explain_terms(), ""]
    for card in [*pretrained.load_cards(), *pretrained.load_cards(live=True)]:
        rows = [row for t in (*card.tested, *card.days) for row in make_rows(t)]
        parts += [
            f"## {card.name}",
            "",
            *(f"- {fact}" for fact in describe_card(card)),
            "",
            *render_table([*make_card_headings(), "cycles found", "cycles right"], rows),
            "",
        ]
    return "\n".join(parts)


def make_rows(tested: HouseResult) -> Iterator[list[str]]:
    """A house's rows: what the network gives by itself, then by event."""
    alone = tested.model_copy(update={"metrics": tested.alone, "house": f"{tested.house}, alone"})
    for each in (alone, tested) if tested.alone else (tested,):
        cycles = [each.metrics.get(key) for key in ("cycle_recall", "cycle_precision")]
        yield [
            *make_card_row(each),
            *("-" if share is None else f"{share:.0%}" for share in cycles),
        ]


def list_plans(data: Path) -> Iterator[Plan]:
    """The models of the protocols."""
    for protocol in PROTOCOLS:
        source = library.find_protocol(protocol)
        for name in source.protocol.appliances:
            yield Plan(source, name, data)


if __name__ == "__main__":
    try:
        main()
    except Seq2PointError as error:
        sys.exit(f"make_models: {error}")
