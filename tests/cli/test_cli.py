"""The verbs as a user meets them: train, test, info, disaggregate, and the files they leave."""

import json
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from seq2point.configuration.training import WINDOWS
from seq2point.model.model_file import Model
from seq2point.recording.windows import DEFAULT_WINDOWS

METRICS = {
    "mae_w",
    "on_mae_w",
    "sae",
    "sae_delta_w",
    "nde",
    "energy_per_day_wh",
    "f1",
    "precision",
    "recall",
    "mcc",
    "accuracy",
    "event_f1",
    "event_precision",
    "event_recall",
    "cycle_precision",
    "cycle_recall",
}
PNG = b"\x89PNG"
WINDOW = 31

Command = Callable[..., Any]


@pytest.fixture
def model(trained: tuple[Path, Any]) -> Path:
    return trained[0] / "model.safetensors"


def test_train_leaves_the_files_that_outsiders_rely_on(trained: tuple[Path, Any]):
    out, _ = trained
    assert {path.name for path in out.iterdir()} == {
        "model.safetensors",
        "compact.safetensors",
        "metrics.json",
        "training.png",
        "test.png",
        "log.csv",
        "days.parquet",
        "run.json",
        "checkpoints",
        "logs",
    }
    assert (out / "training.png").read_bytes()[:4] == (out / "test.png").read_bytes()[:4] == PNG
    assert (out / "checkpoints" / "last.ckpt").exists()
    assert list((out / "logs").rglob("metrics.csv"))
    assert list((out / "logs").rglob("events.out.tfevents*"))


def test_the_help_names_the_default_windows_of_the_table():
    table = {f"{period_s:g} s": window for period_s, window in DEFAULT_WINDOWS.items()}
    said = [part.split(" at ") for part in WINDOWS.split(", ")]
    assert {
        period: int(window) for window, periods in said for period in periods.split(" and ")
    } == table


def test_train_shows_the_metrics_beside_the_baselines_the_pruning_and_where_everything_lies(
    trained: tuple[Path, Any],
):
    out, answer = trained
    costs = (
        "multiply-adds a window",
        "gzipped, bytes",
        "latency, batch 256",
        "Zeros alone make nothing faster",
    )
    for words in (
        "network",
        "zero predictor",
        "mean predictor",
        "MAE while on",
        "convolutions.0.weight",
        "50.0%",
        *costs,
    ):
        assert words in answer.out
    for name in ("model.safetensors", "metrics.json", "training.png", "test.png", "log.csv"):
        assert str(out / name) in answer.out


def test_train_without_a_terminal_says_where_it_stands_after_every_validation(
    trained: tuple[Path, Any],
):
    steps = [line.split()[1] for line in trained[1].err.splitlines() if line.startswith("step ")]
    assert len(steps) >= 15
    assert steps[-1] == "250/250"


def test_the_metrics_file_has_every_metric_of_the_model_and_of_the_baselines(
    trained: tuple[Path, Any],
):
    report = json.loads((trained[0] / "metrics.json").read_text())
    assert {
        "metrics",
        "baselines",
        "by_hour",
        "activations",
        "coverage",
        "warnings",
        "model",
        "data",
        "command",
        "tested_on",
        "validated_on",
        "pruning",
        "costs",
        "training",
    } == set(report)
    assert report["warnings"] == []
    assert (
        set(report["metrics"])
        == set(report["baselines"]["zero"])
        == set(report["baselines"]["mean"])
        == METRICS
    )
    assert report["metrics"]["mae_w"] < 0.5 * report["baselines"]["zero"]["mae_w"]
    assert report["model"]["appliances"] == ["kettle"]
    (data,) = report["data"]
    assert data.pop("coverage") == report["coverage"]
    assert len(data.pop("sha256")) == 64
    assert data.pop("interpretation")["series"]["mains"]["unit"] == "W"
    assert data == {"house": "test", "samples": 1500, "days": 0.1, "period_s": 6.0}
    assert report["training"]["planned_steps"] == 250
    assert report["pruning"]["sparsity"] == pytest.approx(0.5, abs=1e-3)


