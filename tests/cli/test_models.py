"""`seq2point models`, and models that are given by name."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from seq2point import Model, load_recording, simulate_house
from seq2point.appliances import APPLIANCES
from seq2point.data.parquet_file import write_recording
from seq2point.model import pretrained

Command = Callable[..., Any]


def test_all_models_are_listed_and_one_has_a_card(seq2point: Command):
    listed = seq2point("models")
    assert listed.code == 0, listed.err
    words = " ".join(listed.out.split())
    assert all(f"{card.name} is {card.promise}" in words for card in pretrained.load_cards())
    card = seq2point("models", "kettle-60s", "--json", "-")
    assert json.loads(card.out) == pretrained.load_pretrained("kettle-60s").card.model_dump(
        mode="json"
    ) | {"verdict": "usable with care"}
    for said in (
        "Usable with care: of use in 4 of 4 homes left out of training",
        "Trained on UK-DALE house 1, UK-DALE house 5, REFIT house 2",
        "Answers half a window late",
        "CC BY 4.0",
    ):
        assert said in card.err
    unknown = seq2point("models", "boiler")
    assert (unknown.code, unknown.out) == (2, "")
    assert unknown.err.startswith(
        "seq2point: no model of 'boiler' comes with the package, only of dishwasher, "
    )


@pytest.fixture(scope="module")
def house(make_house: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Readings every 8 s."""
    path = tmp_path_factory.mktemp("named") / "house.parquet"
    write_recording(make_house(2500, 4, 8.0), path)
    return path


def test_an_appliance_is_disaggregated_by_its_name(seq2point: Command, house: Path, tmp_path: Path):
    answer = seq2point("disaggregate", "kettle", house, "-o", tmp_path / "kettle.csv")
    assert answer.code == 0, answer.err
    assert answer.err.startswith(
        "kettle-8s comes with seq2point; what it can do: seq2point models kettle-8s\n"
    )
    by_path = seq2point(
        "disaggregate",
        pretrained.load_pretrained("kettle-8s").native,
        house,
        "-o",
        tmp_path / "same.csv",
    )
    assert by_path.code == 0, by_path.err
    answers = [
        pl.read_csv(tmp_path / name, infer_schema_length=None)
        for name in ("kettle.csv", "same.csv")
    ]
    assert answers[0].equals(answers[1])
    assert answers[0]["kettle"].max() > 1000


def test_where_a_model_fails_elsewhere_and_a_slower_one_does_not_that_is_said(
    seq2point: Command, house: Path, tmp_path: Path
):
    assert pretrained.find_better(pretrained.load_pretrained("kettle-60s").card) is None
    assert pretrained.find_better(pretrained.load_pretrained("microwave-8s").card) is None
    assert pretrained.find_better(pretrained.load_pretrained("dishwasher-8s").card) is None
    answer = seq2point("disaggregate", "kettle", house, "-o", tmp_path / "kettle.csv")
    assert answer.code == 0, answer.err
    assert (
        "kettle-8s is not to be relied on: of no use in 7 REFIT homes, a day each, taken together"
        in answer.err
    )
    assert (
        "kettle-60s is usable with care: of use in 4 of 4 homes left out of training" in answer.err
    )
    promise = pretrained.load_pretrained("kettle-60s").card.promise
    assert f"{promise}; it takes these readings with --resample\n" in answer.err
    named = seq2point(
        "disaggregate", "kettle-60s", house, "--resample", "-o", tmp_path / "slower.csv"
    )
    assert named.code == 0, named.err
    assert "--resample" not in named.err


