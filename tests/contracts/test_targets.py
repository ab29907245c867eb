"""What every deployment target promises, swept over their table through the command line.

A new target needs one line in CASES; it is held to the same promises.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from tests.cli.conftest import Answer, answer_of

from seq2point import Architecture, Model, Recording, deploy, load_recording
from seq2point.cli import main
from seq2point.data.parquet_file import write_recording
from seq2point.deploy.verify import open_exported
from seq2point.runtime import Runtime
from seq2point.system.c_compiler import find_compiler

SHAPE = Architecture(window=61, target_index=40, channels=(4, 6), kernels=(9, 5), hidden=12)


class Case(NamedTuple):
    """A way to use a target: what is typed, and how a file of it ends. What is not int8 equals the
    native model.
    """

    target: str
    ending: str
    words: tuple[str, ...] = ()
    int8: bool = False


CALIBRATED = ("--calibrate", "{house}")
CASES = {
    "onnx": Case("onnx", ".onnx"),
    "onnx, chunks": Case("onnx", ".onnx", ("--sliding",)),
    "onnx, int8": Case("onnx", ".onnx", ("--int8", *CALIBRATED), int8=True),
    "litert": Case("litert", ".tflite"),
    "litert, int8": Case("litert", ".tflite", ("--int8", *CALIBRATED), int8=True),
    "microcontroller": Case("microcontroller", ".c", CALIBRATED, int8=True),
}
CALIBRATING = [name for name, case in CASES.items() if case.int8]


def seq2point(*words: object) -> Answer:
    return answer_of(main, *words)


def kettles(samples: int, seed: int, house: str = "home") -> Recording:
    """A kettle for two minutes now and then, over a base load with noise, and a gap."""
    rng = np.random.default_rng(seed)
    kettle_w = np.zeros(samples, dtype=np.float32)
    for at in range(60, samples - 40, 150):
        kettle_w[at : at + int(rng.integers(12, 25))] = 2500
    mains_w = kettle_w + rng.gamma(4, 60, samples).astype(np.float32)
    mains_w[samples // 2] = np.nan
    return Recording(house, 6.0, mains_w, {"kettle": kettle_w}, datetime(2025, 1, 1, tzinfo=UTC))


def untrained(shape: Architecture) -> Model:
    """A model whose answers rise with the mains, on both sides of zero watts."""
    torch.manual_seed(3)
    model = Model.untrained("kettle", 6.0, shape)
    with torch.no_grad():
        for layer in (*model.network.convolutions, model.network.hidden):
            layer.bias.normal_(0, 0.2)
        model.network.output.weight *= 2
    return replace(model, provenance={"made": "here", "said": "*/ \"quoted\" ??/ {'format': 2}"})


@pytest.fixture(scope="module", autouse=True)
def no_costs() -> Iterator[None]:
    """Leave out what costs seconds: processes of their own whose memory is measured."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("seq2point.deploy.verify._measure_costs", lambda *_: {})
        yield


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("targets")
    names = ("house", "off", "early", "slow", "unseen")
    files = {name: folder / f"{name}.parquet" for name in names} | {
        "model": folder / "model.safetensors"
    }
    untrained(SHAPE).save(files["model"])
    whole = kettles(4000, 1)
    early_w = np.where(np.arange(4000) < 2500, whole.appliance_w("kettle"), 0)
    houses = {
        "house": whole,
        "off": replace(whole, appliances_w={"kettle": np.zeros(4000, dtype=np.float32)}),
        "early": replace(whole, appliances_w={"kettle": early_w}),
        "slow": replace(whole, period_s=8.0),
        "unseen": kettles(2000, 2),
    }
    for name, recording in houses.items():
        write_recording(recording, files[name])
    return files


def usable(case: Case) -> Case:
    if case.target == "litert" and not find_spec("ai_edge_litert"):
        pytest.skip("LiteRT has an environment of its own: make test-litert")
    if case.target == "microcontroller" and find_compiler() is None:
        pytest.skip("no C compiler here to prove the C with")
    return case


@pytest.fixture(params=CASES, scope="module")
def case(request: pytest.FixtureRequest) -> Case:
    return usable(CASES[request.param])


@pytest.fixture(params=CALIBRATING, scope="module")
def calibrating(request: pytest.FixtureRequest) -> Case:
    return usable(CASES[request.param])


def export(case: Case, model: Path, out: Path, places: dict[str, Path], *more: object) -> Answer:
    words = [word.format(**places) for word in case.words]
    limits = ("--max-on-mae", 9, "--max-sae", 9)  # an untrained model's metrics mean nothing
    return seq2point("export", model, "--target", case.target, *words, *limits, *more, "-o", out)


