"""What trainings, a protocol's run, a study and a test leave, each made once."""

import json
from pathlib import Path

import pytest
from tests.report.results.run_folders import QUICK, TINY, make_house, make_run

from seq2point import Model
from seq2point.compression.pruning.structured import Structured
from seq2point.data.parquet_file import write_recording
from seq2point.model.evaluation import evaluate
from seq2point.report.protocols.numbers import make_report
from seq2point.studies.protocols.library import NamedProtocol, parse_protocol
from seq2point.studies.protocols.overrides import list_variants
from seq2point.studies.protocols.runner import Runner
from seq2point.studies.protocols.steps import ProtocolSteps
from seq2point.studies.result_cache import ResultCache
from seq2point.studies.trainings import StudyTraining, run_trainings

PROTOCOL = """
title = "Small: houses that never were"
source = "the tests"
dataset = "ukdale"
period_s = 6
window = 33
network = { channels = [4, 4], kernels = [5, 3], hidden = 8 }
training = { steps = 20, engine = "windows", batch_size = 100 }

[houses]
train = [1]
validation = [{ house = 2, block = [0.0, 0.5] }]
test = [5]

[appliances.kettle]
"""
HALF_THE_UNITS = Structured(granularity="units", sparsity=0.5, frequency=2)


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An unpruned training, one without half of its hidden units, one without half its weights."""
    folder = tmp_path_factory.mktemp("runs")
    prunings = {
        "dense": {},
        "half": {"pruning": HALF_THE_UNITS, "seed": 1},
        "scattered": {"pruning": "magnitude", "sparsity": 0.5, "seed": 2},
    }
    return {name: make_run(folder / name, **options) for name, options in prunings.items()}


@pytest.fixture(scope="session")
def protocol_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a small protocol, with one pruning, as `protocol run` leaves it."""
    data, folder = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("small")
    for house in ("1", "2", "5"):
        write_recording(make_house(2000, int(house)), data / f"ukdale_house{house}_6s.parquet")
    source = NamedProtocol("small", "small.toml", PROTOCOL, parse_protocol(PROTOCOL, "small.toml"))
    variants = [
        ProtocolSteps(each, source.where, data)
        for each in list_variants(source, ["magnitude"], [0.8])
    ]
    cache = ResultCache(folder / "parts")
    Runner(variants, cache, threads=1, progress=False).run(["kettle"], 2)
    report = make_report(source, variants, cache, ["kettle"])
    (folder / "report.json").write_text(json.dumps(report))
    return folder


@pytest.fixture(scope="session")
def study_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two trainings of a grid, the second one from the first."""
    folder = tmp_path_factory.mktemp("study")
    settings = {key: QUICK[key] for key in ("steps", "batch_size", "engine")}
    house, tests = make_house(2000, 1), {"house 2": [make_house(1500, 2)]}
    dense = StudyTraining("dense", "kettle", [house], settings, network=TINY, tests=tests)
    small = StudyTraining(
        "small", "kettle", [house], settings, start=dense, pruner=HALF_THE_UNITS, tests=tests
    )
    run_trainings(ResultCache(folder), [dense, small], threads=1)
    return folder


@pytest.fixture(scope="session")
def test_json(tmp_path_factory: pytest.TempPathFactory, runs: dict[str, Path]) -> Path:
    """The report of a test of the unpruned training, in the house that the trainings tested on."""
    model = Model.load(runs["dense"] / "model.safetensors")
    path = tmp_path_factory.mktemp("test") / "kettle.json"
    path.write_text(json.dumps(evaluate(model, [make_house(1500, 8)]).as_json()))
    return path