def test_a_name_is_the_native_file_and_no_torch_model(
    seq2point: Command, house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    expected = Model.pretrained("kettle-8s").predict_w(load_recording(house))
    monkeypatch.setattr(Model, "load", lambda path: pytest.fail("torch's model was loaded"))
    out = tmp_path / "kettle.csv"
    answer = seq2point("disaggregate", "kettle", house, "--device", "cpu", "--no-events", "-o", out)
    assert answer.code == 0, answer.err
    power_w = pl.read_csv(out, infer_schema_length=None)["kettle"].to_numpy()
    np.testing.assert_allclose(power_w, expected[:, 0], atol=0.011)
    assert np.nanmax(power_w) > 1000


LIGHT = """
import sys
absent = ("torch", "lightning", "sklearn", "scipy", "onnxruntime", "ai_edge_litert")
sys.modules.update(dict.fromkeys(absent))  # to import any of them fails
from seq2point.cli import app
for words in sys.stdin.read().splitlines():
    app(words.split(), standalone_mode=False)
    heavy = {"pyarrow", "matplotlib", "pandas"} & set(sys.modules)
    assert not heavy or not words.startswith("disaggregate"), f"imported: {heavy}"
"""


def test_what_predicts_by_a_name_imports_neither_torch_nor_what_reads_other_files(
    house: Path, tmp_path: Path
):
    recording = load_recording(house)
    mains, scored = tmp_path / "mains.csv", tmp_path / "scored.csv"
    columns = {"time": recording.times_s().astype(int), "mains": recording.mains_w}
    pl.DataFrame(columns).write_csv(mains)
    pl.DataFrame(columns | {"kettle": recording.appliance_w("kettle")}).write_csv(scored)
    words = (
        f"disaggregate kettle {mains} -o {tmp_path / 'kettle.csv'}",
        f"disaggregate {pretrained.load_pretrained('kettle-8s').native} {mains} --events"
        f" --activations {tmp_path / 'runs.csv'} -o {tmp_path / 'again.csv'}",
        "info kettle-8s",
        f"test kettle --data {scored} --json {tmp_path / 'metrics.json'}",
        f"data check {scored}",
        "models kettle-8s",
    )
    done = subprocess.run(
        [sys.executable, "-c", LIGHT],
        input="\n".join(words),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert pl.read_csv(tmp_path / "kettle.csv", infer_schema_length=None)["kettle"].max() > 1000
    model = json.loads((tmp_path / "metrics.json").read_text())["model"]
    assert model == Model.pretrained("kettle-8s").describe()


def test_the_mains_decide_the_period_and_another_one_is_asked_for(
    seq2point: Command, make_house: Command, files: Any, tmp_path: Path
):
    refused = seq2point("disaggregate", "kettle", files.train, "-o", tmp_path / "no.csv")
    assert refused.code == 1
    assert refused.err.strip().endswith(
        "a reading every 6 s, the model needs one every 60 s; set --resample to average readings"
    )
    assert not (tmp_path / "no.csv").exists()
    resampled = seq2point(
        "disaggregate", "kettle-8s", files.train, "--resample", "-o", tmp_path / "yes.csv"
    )
    assert resampled.code == 0, resampled.err
    assert "kettle-8s comes with seq2point" in resampled.err
    write_recording(make_house(1000, 5, 30.0), tmp_path / "slow.parquet")
    minutes = seq2point(
        "disaggregate",
        "kettle",
        tmp_path / "slow.parquet",
        "--resample",
        "-o",
        tmp_path / "slow.csv",
    )
    assert minutes.code == 0, minutes.err
    assert "kettle-60s comes with seq2point" in minutes.err
    pl.DataFrame({"mains": [200.0] * 700}).write_csv(tmp_path / "no_times.csv")
    untimed = seq2point(
        "disaggregate", "kettle", tmp_path / "no_times.csv", "-o", tmp_path / "untimed.csv"
    )
    assert untimed.code == 2
    assert (
        "no_times.csv: has no times, so which 'kettle' fits is unknown; say --period 8s"
        in untimed.err
    )
    told = seq2point(
        "disaggregate",
        "kettle",
        tmp_path / "no_times.csv",
        "--period",
        "8s",
        "-o",
        tmp_path / "untimed.csv",
    )
    assert told.code == 0, told.err


def test_to_resample_takes_the_model_of_least_error_in_other_homes(
    seq2point: Command, house: Path, tmp_path: Path
):
    best = pretrained.choose_cards(lambda period_s: period_s >= 8)
    assert (best["dishwasher"].period_s, best["microwave"].period_s) == (60, 8)
    for name in ("dishwasher", "microwave"):
        answer = seq2point(
            "disaggregate", name, house, "--resample", "-o", tmp_path / f"{name}.csv"
        )
        assert answer.code == 0, answer.err
        assert f"{best[name].name} comes with seq2point" in answer.err


def test_all_to_resample_are_of_the_period_that_suits_most_appliances(
    seq2point: Command, house: Path, tmp_path: Path
):
    answer = seq2point("disaggregate", "all", house, "--resample", "-o", tmp_path / "all.csv")
    assert answer.code == 0, answer.err
    for name in APPLIANCES:
        assert f"{name}-60s comes with seq2point" in answer.err


NAMED = {
    "info": "info kettle-60s",
    "export": "export kettle-60s --target onnx -o {out}/m.onnx",
    "prune": "prune kettle-60s --method magnitude -o {out}/m.safetensors",
    "compact": "compact kettle-60s -o {out}/m.safetensors",
    "factorise": "factorise kettle-60s --rank 8 -o {out}/m.safetensors",
    "train": "train kettle --from kettle-60s --train {minutes} --steps 2 --out {out}/run",
    "transfer": "transfer kettle-60s --train {minutes} --steps 2 -o {out}/m.safetensors",
    "transfer-curve": (
        "transfer-curve kettle-60s --train {minutes} --test {minutes} --days 0 --no-from-nothing -o"
        " {out}/curve"
    ),
    "fit-budget": (
        "fit-budget kettle-60s --train {minutes} --flash 512KB --units 0.5 --channels 0"
        " --pruning-steps 2 --steps 2 --target onnx --float32 -o {out}/fit"
    ),
    "verify": "verify kettle-60s --data {minutes} --max-on-mae 9 --max-sae 9",
    "verify another": "verify {onnx} kettle-60s --data {minutes} --max-on-mae 9 --max-sae 9",
    "test": "test kettle-60s --data {minutes}",
}


AMBIGUOUS = ["info", "export", "prune", "compact", "factorise"]


@pytest.fixture(scope="module")
def minutes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A week of readings every minute."""
    path = tmp_path_factory.mktemp("minutes") / "house.parquet"
    write_recording(simulate_house(5, days=7, period_s=60, appliances=["kettle"]), path)
    return path


def words(typed: str, out: Path, minutes: Path) -> list[str]:
    places = {"out": out, "minutes": minutes, "onnx": pretrained.load_pretrained("kettle-60s").onnx}
    return [word.format(**places) for word in typed.split()]


@pytest.mark.filterwarnings(
    "ignore:.*weights are pruned but still there", "ignore:the training ends at step"
)
@pytest.mark.parametrize("verb", [*AMBIGUOUS, "test", "train"])
def test_a_name_stands_wherever_a_model_is_asked_for(
    verb: str, seq2point: Command, minutes: Path, tmp_path: Path
):
    answer = seq2point(*words(NAMED[verb], tmp_path, minutes))
    assert answer.code == 0, answer.err


@pytest.mark.parametrize("verb", AMBIGUOUS)
def test_an_appliance_alone_is_refused_where_no_data_decide(
    verb: str, seq2point: Command, minutes: Path, tmp_path: Path
):
    answer = seq2point(*words(NAMED[verb].replace("kettle-60s", "kettle"), tmp_path, minutes))
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert (
        "'kettle' has models for several sampling periods: name one of kettle-8s, kettle-60s"
        in answer.err
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("verb", [verb for verb in NAMED if verb not in AMBIGUOUS])
def test_data_decide_which_model_of_an_appliance_is_meant(
    verb: str, seq2point: Command, minutes: Path, tmp_path: Path
):
    answer = seq2point(*words(NAMED[verb].replace("kettle-60s", "kettle"), tmp_path, minutes))
    assert answer.code == 0, answer.err
    assert "kettle: kettle-60s, for the readings of house.parquet\n" in answer.err


def test_an_exported_file_needs_the_model_that_it_is_held_to(seq2point: Command, minutes: Path):
    answer = seq2point("verify", pretrained.load_pretrained("kettle-60s").onnx, "--data", minutes)
    assert answer.code == 2
    assert "kettle-60s.onnx: name the model to compare it with" in answer.err


def test_other_verbs_take_names_too(seq2point: Command, house: Path, tmp_path: Path):
    assert "227,869" in seq2point("info", "kettle-8s").out
    tested = seq2point("test", "kettle-8s", "--data", house)
    assert tested.code == 0, tested.err
    assert "F1, on/off" in tested.out
    exported = seq2point("export", "kettle-60s", "--target", "onnx", "-o", tmp_path / "kettle.onnx")
    assert exported.code == 0, exported.err
    for verb in (("info", "heater"), ("compact", "heater", "-o", tmp_path / "x.safetensors")):
        unknown = seq2point(*verb)
        assert (unknown.code, unknown.err.count("\n")) == (2, 1)
        assert "no model of 'heater' comes with the package" in unknown.err


def test_info_names_the_data_sets_that_a_shipped_model_learned_from(seq2point: Command):
    told = " ".join(seq2point("info", "dishwasher-60s").out.split())
    assert re.search(r"UK-DALE house 1 \([\d.]+ days\),.* AMPds2 house 1 \([\d.]+ days\)", told)