def test_the_log_has_a_row_for_every_validation(trained: tuple[Path, Any]):
    log = pl.read_csv(trained[0] / "log.csv")
    assert {"step", "seconds", "val_loss", "val_mae_w", "sparsity"} <= set(log.columns)
    assert log["step"].is_sorted()
    assert log["step"][-1] == 250


def test_without_a_test_house_the_validation_block_is_tested_on_and_the_report_says_so(
    seq2point: Command, files: Any, tmp_path: Path
):
    short = ("--network", "reduced", "--window", 31, "--steps", 3, "--batch-size", 100)
    assert (
        seq2point("train", "Kettle", "--train", files.train, "--out", tmp_path / "run", *short).code
        == 0
    )
    report = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert report["tested_on"] == "the held-out block of the training data"
    assert report["data"][0]["samples"] == 500


def test_resuming_a_finished_training_writes_the_same_model_again(
    trained: tuple[Path, Any], seq2point: Command, files: Any, quick: tuple[object, ...]
):
    out, _ = trained
    before = Model.load(out / "model.safetensors")
    pruning = ("--pruning", "tfmot", "--set", "frequency=100")
    words = (
        "train",
        "kettle",
        "--train",
        files.train,
        "--test",
        files.test,
        *pruning,
        "--out",
        out,
        *quick,
    )
    again = seq2point(*words)
    assert (again.code, again.err.count("\n")) == (2, 1)
    assert (
        f"{out}: holds a finished run; choose another folder, or begin anew with --overwrite"
        in again.err
    )
    resumed = seq2point(*words, "--resume")
    assert resumed.code == 0
    assert f"{out}: this run is finished; nothing is left to train\n" in resumed.err
    results = (out / "metrics.json").read_bytes()
    elsewhere = seq2point(
        *(word for word in words if word not in ("--test", files.test)), "--resume"
    )
    assert elsewhere.code == 2
    assert (
        "holds the results of a finished run, tested on test; test the model elsewhere"
        in elsewhere.err
    )
    assert (out / "metrics.json").read_bytes() == results
    after = Model.load(out / "model.safetensors")
    assert after.provenance == before.provenance
    weights = before.network.state_dict()
    assert all(torch.equal(t, weights[name]) for name, t in after.network.state_dict().items())


def test_resuming_where_nothing_stands_begins_anew_and_says_so(
    seq2point: Command, files: Any, tmp_path: Path
):
    words = (
        "train",
        "kettle",
        "--train",
        files.train,
        "--network",
        "reduced",
        "--window",
        33,
        "--steps",
        1,
    )
    answer = seq2point(*words, "--out", tmp_path / "new", "--resume")
    assert answer.code == 0, answer.err
    assert (
        f"{tmp_path / 'new'}: holds no checkpoint to go on from; the training begins at its first"
        " step\n" in answer.err
    )


def test_a_training_too_short_for_its_pruning_warns_in_one_line(
    seq2point: Command, files: Any, tmp_path: Path
):
    short = (
        "--network",
        "reduced",
        "--window",
        31,
        "--steps",
        3,
        "--engine",
        "windows",
        "--batch-size",
        20,
    )
    late = ("--set", "begin_step=10")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        answer = seq2point(
            "train",
            "kettle",
            "--train",
            files.train,
            "--pruning",
            "magnitude",
            *late,
            "--out",
            tmp_path,
            *short,
        )
    assert answer.code == 0
    said = [line for line in answer.err.splitlines() if not line.startswith("step ")]
    assert len(said) == 1
    assert said[0].startswith(
        "seq2point: warning: the training ends at step 3, before the pruning schedule does: pruned"
        " to 50%"
    )


