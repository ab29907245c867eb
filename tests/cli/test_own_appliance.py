"""An appliance that the table lacks, through train, test, prune, disaggregate, and a training that
goes on from its model.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from seq2point.data.parquet_file import write_recording
from seq2point.model.model_file import Model

Command = Callable[..., Any]


@pytest.fixture(scope="module")
def houses(
    tmp_path_factory: pytest.TempPathFactory, make_house: Callable[..., Any]
) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("pumps")
    paths = (folder / "train.parquet", folder / "test.parquet")
    for seed, path in enumerate(paths):
        house = make_house(2500, seed)
        write_recording(
            replace(house, appliances_w={"Heat Pump": house.appliances_w["kettle"]}), path
        )
    return paths


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory, houses: tuple[Path, Path], seq2point: Command
) -> Path:
    out = tmp_path_factory.mktemp("runs") / "pump"
    quick = (
        "--network",
        "reduced",
        "--window",
        31,
        "--steps",
        250,
        "--engine",
        "windows",
        "--batch-size",
        32,
        "--threads",
        1,
    )
    powers = ("--on-power", 200, "--min-on", "12s")
    answer = seq2point(
        "train",
        "heat pump",
        *powers,
        "--train",
        houses[0],
        "--test",
        houses[1],
        "--out",
        out,
        *quick,
    )
    assert answer.code == 0, answer.err
    assert "heat pump" in answer.out
    return out


def test_the_model_carries_its_definition_with_scaling_fitted_on_the_training_part(
    run: Path, houses: tuple[Path, Path]
):
    (pump,) = Model.load(run / "model.safetensors").appliances
    trained_on = pl.read_parquet(houses[0])["Heat Pump"].to_numpy()[: 2000 - 31]
    assert (pump.name, pump.on_power_w, pump.min_on_s, pump.min_off_s, pump.max_power_w) == (
        "heat_pump",
        200,
        12,
        0,
        2500,
    )
    assert pump.mean_w == pytest.approx(trained_on.mean(), rel=1e-5)
    assert pump.std_w == pytest.approx(trained_on.std(), rel=1e-5)
    report = json.loads((run / "metrics.json").read_text())
    assert report["metrics"]["mae_w"] < 0.5 * report["baselines"]["zero"]["mae_w"]
    assert report["metrics"]["f1"] > 0.7


def test_it_is_tested_pruned_and_disaggregated_as_any_other(
    run: Path, houses: tuple[Path, Path], seq2point: Command, tmp_path: Path
):
    model = run / "model.safetensors"
    tested = seq2point("test", model, "--data", houses[1], "--json", "-")
    assert json.loads(tested.out)["metrics"]["f1"] > 0.7
    assert seq2point("info", model).out.count("heat pump") == 1
    pruned = seq2point(
        "prune",
        model,
        "--method",
        "magnitude",
        "--sparsity",
        0.3,
        "-o",
        tmp_path / "pruned.safetensors",
    )
    assert pruned.code == 0, pruned.err
    done = seq2point(
        "disaggregate", tmp_path / "pruned.safetensors", houses[1], "-o", tmp_path / "watts.csv"
    )
    assert done.code == 0, done.err
    watts = pl.read_csv(tmp_path / "watts.csv")
    assert watts.columns == ["time", "heat_pump"]
    assert watts["heat_pump"].max() > 1000


def test_a_training_that_starts_from_its_model_needs_no_definition(
    run: Path, houses: tuple[Path, Path], seq2point: Command, tmp_path: Path
):
    words = (
        "train",
        "Heat pump",
        "--from",
        run / "model.safetensors",
        "--train",
        houses[0],
        "--steps",
        2,
        "--threads",
        1,
    )
    answer = seq2point(*words, "--out", tmp_path / "on")
    assert answer.code == 0, answer.err
    before, after = (Model.load(folder / "model.safetensors") for folder in (run, tmp_path / "on"))
    assert after.appliances == before.appliances
    assert after.scale == before.scale
    refused = seq2point(*words, "--on-power", 300, "--out", tmp_path / "no")
    assert refused.code == 2
    assert "brings its own powers and durations" in refused.err


def test_a_power_that_is_never_reached_is_refused(
    houses: tuple[Path, Path], seq2point: Command, tmp_path: Path
):
    answer = seq2point(
        "train",
        "heat pump",
        "--on-power",
        4000,
        "--train",
        houses[0],
        "--out",
        tmp_path / "no",
        "--window",
        31,
    )
    assert answer.code == 1
    assert (
        "'heat_pump' never exceeds 4,000 W, its highest reading is 2,500 W; lower --on-power"
        in answer.err
    )
    assert not (tmp_path / "no").exists()


def test_a_table_with_two_of_a_kind_gives_each_its_own_model(
    make_house: Callable[..., Any], seq2point: Command, tmp_path: Path
):
    house = make_house(2500, 4)
    other_w = np.roll(house.appliances_w["kettle"], 400)
    both = {"Kettle": house.appliances_w["kettle"], "Kettle(2)": other_w}
    write_recording(
        replace(house, mains_w=house.mains_w + other_w, appliances_w=both), tmp_path / "two.parquet"
    )
    quick = ("--network", "reduced", "--window", 31, "--steps", 2, "--threads", 1)
    answer = seq2point(
        "train", "kettle 2", "--train", tmp_path / "two.parquet", "--out", tmp_path / "run", *quick
    )
    assert answer.code == 0, answer.err
    model = Model.load(tmp_path / "run" / "model.safetensors")
    assert (model.appliances[0].name, model.appliances[0].on_power_w) == ("kettle_2", 2000)
    assert model.provenance["training_mean_w"]["kettle_2"] == pytest.approx(
        other_w[: 2000 - 31].mean(), rel=1e-4
    )
