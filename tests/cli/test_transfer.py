"""`seq2point transfer` and `train_main.py --transfer_from`: what they write, say and refuse."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seq2point.cli import original
from seq2point.data.parquet_file import write_recording
from seq2point.data.table import load_recording
from seq2point.model.evaluation import evaluate
from seq2point.model.model_file import Model
from seq2point.recording import Recording

Command = Callable[..., Any]
QUICK = ("--steps", 6, "--batch-size", 200, "--threads", 1)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, make_house: Command) -> Path:
    """A house with a kettle and a microwave."""
    house = make_house(1500, 5)
    microwave_w = np.roll(house.appliances_w["kettle"], 70) / 2
    both = {"kettle": house.appliances_w["kettle"], "microwave": microwave_w}
    path = tmp_path_factory.mktemp("two") / "house5.parquet"
    write_recording(Recording("5", 6.0, house.mains_w + microwave_w, both, house.start), path)
    return path


@pytest.fixture
def model(trained: tuple[Path, Any]) -> Path:
    return trained[0] / "model.safetensors"


def test_a_model_goes_on_in_another_house_with_its_masks(
    seq2point: Command, model: Path, two: Path, tmp_path: Path
):
    out, report = tmp_path / "there.safetensors", tmp_path / "report.json"
    answer = seq2point(
        "transfer", model, "--train", two, "--days", 0.1, "-o", out, "--json", report, *QUICK
    )
    assert answer.code == 0, answer.err
    before, after = Model.load(model), Model.load(out)
    assert set(before.masks) == set(after.masks)
    for name, mask in before.masks.items():
        assert not after.network.get_parameter(name)[~mask].any()
    record = after.provenance["transfer"]
    assert (record["days"], record["freeze"], record["rescale"]) == (0.1, "none", "keep")
    assert record["from"]["sha256"] == before.digest() != after.digest()
    assert record["from"]["provenance"] == before.provenance
    found = json.loads(report.read_text())
    assert found["tested_on"] == "the held-out block of the training data"
    assert found["data"][0]["samples"] == 288
    assert "MAE while on" in answer.out
    assert "as it was" in answer.out
    told = " ".join(seq2point("info", out).out.split())
    assert "transferred from a model of the kettle" in told
    tested = load_recording(two).take_days(0.1, "kettle").hold_out(0.2, before.window)[1]
    assert found["before"] == pytest.approx(
        evaluate(before, [tested]).metrics["kettle"], nan_ok=True
    )
    assert found["before"] != found["metrics"]


def test_several_appliances_become_one_model_that_disaggregates_and_is_tested(
    seq2point: Command, model: Path, two: Path, tmp_path: Path
):
    out = tmp_path / "two.safetensors"
    answer = seq2point(
        "transfer",
        model,
        "--appliance",
        "kettle",
        "--appliance",
        "microwave",
        "--train",
        two,
        "-o",
        out,
        *QUICK,
    )
    assert answer.code == 0, answer.err
    joined, begun = Model.load(out), Model.load(model)
    assert [a.name for a in joined.appliances] == ["kettle", "microwave"]
    for name, t in begun.network.convolutions.state_dict().items():
        assert torch.equal(joined.network.convolutions.state_dict()[name], t)
    for i, name in enumerate(("kettle", "microwave")):
        alone = tmp_path / f"{name}.safetensors"
        words = ("--freeze", "convolutions") if name == "kettle" else ()
        answer = seq2point(
            "transfer", model, "--appliance", name, "--train", two, "-o", alone, *words, *QUICK
        )
        assert answer.code == 0, answer.err
        mains_w = load_recording(two).mains_w
        np.testing.assert_allclose(
            joined.disaggregate(mains_w)[:, i],
            Model.load(alone).disaggregate(mains_w),
            rtol=1e-4,
            atol=0.05,
        )
    tested = seq2point("test", out, "--data", two, "--json", tmp_path / "tested.json")
    assert tested.code == 0, tested.err
    assert set(json.loads((tmp_path / "tested.json").read_text())["metrics"]) == {
        "kettle",
        "microwave",
    }
    answer = seq2point("disaggregate", out, two, "-o", tmp_path / "answer.csv")
    assert answer.code == 0, answer.err
    assert (tmp_path / "answer.csv").read_text().splitlines()[0] == "time,kettle,microwave"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--appliance", "kettle", "--appliance", "microwave", "--freeze", "none"),
            "leave out --freeze and --rescale",
        ),
        (("--appliance", "microwave", "--days", 0), "cannot predict microwave without"),
        (
            ("--appliance", "microwave", "--freeze", "all-but-output"),
            "keeps hidden units that are fresh for microwave",
        ),
        (
            ("--days", 0, "--rescale", "refit"),
            "--days 0: no readings to fit the scaling to; leave out --rescale",
        ),
        (("--appliance", "toaster"), "unknown appliance 'toaster'"),
        (("--steps", 3, "--epochs", 1), "give one of --epochs, --steps and --budget"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line_and_nothing_is_written(
    seq2point: Command, model: Path, two: Path, tmp_path: Path, words: tuple[object, ...], said: str
):
    answer = seq2point("transfer", model, "--train", two, "-o", tmp_path / "no.safetensors", *words)
    assert answer.code == 2
    assert said in answer.err
    assert len(answer.err.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_nothing_need_be_held_out(
    seq2point: Command, model: Path, two: Path, files: Any, tmp_path: Path
):
    words = (
        "transfer",
        model,
        "--train",
        two,
        "--hold-out",
        0,
        "-o",
        tmp_path / "all.safetensors",
        *QUICK,
    )
    answer = seq2point(*words, "--json", "-")
    assert answer.code == 0, answer.err
    assert list(json.loads(answer.out)) == ["model", "seconds"]
    training = Model.load(tmp_path / "all.safetensors").provenance["training"]
    assert [data["samples"] for data in training["training_data"]] == [1500]
    tested = seq2point(*words, "--test", files.test, "--json", "-")
    assert json.loads(tested.out)["tested_on"] == "test"


@pytest.mark.filterwarnings("default")
def test_another_sampling_period_is_refused_until_resampling_is_asked_for(
    seq2point: Command, model: Path, files: Any, tmp_path: Path
):
    words = ("transfer", model, "--train", files.slow, "-o", tmp_path / "a.safetensors", *QUICK)
    refused = seq2point(*words)
    assert refused.code == 1
    assert (
        "a reading every 8 s, the model needs one every 6 s; set --resample to repeat readings"
        in refused.err
    )
    asked = seq2point(*words, "--resample")
    assert asked.code == 0, asked.err
    assert "readings every 8 s are repeated to give one every 6 s" in asked.err
    training = Model.load(tmp_path / "a.safetensors").provenance["training"]
    assert {
        data["resampled_from_s"]
        for data in (*training["training_data"], *training["validation_data"])
    } == {8.0}
    assert {data["period_s"] for data in training["training_data"]} == {6.0}


def test_a_model_of_another_appliance_is_not_replaced(
    seq2point: Command, model: Path, two: Path, tmp_path: Path
):
    out = tmp_path / "mine.safetensors"
    words = ("transfer", model, "--train", two, "-o", out, *QUICK)
    assert seq2point(*words, "--appliance", "microwave").code == 0
    before = out.read_bytes()
    refused = seq2point(*words)
    assert refused.code == 2
    assert "holds a model of the microwave, which one of the kettle would replace" in refused.err
    assert out.read_bytes() == before
    assert seq2point("compact", model, "-o", out).code == 2
    assert seq2point(*words, "--appliance", "microwave").code == 0


def test_train_main_begins_from_a_model_of_another_appliance_with_its_convolutions(
    program: Command, model: Path, two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)

    def run_train(*words: object) -> Any:
        return program(lambda: original.run_as_script(original.train_main), *words)

    usual = (
        "--appliance_name=microwave",
        "--training_directory",
        two,
        "--transfer_from",
        model,
        "--epochs",
        1,
    )
    answer = run_train(*usual, "--input_window_length", 31)
    assert answer.code == 0, answer.err
    saved = Model.load(Path("microwave/saved_models/microwave_default_default_model.safetensors"))
    for name, t in Model.load(model).network.convolutions.state_dict().items():
        assert torch.equal(saved.network.convolutions.state_dict()[name], t)
    assert "its window is 31 samples; give --input_window_length 31" in run_train(*usual).err
    assert (
        "give one with --transfer_from"
        in run_train("--training_directory", two, "--freeze", "convolutions").err
    )