def test_a_pruned_output_weight_is_a_hidden_unit_less_after_compaction(
    trained: tuple[Path, Any], model: Path, seq2point: Command, files: Any
):
    compacted = trained[0] / "compact.safetensors"
    before, after = Model.load(model), Model.load(compacted)
    kept = int(before.masks["output.weight"].sum())
    assert after.architecture.hidden == kept == before.architecture.hidden // 2
    one, other = (
        json.loads(seq2point("test", m, "--data", files.test, "--json", "-").out)["metrics"]
        for m in (model, compacted)
    )
    assert one == pytest.approx(other, rel=1e-3)


def test_test_gives_the_metrics_that_train_gave(
    trained: tuple[Path, Any], model: Path, seq2point: Command, files: Any, tmp_path: Path
):
    answer = seq2point(
        "test",
        model,
        "--data",
        files.test,
        "--json",
        tmp_path / "m.json",
        "--plot",
        tmp_path / "t.png",
    )
    assert answer.code == 0
    assert "zero predictor" in answer.out
    report = json.loads((tmp_path / "m.json").read_text())
    known = {"metrics", "baselines", "coverage", "warnings", "model", "data"}
    assert set(report) == known | {"by_hour", "activations", "command"}
    assert report["metrics"] == json.loads((trained[0] / "metrics.json").read_text())["metrics"]
    assert (tmp_path / "t.png").read_bytes()[:4] == PNG
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.json", "t.png"]


def test_a_model_no_better_than_always_off_is_said_to_be_wherever_it_is_tested(
    seq2point: Command, files: Any, tmp_path: Path
):
    short = ("--steps", 1, "--threads", 1)
    houses = ("--train", files.train, "--test", files.test)
    small = ("--network", "reduced", "--window", 31, "--out", tmp_path / "run")
    trained = seq2point("train", "kettle", *houses, *short, *small)
    tested = seq2point(
        "test",
        tmp_path / "run" / "model.safetensors",
        "--data",
        files.test,
        "--json",
        tmp_path / "test.json",
    )
    moved = (
        "transfer",
        tmp_path / "run" / "model.safetensors",
        "-o",
        tmp_path / "moved.safetensors",
    )
    transferred = seq2point(*moved, *houses, *short, "--json", tmp_path / "transfer.json")
    reports = [
        json.loads((tmp_path / name).read_text())
        for name in ("run/metrics.json", "test.json", "transfer.json")
    ]
    for answer, report in zip((trained, tested, transferred), reports, strict=True):
        assert answer.code == 0, answer.err
        (sentence,) = report["warnings"]
        assert sentence.startswith("This model ")
        assert "that of always saying off 479.6 W" in sentence
        assert f"warning: {sentence}\n" in answer.out


def test_test_with_a_dash_writes_nothing_but_json_to_standard_output(
    model: Path, seq2point: Command, files: Any
):
    answer = seq2point("test", model, "--data", files.test, "--data", files.train, "--json", "-")
    report = json.loads(answer.out)
    assert [data["house"] for data in report["data"]] == ["test", "1"]
    assert "zero predictor" in answer.err


def test_both_engines_give_the_same_metrics(model: Path, seq2point: Command, files: Any):
    one, other = (
        json.loads(
            seq2point("test", model, "--data", files.test, "--json", "-", "--engine", engine).out
        )["metrics"]
        for engine in ("sliding", "windows")
    )
    assert one.keys() == other.keys()
    assert one == pytest.approx(other, rel=1e-3)


def test_info_shows_what_a_model_is(model: Path, seq2point: Command):
    answer = seq2point("info", model)
    assert answer.code == 0
    for words in (
        "kettle",
        "6 s",
        "31 samples",
        "202,255",
        "house 1",
        "hidden.weight",
        f"{model.stat().st_size:,} bytes",
    ):
        assert words in answer.out
    (tested,) = [line for line in answer.out.splitlines() if "when tested" in line]
    assert re.search(r"[\d.]+ W \(zero [\d.]+ W, mean [\d.]+ W\)", tested)