@pytest.fixture(scope="module")
def exported(case: Case, places: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported") / f"model{case.ending}"
    answer = export(case, places["model"], out, places)
    assert answer.code == 0, answer.err
    return out


def test_every_target_is_swept():
    assert {case.target for case in CASES.values()} == set(deploy.TARGETS)


def differences(native: Model, exported: Runtime, recording: Recording, int8: bool) -> None:
    """Answers at the same samples; equal to 1e-4 of the largest, or within what 256 steps leave of
    all but rare extremes.
    """
    native_w, exported_w = native.predict_w(recording), exported.predict_w(recording)
    assert exported_w.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(exported_w), np.isnan(native_w))
    assert np.nanmin(exported_w) >= 0
    highest_w = np.nanmax(native_w)
    assert highest_w > 100
    error_w = np.abs(exported_w - native_w)
    if int8:
        assert np.nanmean(error_w) <= 0.01 * highest_w
        assert np.nanquantile(error_w, 0.999) <= 0.1 * highest_w
    else:
        assert np.nanmax(error_w) <= 1e-4 * highest_w


def test_it_predictions_as_the_native_model_around_gaps(
    case: Case, exported: Path, places: dict[str, Path]
):
    unseen = load_recording(places["unseen"], ["kettle"])
    differences(Model.load(places["model"]), open_exported(exported, threads=1), unseen, case.int8)


def test_a_day_of_real_mains_gets_the_native_answers(
    case: Case, places: dict[str, Path], data_dir: Path, tmp_path: Path
):
    day = load_recording(data_dir / "ukdale_house1_6s_b.parquet", ["kettle"]).slice(0, 14_400)
    fit = load_recording(data_dir / "ukdale_house1_6s_a.parquet", ["kettle"]).slice(0, 40_000)
    write_recording(fit, tmp_path / "fit.parquet")
    model = untrained(Architecture(window=149, channels=(4, 4, 6), kernels=(9, 7, 5), hidden=16))
    model.save(tmp_path / "model.safetensors")
    out = tmp_path / f"model{case.ending}"
    answer = export(
        case, tmp_path / "model.safetensors", out, {**places, "house": tmp_path / "fit.parquet"}
    )
    assert answer.code == 0, answer.err
    differences(model, open_exported(out, threads=1), day, case.int8)


def test_the_file_says_what_it_is(case: Case, exported: Path, places: dict[str, Path]):
    metadata, model = open_exported(exported).metadata, Model.load(places["model"])
    assert (metadata.appliances, metadata.period_s, metadata.scale) == (
        model.appliances,
        6.0,
        model.scale,
    )
    assert (metadata.window, metadata.target_index) == (61, 40)
    assert metadata.model == model.architecture.model_dump(mode="json")
    assert metadata.provenance["exported_with"]["seq2point"]
    assert {name: metadata.provenance[name] for name in model.provenance} == model.provenance
    assert (metadata.quantization is not None) == case.int8


def test_the_same_file_is_written_twice(
    case: Case, exported: Path, places: dict[str, Path], tmp_path: Path
):
    assert export(case, places["model"], tmp_path / "again" / exported.name, places).code == 0
    assert (tmp_path / "again" / exported.name).read_bytes() == exported.read_bytes()


def test_verify_takes_it_and_its_exit_code_tells_what_is_worse(
    exported: Path, places: dict[str, Path], tmp_path: Path
):
    options = (
        "--data",
        places["unseen"],
        "--max-on-mae",
        9,
        "--max-sae",
        9,
        "--json",
        tmp_path / "v.json",
    )
    assert seq2point("verify", exported, places["model"], *options).code == 0
    metrics = json.loads((tmp_path / "v.json").read_text())["metrics"]
    assert metrics["exported"]["kettle"]["mae_w"] == pytest.approx(
        metrics["native"]["kettle"]["mae_w"], rel=0.05
    )
    good = Model.load(places["model"])
    good.network.output.weight.data /= 50
    good.save(tmp_path / "other.safetensors")
    answer = seq2point(
        "verify", exported, tmp_path / "other.safetensors", "--data", places["unseen"]
    )
    assert answer.code == 3
    (line,) = answer.err.splitlines()
    assert line.startswith(f"seq2point: {exported}: the kettle's ")


@pytest.mark.filterwarnings("always:.* of the weights are pruned but still there")
def test_zeros_that_compaction_would_remove_are_warned_of(
    case: Case, places: dict[str, Path], tmp_path: Path
):
    model = Model.load(places["model"])
    kept = torch.ones_like(model.network.hidden.weight, dtype=torch.bool)
    kept[: round(0.87 * len(kept))] = False
    model.network.hidden.weight.data *= kept
    replace(model, masks={"hidden.weight": kept}).save(tmp_path / "pruned.safetensors")
    answer = export(case, tmp_path / "pruned.safetensors", tmp_path / f"model{case.ending}", places)
    assert answer.code == 0, answer.err
    assert re.match(
        r"seq2point: warning: 8\d% of the weights are pruned but still there: zeros make",
        answer.err,
    )


