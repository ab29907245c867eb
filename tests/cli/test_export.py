"""`seq2point export`, `verify`, and the other verbs on exported files, as a user meets them."""

import json
import subprocess
import sys
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from seq2point import Model, runtime
from seq2point.data.parquet_file import write_recording
from seq2point.studies import count_by_layer

Command = Callable[..., Any]

WITHOUT = ("torch", "lightning", "safetensors", "sklearn", "scipy", "matplotlib", "onnx")


@pytest.fixture(scope="module")
def model(unmasked: Path) -> Path:
    return unmasked


@pytest.fixture(scope="module")
def exported(model: Path, seq2point: Command) -> Path:
    answer = seq2point("export", model, "--target", "onnx", "-o", model.with_suffix(".onnx"))
    assert answer.code == 0, answer.err
    assert "the native model's answers in 1,024 windows of random mains" in answer.out
    return model.with_suffix(".onnx")


@pytest.fixture(scope="module")
def house(make_house: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("calibration") / "house.parquet"
    write_recording(make_house(6000, 5), path)
    return path


@pytest.mark.filterwarnings("always:.* of the weights are pruned but still there")
def test_a_pruned_model_is_exported_with_a_warning_where_compaction_would_shrink_it(
    trained: tuple[Path, Any], seq2point: Command, tmp_path: Path
):
    pruned, small = trained[0] / "model.safetensors", tmp_path / "small.safetensors"
    assert seq2point("compact", pruned, "-o", small).code == 0
    assert Model.load(small).masks  # zeros that compaction cannot remove
    for path, count in ((pruned, 1), (small, 0)):
        answer = seq2point("export", path, "--target", "onnx", "-o", tmp_path / "model.onnx")
        assert answer.code == 0
        assert answer.err.count("of the weights are pruned but still there: zeros make") == count
    assert (tmp_path / "model.onnx").exists()


def test_int8_is_a_quarter_of_the_size_and_proved_on_the_held_back_part(
    model: Path, exported: Path, house: Path, seq2point: Command, tmp_path: Path
):
    out = tmp_path / "int8.onnx"
    words = ("--int8", "--calibrate", house, "--json", tmp_path / "report.json")
    answer = seq2point("export", model, "--target", "onnx", *words, "-o", out)
    assert answer.code == 0, answer.err
    for said in (
        "chosen",
        "convolutions.0",
        "MAE while on",
        "peak memory of the process",
        "largest difference",
        str(out),
    ):
        assert said in answer.out
    assert out.stat().st_size < 0.3 * exported.stat().st_size
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["quantization"]["calibration"]["windows_on"]["kettle"] >= 256
    assert report["verification"]["failures"] == []
    metrics = report["verification"]["metrics"]
    assert (
        metrics["exported"]["kettle"]["on_mae_w"] <= 1.05 * metrics["native"]["kettle"]["on_mae_w"]
    )
    assert report["verification"]["windows"] == 1800 - 30
    assert "int8, but float32 in" in seq2point("info", out).out


def test_verify_shows_both_sides_and_fails_with_its_own_exit_code(
    model: Path,
    exported: Path,
    house: Path,
    seq2point: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("seq2point.deploy.verify._measure_costs", lambda *_: {})
    answer = seq2point("verify", exported, model, "--data", house, "--json", tmp_path / "v.json")
    assert answer.code == 0, answer.err
    assert "native" in answer.out
    assert json.loads((tmp_path / "v.json").read_text())["relative_difference"] < 1e-5
    other = Model.load(model)
    other.network.output.bias.data -= 0.5
    other.save(tmp_path / "other.safetensors")
    answer = seq2point("verify", exported, tmp_path / "other.safetensors", "--data", house)
    assert answer.code == 3
    (line,) = answer.err.splitlines()
    assert line.startswith(f"seq2point: {exported}: ")
    assert "the largest difference is 500 W" in line


def test_disaggregate_and_test_give_the_native_answers(
    model: Path, exported: Path, files: Any, seq2point: Command, tmp_path: Path
):
    answers, metrics = [], []
    for file in (model, exported):
        assert (
            seq2point(
                "disaggregate", file, files.test, "-o", tmp_path / "a.csv", "--edges", "repeat"
            ).code
            == 0
        )
        answers.append(pl.read_csv(tmp_path / "a.csv"))
        tested = seq2point("test", file, "--data", files.test, "--json", "-")
        metrics.append(json.loads(tested.out)["metrics"])
    assert answers[0]["Timestamp"].equals(answers[1]["Timestamp"])
    np.testing.assert_allclose(answers[1]["kettle"], answers[0]["kettle"], atol=0.011)
    assert metrics[1] == pytest.approx(metrics[0], rel=1e-4)


def without_what_trains(*words: object, absent: Collection[str] = WITHOUT) -> str:
    """The standard output of a command where nothing of the training is installed."""
    absent = f"sys.modules.update(dict.fromkeys({tuple(absent)!r}))"
    code = f"import sys; {absent}; from seq2point.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_light(*words: object) -> str:
    """The standard output where safetensors can be read, and nothing of the training is there."""
    return without_what_trains(*words, absent={*WITHOUT} - {"safetensors"})


def test_an_exported_model_disaggregates_where_nothing_of_the_training_is_installed(
    model: Path, exported: Path, files: Any, seq2point: Command, tmp_path: Path
):
    without_what_trains("disaggregate", exported, files.test, "-o", tmp_path / "edge.csv")
    seq2point("disaggregate", model, files.test, "-o", tmp_path / "native.csv")
    edge, native = (pl.read_csv(tmp_path / f"{name}.csv")["kettle"] for name in ("edge", "native"))
    assert edge.is_null().equals(native.is_null())
    np.testing.assert_allclose(edge.drop_nulls(), native.drop_nulls(), atol=0.011)


def test_info_and_verify_need_no_torch(model: Path, exported: Path, files: Any):
    shown = run_light("info", model, "--json", "-")
    described = json.loads(shown)
    loaded = Model.load(model)
    assert described["model"] == json.loads(json.dumps(loaded.describe()))
    assert described["pruning"] == count_by_layer(loaded)
    proof = run_light("verify", exported, model, "--data", files.test, "--json", "-")
    compared = json.loads(proof)
    assert compared["relative_difference"] < 1e-4
    assert all(compared["costs"][side]["latency_ms"] > 0 for side in ("native", "exported"))
    assert compared["costs"]["native"]["file_bytes"] == model.stat().st_size


def test_an_exported_model_is_tested_and_data_are_checked_without_torch(
    exported: Path, files: Any, seq2point: Command
):
    edge = json.loads(without_what_trains("test", exported, "--data", files.test, "--json", "-"))
    assert (
        edge["metrics"]
        == json.loads(seq2point("test", exported, "--data", files.test, "--json", "-").out)[
            "metrics"
        ]
    )
    assert "energy and time on" in without_what_trains("data", "check", files.test)


def test_info_says_what_an_exported_file_is(exported: Path, seq2point: Command):
    answer = seq2point("info", exported)
    for words in ("kettle", "6 s", "31 samples", "windows, in batches of any size", "float32"):
        assert words in answer.out
    report = json.loads(seq2point("info", exported, "--json", "-").out)
    assert report["model"]["window"] == 31
    assert report["provenance"]["training"]
    assert report["provenance"]["exported_with"]["onnx"]


# what is typed -> the exit code, and what the line says
REFUSED = {
    "an unknown target": (
        "export {model} --target abacus -o {out}/m",
        2,
        "unknown target 'abacus': choose one of onnx, litert",
    ),
    "another ending": (
        "export {model} --target onnx -o {out}/m.txt",
        2,
        "m.txt: an ONNX file is written as .onnx",
    ),
    "a foreign model": (
        "export {house} --target onnx -o {out}/m.onnx",
        1,
        "house.parquet: not a seq2point model",
    ),
    "an exported model": (
        "export {exported} --target onnx -o {out}/m.onnx",
        1,
        "model.onnx: not a seq2point model",
    ),
    "calibration at another period": (
        "export {model} --target onnx --int8 --calibrate {slow} -o {out}/m.onnx",
        1,
        "slow.parquet: a reading every 8 s, the model needs one every 6 s",
    ),
    "calibration without an on-state": (
        "export {model} --target onnx --int8 --calibrate {off} -o {out}/m.onnx",
        1,
        "off: the kettle is never on in the",
    ),
    "calibration without the appliance": (
        "export {model} --target onnx --int8 --calibrate {mains} -o {out}/m.onnx",
        1,
        "mains.csv: no column for 'kettle'",
    ),
    "an unwritable path": (
        "export {model} --target onnx -o {house}/m.onnx",
        2,
        "house.parquet is a file, not a folder",
    ),
    "a file that was cut off": (
        "disaggregate {cut} {house} -o {out}/a.csv",
        1,
        "cut.onnx: not exported by seq2point, or cut",
    ),
    "a file that is not there": (
        "verify {out}/none.onnx {model} --data {house}",
        1,
        "none.onnx: no such model file",
    ),
    "a file without a runtime": (
        "verify {model} {model} --data {house}",
        1,
        "model.safetensors: not an exported model",
    ),
    "mains of another period": (
        "disaggregate {exported} {slow} -o {out}/a.csv",
        1,
        "slow.parquet: a reading every 8 s, the model needs one every 6 s",
    ),
    "CUDA": (
        "test {exported} --data {house} --device cuda",
        2,
        "--device cuda: model.onnx runs on the CPU",
    ),
}


@pytest.fixture(scope="module")
def places(
    model: Path,
    exported: Path,
    house: Path,
    files: Any,
    make_house: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("bad")
    (folder / "cut.onnx").write_bytes(exported.read_bytes()[:5000])
    quiet = replace(make_house(6000, 5), house="off")
    quiet.appliances_w["kettle"][:] = 0
    write_recording(quiet, folder / "off.parquet")
    pl.read_csv(files.test).select("Timestamp", "mains").write_csv(folder / "mains.csv")
    made = {path.stem: path for path in folder.iterdir()}
    return {"model": model, "exported": exported, "house": house, "slow": files.slow, **made}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_in_one_line_and_leaves_nothing(
    case: str, places: dict[str, Path], seq2point: Command, tmp_path: Path
):
    typed, code, says = REFUSED[case]
    answer = seq2point(*(word.format(**places, out=tmp_path) for word in typed.split()))
    (line,) = answer.err.splitlines()
    assert line.startswith("seq2point: ")
    assert says in line
    assert answer.code == code
    assert not answer.out
    assert list(tmp_path.iterdir()) == []


def test_an_exported_file_is_run_from_python_too(exported: Path, files: Any):
    opened = runtime.load(exported, threads=1)
    assert [a.name for a in opened.appliances] == ["kettle"]
    mains_w = np.full(100, 300, dtype=np.float32)
    assert opened.disaggregate(mains_w).shape == (100,)
    assert opened.run(mains_w[None, :31]).shape == (1, 1)