def test_info_as_json_has_the_model_its_pruning_and_its_origin(
    model: Path, seq2point: Command, tmp_path: Path
):
    report = json.loads(seq2point("info", model, "--json", "-").out)
    assert report["model"]["parameters"] == 202_255
    assert report["provenance"]["training"]["settings"]["steps"] == 250
    assert report["pruning"]["layers"][0]["name"] == "convolutions.0.weight"
    assert report["file"] == {"path": str(model), "bytes": model.stat().st_size}
    assert seq2point("info", model, "--json", tmp_path / "i.json").code == 0
    assert json.loads((tmp_path / "i.json").read_text()) == report


def test_disaggregate_csv_keeps_the_times_letter_by_letter_and_gives_a_row_for_each_row(
    model: Path, seq2point: Command, files: Any, tmp_path: Path
):
    given = pl.read_csv(files.test, infer_schema=False)
    answer = seq2point("disaggregate", model, files.test, "-o", tmp_path / "watts.csv")
    assert answer.code == 0
    assert "1,500 rows, 2.5 of 2.5 hours predicted (98%)" in answer.err
    watts = pl.read_csv(tmp_path / "watts.csv", infer_schema=False)
    assert watts.columns == ["Timestamp", "kettle"]
    assert watts["Timestamp"].to_list() == given["Timestamp"].to_list()
    empty = watts["kettle"].is_null().to_numpy()
    edge = WINDOW // 2
    assert empty[:edge].all()
    assert empty[-edge:].all()
    assert not empty[edge:-edge].any()
    truth_w = given["kettle"].cast(pl.Float64).to_numpy()
    predicted_w = watts["kettle"].cast(pl.Float64).to_numpy()
    assert np.nanmean(np.abs(predicted_w - truth_w)) < 0.5 * truth_w.mean()


def test_disaggregate_parquet_keeps_the_type_of_the_times(
    model: Path, seq2point: Command, files: Any, tmp_path: Path
):
    assert seq2point("disaggregate", model, files.train, "-o", tmp_path / "watts.parquet").code == 0
    given, watts = pl.read_parquet(files.train), pl.read_parquet(tmp_path / "watts.parquet")
    assert watts.columns == ["time", "kettle"]
    assert watts["time"].equals(given["time"])
    assert watts.schema["time"] == given.schema["time"]
    assert watts["kettle"].null_count() == WINDOW - 1
    assert not watts["kettle"].is_nan().any()


def test_disaggregate_with_repeated_edges_leaves_no_row_empty(
    model: Path, seq2point: Command, files: Any, tmp_path: Path
):
    for edges in ("empty", "repeat"):
        assert (
            seq2point(
                "disaggregate", model, files.test, "-o", tmp_path / f"{edges}.csv", "--edges", edges
            ).code
            == 0
        )
    empty, repeat = (
        pl.read_csv(tmp_path / f"{edges}.csv")["kettle"] for edges in ("empty", "repeat")
    )
    assert repeat.null_count() == 0
    assert repeat.filter(empty.is_not_null()).to_list() == pytest.approx(
        empty.drop_nulls().to_list(), abs=0.05
    )


def test_rows_whose_window_holds_a_gap_are_empty(
    model: Path, seq2point: Command, files: Any, tmp_path: Path
):
    table = pl.read_csv(files.test, infer_schema=False)
    row = pl.int_range(pl.len())
    table.with_columns(mains=pl.when(row == 700).then(pl.lit("")).otherwise("mains")).write_csv(
        tmp_path / "gap.csv"
    )
    answer = seq2point(
        "disaggregate", model, tmp_path / "gap.csv", "-o", tmp_path / "watts.csv", "--fill", 0
    )
    assert answer.code == 0
    empty = np.flatnonzero(pl.read_csv(tmp_path / "watts.csv")["kettle"].is_null().to_numpy())
    edge = WINDOW // 2
    assert empty.tolist() == [
        *range(edge),
        *range(700 - edge, 700 + edge + 1),
        *range(1500 - edge, 1500),
    ]


