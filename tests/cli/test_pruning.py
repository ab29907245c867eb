"""Pruning on the command line: in a training, and of a trained model."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from seq2point.compression.pruning import PRUNERS
from seq2point.configuration import training
from seq2point.data.parquet_file import write_recording
from seq2point.model.model_file import Model
from seq2point.network import masks

Command = Callable[..., Any]
PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory, seq2point: Command, files: Any) -> Path:
    """A trained model that nothing has pruned."""
    out = tmp_path_factory.mktemp("dense")
    words = (
        "--network",
        "reduced",
        "--window",
        31,
        "--steps",
        60,
        "--engine",
        "windows",
        "--batch-size",
        32,
        "--threads",
        1,
    )
    answer = seq2point("train", "kettle", "--train", files.train, "--out", out, *words)
    assert answer.code == 0, answer.err
    return out / "model.safetensors"


def onward(steps: int) -> tuple[object, ...]:
    return ("--steps", steps, "--engine", "windows", "--batch-size", 32, "--threads", 1)


def test_the_names_in_the_help_are_those_of_the_table():
    assert re.split(r", | or ", training.PRUNERS) == list(PRUNERS)


def test_pruners_lists_every_method_with_its_source_settings_defaults_and_advice(
    seq2point: Command, tmp_path: Path
):
    answer = seq2point("pruners", "--json", tmp_path / "pruners.json")
    assert answer.code == 0
    report = json.loads((tmp_path / "pruners.json").read_text())
    assert list(report) == list(PRUNERS)
    for name, pruner in PRUNERS.items():
        for words in (name, pruner.source, pruner.removes, pruner.advice):
            assert words in answer.out
        assert {key: field.default for key, field in pruner.model_fields.items()} == {
            key: setting["default"] for key, setting in report[name]["settings"].items()
        }
    assert "--set granularity=columns  columns or filters or units" in answer.out
    assert "--set rounds=...  a whole number, at least 1, at most 20, or left out" in answer.out
    assert report == json.loads(seq2point("pruners", "--json", "-").out)


def test_a_training_takes_the_pruners_own_settings_from_the_command_line(
    seq2point: Command, files: Any, tmp_path: Path
):
    answer = seq2point(
        "train",
        "kettle",
        "--train",
        files.train,
        "--out",
        tmp_path,
        "--network",
        "reduced",
        "--window",
        31,
        *onward(30),
        "--pruning",
        "structured",
        "--set",
        "frequency=10",
        "--set",
        "units_sparsity=0.75",
        "--set",
        "granularity=units",
    )
    assert answer.code == 0, answer.err
    model = Model.load(tmp_path / "model.safetensors")
    assert int(model.masks["hidden.bias"].sum()) == 128
    assert model.provenance["training"]["pruning"] == {
        **PRUNERS["structured"](
            frequency=10, units_sparsity=0.75, granularity="units"
        ).model_dump(),  # type: ignore[call-arg]
        "method": "structured",
    }
    assert not (tmp_path / "spp.png").exists()
    shown = json.loads((tmp_path / "metrics.json").read_text())["pruning"]["layers"]
    assert {row["name"]: row["kept"] for row in shown}["output.weight"] == 128


def test_spp_from_a_trained_model_shows_its_probabilities_in_the_log_and_as_a_picture(
    seq2point: Command, files: Any, dense: Path, tmp_path: Path
):
    words = (
        "train",
        "kettle",
        "--train",
        files.train,
        "--from",
        dense,
        "--pruning",
        "spp",
        "--out",
        tmp_path,
    )
    answer = seq2point(*words, "--sparsity", 0.6, *onward(60))
    assert answer.code == 0, answer.err
    assert (tmp_path / "spp.png").read_bytes()[:4] == PNG
    assert str(tmp_path / "spp.png") in answer.out
    log = pl.read_csv(tmp_path / "log.csv")
    assert log["spp_out.hidden"][0] == 0
    assert log["spp_out.hidden"][-1] == pytest.approx(0.6, abs=2e-3)
    assert (
        0
        < log["spp_probability.hidden"][3]
        < log["spp_probability.hidden"][-1]
        == pytest.approx(0.6, abs=2e-3)
    )
    logged = next((tmp_path / "logs").rglob("metrics.csv")).read_text().splitlines()[0]
    assert "spp_probability.convolutions.1" in logged
    model = Model.load(tmp_path / "model.safetensors")
    assert int(model.masks["hidden.bias"].sum()) == 512 - 308
    assert model.architecture == Model.load(dense).architecture
    assert model.provenance["training"]["from"]


def test_the_masks_of_the_model_that_a_training_starts_from_hold_through(
    seq2point: Command, files: Any, dense: Path, tmp_path: Path
):
    pruned = tmp_path / "pruned.safetensors"
    assert (
        seq2point("prune", dense, "--method", "structured", "--sparsity", 0.5, "-o", pruned).code
        == 0
    )
    before = Model.load(pruned)
    words = ("train", "kettle", "--train", files.train, "--from", pruned, *onward(20))
    assert seq2point(*words, "--out", tmp_path / "held").code == 0
    held = Model.load(tmp_path / "held" / "model.safetensors")
    assert all(torch.equal(mask, held.masks[name]) for name, mask in before.masks.items())
    assert all(
        not held.network.get_parameter(name)[~mask].any() for name, mask in held.masks.items()
    )
    assert not torch.equal(held.network.hidden.weight, before.network.hidden.weight)
    assert (
        seq2point(
            *words,
            "--pruning",
            "magnitude",
            "--sparsity",
            0.9,
            "--set",
            "frequency=10",
            "--out",
            tmp_path / "more",
        ).code
        == 0
    )
    more = Model.load(tmp_path / "more" / "model.safetensors")
    for name, mask in before.masks.items():
        assert not (more.masks[name] & ~mask).any()
        assert name.endswith("bias") or int(more.masks[name].sum()) <= round(mask.numel() * 0.1)


@pytest.mark.parametrize("method", [name for name in PRUNERS if name not in ("spp", "entropic")])
def test_prune_prunes_at_once_and_leaves_the_model_that_it_was_given(
    seq2point: Command, dense: Path, tmp_path: Path, method: str
):
    given = dense.read_bytes()
    answer = seq2point(
        "prune",
        dense,
        "--method",
        method,
        "--sparsity",
        0.5,
        "-o",
        tmp_path / "p.safetensors",
        "--json",
        "-",
    )
    assert answer.code == 0, answer.err
    assert dense.read_bytes() == given
    report = json.loads(answer.out)
    model = Model.load(tmp_path / "p.safetensors")
    assert report["pruning"]["sparsity"] == pytest.approx(
        0.75 if method == "structured" else 0.5, abs=0.01
    )
    assert model.provenance["pruned"]["method"] == method
    assert "metrics" not in model.provenance, "those of the model before"
    assert all(
        row.zeros == row.total - row.kept for row in masks.count_weights(model.network, model.masks)
    )
    compacted = {"p-compact.safetensors"} if "compacted" in report["costs"]["models"] else set()
    assert {path.name for path in tmp_path.iterdir()} == {"p.safetensors"} | compacted
    assert compacted or method != "structured"
    for name in compacted:
        small = Model.load(tmp_path / name)
        assert small.architecture.parameters < model.architecture.parameters
        mains_w = np.random.default_rng(0).uniform(0, 3000, 200).astype(np.float32)
        known = ~np.isnan(model.disaggregate(mains_w))
        np.testing.assert_allclose(
            small.disaggregate(mains_w)[known],
            model.disaggregate(mains_w)[known],
            rtol=1e-4,
            atol=1e-2,
        )


@pytest.mark.filterwarnings(
    "always:the model predicts", "always:.* of the weights are pruned but still there"
)
def test_a_model_pruned_to_nothing_is_told_of_by_prune_export_and_info(
    seq2point: Command, dense: Path, tmp_path: Path
):
    pruned, exported = tmp_path / "p.safetensors", tmp_path / "p.onnx"
    at_once = ("prune", dense, "--method", "magnitude", "--sparsity", 0.9999, "-o", pruned)
    for words in (
        at_once,
        ("export", pruned, "--target", "onnx", "-o", exported),
        ("info", pruned),
        ("info", exported),
    ):
        answer = seq2point(*words, "--json", tmp_path / "report.json")
        assert answer.code == 0, answer.err
        assert re.search(
            r"warning: the model predicts [\d.]+ W for kettle whatever the mains are: it is"
            r" pruned too far",
            answer.err,
        )
        report = json.loads((tmp_path / "report.json").read_text())
        assert list(report.get("model", report)["constants_w"]) == ["kettle"]
    whole = json.loads(seq2point("info", dense, "--json", "-").out)
    assert whole["model"]["constants_w"] == {}


@pytest.mark.parametrize("method", ["spp", "structured", "entropic"])
@pytest.mark.filterwarnings("always:the training ends at step")
def test_prune_with_data_trains_on_with_the_methods_schedule(
    seq2point: Command, files: Any, dense: Path, tmp_path: Path, method: str
):
    answer = seq2point(
        "prune",
        dense,
        "--method",
        method,
        "--sparsity",
        0.5,
        "--finetune",
        files.train,
        *onward(40),
        "-o",
        tmp_path / "p.safetensors",
        "--json",
        tmp_path / "p.json",
    )
    assert answer.code == 0, answer.err
    report = json.loads((tmp_path / "p.json").read_text())
    assert report["tested_on"] == "the held-out block of the training data"
    model = Model.load(tmp_path / "p.safetensors")
    training = model.provenance["training"]
    assert training["settings"]["learning_rate"] == 1e-3
    assert training["settings"]["schedule"] == "linear"
    assert training["pruning"]["method"] == method
    assert model.provenance["metrics"] == report["metrics"]
    assert 0.4 < report["pruning"]["sparsity"] < 0.8
    stages = [
        "before",
        *(["pruned at once"] if method == "structured" else []),
        "pruned and trained on",
    ]
    assert list(report["costs"]["accuracy"]) == stages
    (house,) = report["costs"]["tested_on"]
    assert f"on {house} " in answer.out
    assert (
        report["costs"]["accuracy"]["pruned and trained on"]["mae_w"] == report["metrics"]["mae_w"]
    )


@pytest.mark.parametrize(
    ("typed", "code", "says"),
    [
        (
            "prune {dense} --method spp -o {out}.safetensors",
            2,
            "spp decides while the network trains: give data to fine-tune on",
        ),
        (
            "prune {dense} --method entropic -o {out}.safetensors",
            2,
            "entropic decides while the network trains: give data to fine-tune on",
        ),
        (
            "prune {dense} --method structured --set criterion=taylor -o {out}.safetensors",
            2,
            "criterion 'taylor' needs gradients: give data",
        ),
        (
            "prune {dense} --method none -o {out}.safetensors",
            2,
            "--method none prunes nothing; choose one of magnitude",
        ),
        (
            "prune {dense} --method lmp -o {out}.safetensors",
            2,
            "unknown pruning algorithm 'lmp': choose one of none, magnitude",
        ),
        (
            "prune {dense} --method lamp --steps 9 -o {out}.safetensors",
            2,
            "give data with --finetune",
        ),
        (
            "prune {dense} --method magnitude --set freq=9 -o {out}.safetensors",
            2,
            "magnitude: setting 'freq' = '9': there is no such "
            "setting; magnitude has sparsity, schedule, initial, begin_step",
        ),
        (
            "prune {dense} --method magnitude --set frequency=often -o {out}.safetensors",
            2,
            "setting 'frequency' = 'often': input should",
        ),
        (
            "prune {dense} --method magnitude --set frequency -o {out}.safetensors",
            2,
            "--set frequency: expected name=value",
        ),
        (
            "prune {dense} --method lamp --set power=1 --set power=2 -o {out}.safetensors",
            2,
            "--set power: comes twice",
        ),
        (
            "prune {dense} --method spp --set granularity=rows -o {out}.safetensors",
            2,
            "input should be 'columns', 'filters' or 'units'",
        ),
        (
            "train kettle --train {train} --set frequency=9 --out {out}",
            2,
            "setting 'frequency' without pruning: choose",
        ),
        (
            "train kettle --train {train} --from {dense} --network reduced --out {out}",
            2,
            "brings its own network and window",
        ),
        (
            "train kettle --train {train} --from {dense} --scaling fitted --out {out}",
            2,
            "brings its own scaling",
        ),
        (
            "train kettle --train {train} --from {train} --out {out}",
            1,
            "train.parquet: not a seq2point model",
        ),
        (
            "train kettle --train {slow} --from {dense} --out {out}",
            1,
            "every 8 s, the model to start from needs one every 6 s",
        ),
        (
            "train fridge --train {fridge} --from {dense} --out {out}",
            2,
            "the model to start from is of kettle, not of fridge",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(
    seq2point: Command,
    files: Any,
    dense: Path,
    make_house: Command,
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
    typed: str,
    code: int,
    says: str,
):
    fridge = tmp_path_factory.mktemp("fridge") / "fridge.parquet"
    house = make_house(1500, 1)
    write_recording(
        type(house)("1", 6.0, house.mains_w, {"fridge": house.appliances_w["kettle"]}, house.start),
        fridge,
    )
    places = {"dense": dense, "out": tmp_path / "out", "fridge": fridge, **files._asdict()}
    answer = seq2point(*[word.format(**places) for word in typed.split()])
    assert says in answer.err
    assert answer.err.startswith("seq2point: ")
    assert answer.err.count("\n") == 1
    assert answer.code == code
    assert list(tmp_path.iterdir()) == []
