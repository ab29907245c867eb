"""Whether readings each 8 s want networks of their own, or those at a minute do.

    python -m experiments periods      an hour on one core; SEQ2POINT_SEEDS=0,1,2 for three seeds,
                                       SEQ2POINT_APPLIANCES=kettle,fridge for these alone

The recipes of `unseen_8s` and `unseen_60s`: each house that has readings each 8 s is left out in
turn, then the homes with a day each, of which no trace is learned. Both networks get the same
readings; for the one at a minute they are averaged. Both are scored by the minute, on the same
minutes: their own predictions.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from experiments.houses import list_seeds, select_names
from experiments.tables import list_headings, make_metric_cells, print_table
from seq2point.appliances import canonical_name, find_appliance
from seq2point.data.table import load_recording
from seq2point.data.table_file import open_table_file
from seq2point.errors import DataError, UsageError
from seq2point.metrics import ScoredStretch, score
from seq2point.model.model_file import Model
from seq2point.recording import Recording, Watts
from seq2point.studies import ResultCache
from seq2point.studies.protocols import houses, library
from seq2point.studies.protocols.overrides import leave_house_out, replace_test
from seq2point.studies.protocols.protocol_file import House, Protocol
from seq2point.studies.protocols.runner import WEIGHTS, Runner
from seq2point.studies.protocols.steps import ProtocolSteps

SEEDS = list_seeds("0")
SHOWN = ("mae_w", "nde", "sae", "f1")
MINUTE_S = 60.0
SOURCES = {name: library.find_protocol(name) for name in ("unseen_8s", "unseen_60s")}
Home = tuple[str, ...]
DAYS: Home = ()
"""The homes with a day each, together."""
HOMES: dict[Home, tuple[str, ...]] = {
    ("ukdale", "1"): ("ukdale_house1_6s_a.parquet", "ukdale_house1_6s_b.parquet"),
    ("refit", "2"): ("refit_house2_8s.parquet",),
}


class Minutes(NamedTuple):
    """What an appliance drew and what two networks say, by the minute, f32[M]."""

    truth_w: Watts
    fine_w: Watts
    coarse_w: Watts
    times_s: Any


def list_files(home: Home, appliance: str, data: Path) -> list[Path]:
    """The files of a home, or of the homes with a day each, that have an appliance."""
    paths = (
        sorted(data.glob("refit_days/*.parquet"))
        if home == DAYS
        else [data / name for name in HOMES[home]]
    )
    return [p for p in paths if appliance in map(canonical_name, open_table_file(p).names)]


def hold_out(
    source: str, appliance: str, home: Home, files: Sequence[Path], data: Path
) -> Protocol:
    """A recipe's protocol without a home."""
    found = SOURCES[source]
    protocol = found.protocol
    if home != DAYS:
        for house in protocol.roles(appliance).train:
            if houses.find_place(protocol, house) == home:
                return leave_house_out(protocol, appliance, house, found.where)
    tests = [House(file=str(path.relative_to(data))) for path in files]
    return replace_test(protocol, appliance, tests, found.where)


def train(source: str, protocol: Protocol, appliance: str, data: Path) -> list[Model]:
    """The networks of a protocol, one for each seed."""
    steps = ProtocolSteps(protocol, SOURCES[source].where, data)
    cache = ResultCache("runs/models", any_version=True)
    runner = Runner([steps], cache, "cpu", 1, progress=False, report=lambda line: print(line))
    results = runner.run([appliance], len(SEEDS))[appliance][steps.row]
    return [Model.load(Path(result["folder"]) / WEIGHTS) for result in results]


def average(fine: Recording, power_w: Watts, coarse: Recording) -> Watts:
    """The mean of an answer in each minute of another recording; NaN where there is none."""
    times_s, minutes_s = fine.times_s(), coarse.times_s()
    minute = np.searchsorted(minutes_s, times_s, side="right") - 1
    inside = (minute >= 0) & (times_s < minutes_s[minute] + MINUTE_S) & ~np.isnan(power_w)
    counts = np.bincount(minute[inside], minlength=len(coarse))
    sums = np.bincount(minute[inside], power_w[inside], minlength=len(coarse))
    with np.errstate(invalid="ignore"):
        return (sums / np.where(counts, counts, np.nan)).astype(np.float32)


def read(path: Path, appliance: str, period_s: float) -> Recording:
    """A file at a period, clipped as the protocols clip it."""
    clipping = SOURCES["unseen_8s"].protocol.clipping
    return clipping.apply(load_recording(path, [appliance], period_s), find_appliance(appliance))


def compare(files: Sequence[Path], appliance: str, models: Sequence[Model]) -> list[Minutes]:
    """What the networks at 8 s and at a minute say of the same minutes."""
    found = []
    for path in files:
        fine, coarse = (read(path, appliance, period_s) for period_s in (8.0, MINUTE_S))
        try:
            fine_w, coarse_w = (
                model.predict_w(recording)[:, 0]
                for model, recording in zip(models, (fine, coarse), strict=True)
            )
        except DataError:  # no full window
            continue
        answers = (coarse.appliance_w(appliance), average(fine, fine_w, coarse), coarse_w)
        known = ~np.isnan(np.sum(answers, axis=0))
        if known.any():
            truth_w, fine_w, coarse_w = (each[known] for each in answers)
            found.append(Minutes(truth_w, fine_w, coarse_w, coarse.times_s()[known]))
    return found


def score_minutes(found: Sequence[Minutes], field: str, appliance: str) -> Mapping[str, Any]:
    """The metrics of one of the answers."""
    stretches = [
        ScoredStretch(each.truth_w, getattr(each, field), each.times_s, recording=number)
        for number, each in enumerate(found)
    ]
    return score(stretches, find_appliance(appliance), MINUTE_S)


def compare_home(appliance: str, home: Home, data: Path) -> Iterator[list[str]]:
    """Yield the rows of a home: the network at 8 s, then that at a minute."""
    files = list_files(home, appliance, data)
    try:
        protocols = {s: hold_out(s, appliance, home, files, data) for s in SOURCES}
    except UsageError:  # no other house trains at this period
        return
    networks = [train(s, protocol, appliance, data) for s, protocol in protocols.items()]
    found = [compare(files, appliance, pair) for pair in zip(*networks, strict=True)]
    label = "REFIT days" if home == DAYS else " ".join(home)
    silent = [each._replace(fine_w=np.zeros_like(each.truth_w)) for each in found[0]]
    zero = make_metric_cells([score_minutes(silent, "fine_w", appliance)], ["mae_w"])
    for name, field in (("8 s", "fine_w"), ("a minute", "coarse_w")):
        metrics = [score_minutes(of_seed, field, appliance) for of_seed in found]
        yield [name, label, *make_metric_cells(metrics, SHOWN), *zero]


def main() -> None:
    """Make what is not there yet, and print a table for each appliance."""
    data = Path(os.environ["SEQ2POINT_DATA"])
    known = SOURCES["unseen_8s"].protocol.appliances
    for appliance in select_names("SEQ2POINT_APPLIANCES", known, ","):
        homes = [home for home in (*HOMES, DAYS) if list_files(home, appliance, data)]
        lines = [row for home in homes for row in compare_home(appliance, home, data)]
        headings = [appliance.replace("_", " "), "tested on", *list_headings(SHOWN), "zero"]
        print_table("", headings, lines, labels=2)