def test_one_missing_reading_in_ten_leaves_no_row_empty_and_is_said(
    model: Path, seq2point: Command, files: Any, tmp_path: Path
):
    table = pl.read_csv(files.test, infer_schema=False)
    lost = pl.Series(np.random.default_rng(0).random(len(table)) < 0.1)
    table.with_columns(mains=pl.when(lost).then(pl.lit("")).otherwise("mains")).write_csv(
        tmp_path / "lost.csv"
    )
    answer = seq2point("disaggregate", model, tmp_path / "lost.csv", "-o", tmp_path / "watts.csv")
    assert pl.read_csv(tmp_path / "watts.csv")["kettle"].null_count() == WINDOW - 1
    assert f"{lost.sum()} missing readings of the mains filled" in answer.err
    table.with_columns(
        mains=pl.when(pl.int_range(pl.len()) % 25 < 15).then(pl.lit("")).otherwise("mains")
    ).write_csv(tmp_path / "lost.csv")
    refused = seq2point("disaggregate", model, tmp_path / "lost.csv", "-o", tmp_path / "none.csv")
    assert refused.code == 1
    assert (
        "nothing to predict from: no stretch of 31 readings (3 min) is without a gap of more"
        " than 10; set --fill to more to fill longer gaps, or --edges to repeat" in refused.err
    )
    assert not (tmp_path / "none.csv").exists()


@pytest.mark.parametrize(("missing", "warned"), [(0.1, False), (0.9, True)])
def test_a_test_says_how_much_of_the_recording_was_scored(
    model: Path, seq2point: Command, files: Any, tmp_path: Path, missing: float, warned: bool
):
    table = pl.read_csv(files.test, infer_schema=False)
    lost = pl.int_range(pl.len()) < missing * len(table)
    table.with_columns(mains=pl.when(lost).then(pl.lit("")).otherwise("mains")).write_csv(
        tmp_path / "lost.csv"
    )
    answer = seq2point(
        "test", model, "--data", tmp_path / "lost.csv", "--json", tmp_path / "report.json"
    )
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["coverage"]["scored"] == pytest.approx(
        1 - missing - (WINDOW - 1) / 1500, abs=1e-3
    )
    assert f"of 2.5 hours scored ({report['coverage']['scored']:.0%})" in answer.out
    assert any(line.startswith("only") for line in report["warnings"]) == warned


def test_mains_without_times_are_taken_at_the_models_period_and_that_is_said(
    model: Path, seq2point: Command, files: Any, tmp_path: Path
):
    pl.read_csv(files.test).select("mains").write_csv(tmp_path / "mains.csv")
    answer = seq2point("disaggregate", model, tmp_path / "mains.csv", "-o", tmp_path / "watts.csv")
    assert "has no times; taken as a reading every 6 s, the model's period" in answer.err
    watts = pl.read_csv(tmp_path / "watts.csv")
    assert watts.columns == ["kettle"]
    assert len(watts) == 1500


def test_columns_of_any_name_and_unit_are_read_where_they_are_named(
    model: Path, seq2point: Command, files: Any, tmp_path: Path
):
    table = pl.read_csv(files.test)
    renamed = {
        "when": table["Timestamp"],
        "grid": table["mains"] / 1000,
        "Wasserkocher": table["kettle"] / 1000,
    }
    pl.DataFrame(renamed).write_csv(tmp_path / "mine.csv")
    named = ("--time-column", "when", "--mains-column", "grid", "--unit", "kW")
    tested = seq2point(
        "test",
        model,
        "--data",
        tmp_path / "mine.csv",
        *named,
        "--appliance-column",
        "Wasserkocher",
        "--json",
        "-",
    )
    usual = seq2point("test", model, "--data", files.test, "--json", "-")
    assert json.loads(tested.out)["metrics"]["mae_w"] == pytest.approx(
        json.loads(usual.out)["metrics"]["mae_w"], rel=1e-3
    )
    assert (
        seq2point(
            "disaggregate", model, tmp_path / "mine.csv", "-o", tmp_path / "watts.csv", *named
        ).code
        == 0
    )
    assert pl.read_csv(tmp_path / "watts.csv").columns == ["when", "kettle"]