def test_what_fails_its_proof_is_not_written_unless_forced(
    calibrating: Case, places: dict[str, Path], tmp_path: Path
):
    out = tmp_path / "out" / f"model{calibrating.ending}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("seq2point.deploy.verify._find_failures", lambda *_: ["it is worse"])
        answer = export(calibrating, places["model"], out, places)
        assert (answer.code, answer.out) == (3, "")
        assert answer.err.endswith("not written: it is worse; --force writes it all the same\n")
        assert list((tmp_path / "out").iterdir()) == []
        assert export(calibrating, places["model"], out, places, "--force").code == 0
    assert out.exists()


def test_without_a_recording_simulated_homes_calibrate_and_that_is_said(
    calibrating: Case, places: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("seq2point.deploy.calibration.CALIBRATION_DAYS", 1)
    monkeypatch.setattr("seq2point.deploy.calibration.PROOF_DAYS", 1)
    bare = calibrating._replace(
        words=tuple(word for word in calibrating.words if word not in CALIBRATED)
    )
    for more, proof in (
        ((), "proved on 2 others"),
        (("--verify", places["unseen"]), "proved on your recordings"),
    ):
        out = tmp_path / f"model{calibrating.ending}"
        answer = export(
            bare, places["model"], out, places, *more, "--json", tmp_path / "report.json"
        )
        assert answer.code == 0, answer.err
        assert (
            f"int8 ranges are from 4 simulated homes, {proof}; a recording of the home"
            in answer.out
        )
        report = json.loads((tmp_path / "report.json").read_text())
        assert report["simulated"] == {"calibration": True, "proof": not more}
        quantization = open_exported(out).metadata.quantization
        assert quantization is not None
        assert quantization["calibration"]["simulated"] is True
    recorded = export(calibrating, places["model"], out, places)
    assert "simulated" not in recorded.out
    assert open_exported(out).metadata.quantization["calibration"]["simulated"] is False  # type: ignore[index]


@pytest.mark.parametrize(
    ("house", "code", "message"),
    [
        ("off", 1, "the kettle is never on in the part that int8 is calibrated on"),
        ("early", 1, "the kettle is never on in the last 30%, held back to verify with"),
        ("slow", 1, "slow.parquet: a reading every 8 s, the model needs one every 6 s"),
        ("model", 1, "model.safetensors: "),
        ("none", 1, "none.parquet: "),
    ],
)
def test_a_calibration_that_cannot_be_is_refused(
    house: str, code: int, message: str, calibrating: Case, places: dict[str, Path], tmp_path: Path
):
    fit = {**places, "none": tmp_path / "none.parquet"}[house]
    answer = export(
        calibrating, places["model"], tmp_path / f"m{calibrating.ending}", {**places, "house": fit}
    )
    refused(answer, code, message)
    assert list(tmp_path.iterdir()) == []


def refused(answer: Answer, code: int, message: str) -> None:
    (line,) = answer.err.splitlines()
    assert line.startswith("seq2point: ")
    assert message in line
    assert (answer.code, answer.out) == (code, "")


def test_a_place_that_cannot_be_written_is_refused(
    case: Case, places: dict[str, Path], tmp_path: Path
):
    (tmp_path / "file").touch()
    (tmp_path / f"folder{case.ending}").mkdir()
    inside = export(case, places["model"], tmp_path / "file" / f"model{case.ending}", places)
    refused(inside, 2, f"{tmp_path / 'file'} is a file, not a folder")
    if case.target != "microcontroller":  # there a folder receives model.c
        refused(
            export(case, places["model"], tmp_path / f"folder{case.ending}", places),
            1,
            "cannot be written (Is a directory)",
        )
    assert {path.name for path in tmp_path.iterdir()} == {"file", f"folder{case.ending}"}


def test_what_is_no_model_is_refused(
    case: Case, places: dict[str, Path], exported: Path, tmp_path: Path
):
    out = tmp_path / "out" / f"model{case.ending}"
    for model in (places["house"], exported, tmp_path / "none.safetensors"):
        answer = export(case, model, out, places)
        refused(answer, 1, f"{model.name}: ")
    assert not out.parent.exists()


def test_a_file_that_was_damaged_or_is_foreign_is_refused(
    case: Case, exported: Path, places: dict[str, Path], tmp_path: Path
):
    content = exported.read_bytes()
    flipped = bytearray(content)
    flipped[len(content) // 3] ^= 1
    strange = tmp_path / "strange" / exported.name
    strange.parent.mkdir()
    for damaged, message in (
        (bytes(flipped), "the file was altered or cut off"),
        (content[: len(content) // 2], "or cut off"),
        (content[:-40], "or cut off"),
        (b"", "the file is empty"),
        (places["house"].read_bytes(), "not exported by seq2point"),
    ):
        strange.write_bytes(damaged)
        answer = seq2point("verify", strange, places["model"], "--data", places["house"])
        refused(answer, 1, message)
        assert answer.err.startswith(f"seq2point: {strange}: ")
    if case.target != "microcontroller":
        answer = seq2point("disaggregate", strange, places["house"], "-o", tmp_path / "a.csv")
        refused(answer, 1, f"{strange}: not exported by seq2point")
    assert not (tmp_path / "a.csv").exists()
