"""`seq2point disaggregate` with several models, with all of them, and its kWh by day."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

Command = Callable[..., Any]
START_S = 1_711_756_800  # 2024-03-30 00:00 UTC, the day before summer begins in London


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of minutes with six kettles a day."""
    mains_w = 110 + 20 * np.random.default_rng(2).random(2 * 1440)
    for first in range(100, 2 * 1440, 240):
        mains_w[first : first + 3] += 2600
    path = tmp_path_factory.mktemp("homes") / "home.csv"
    times = START_S + 60 * np.arange(len(mains_w))
    pl.DataFrame({"time": times, "mains": mains_w.round(1)}).write_csv(path)
    return path


def test_several_models_give_a_column_each_as_each_alone(
    seq2point: Command, home: Path, tmp_path: Path
):
    words = ("kettle", "fridge-60s", home, "-o", tmp_path / "both.csv")
    answer = seq2point("disaggregate", *words, "--zone", "Europe/London", "--no-events",
        "--energy", tmp_path / "kwh.csv", "--plot", tmp_path / "kwh.png")  # fmt: skip
    assert answer.code == 0, answer.err
    both = pl.read_csv(tmp_path / "both.csv", infer_schema_length=None)
    assert both.columns == ["time", "kettle", "fridge"]
    for name in ("kettle", "fridge"):
        alone = seq2point(
            "disaggregate", f"{name}-60s", home, "-o", tmp_path / "one.csv", "--no-events"
        )
        assert alone.code == 0
        one = pl.read_csv(tmp_path / "one.csv", infer_schema_length=None)
        assert one[name].equals(both[name])
    days = pl.read_csv(tmp_path / "kwh.csv")
    assert days.filter(pl.col("name") == "mains")["hours"].to_list() == [24.0, 23.0, 24.0]
    for name in ("kettle", "fridge", "mains"):
        source = both if name != "mains" else pl.read_csv(home)
        kwh = float(source[name].sum()) / 60_000
        assert days.filter(pl.col("name") == name)["kwh"].sum() == pytest.approx(kwh, abs=0.005)
    assert (tmp_path / "kwh.png").stat().st_size > 10_000


def test_all_is_every_appliance_that_has_a_model(seq2point: Command, home: Path, tmp_path: Path):
    answer = seq2point("disaggregate", "all", home, "-o", tmp_path / "all.csv")
    assert answer.code == 0, answer.err
    names = pl.read_csv(tmp_path / "all.csv").columns[1:]
    assert {"kettle", "fridge", "dishwasher", "washing_machine", "microwave"} <= set(names)


@pytest.mark.parametrize(
    ("models", "advice"),
    [
        (("kettle-60s", "kettle"), "two models predict the kettle"),
        (("all", "kettle"), "'all' stands for every model"),
    ],
)
def test_models_that_do_not_go_together_are_refused(
    seq2point: Command, home: Path, tmp_path: Path, models: tuple[str, ...], advice: str
):
    answer = seq2point("disaggregate", *models, home, "-o", tmp_path / "no.csv")
    assert answer.code == 2
    assert advice in answer.err
    assert not (tmp_path / "no.csv").exists()


def test_a_table_of_energy_does_not_replace_what_is_read(
    seq2point: Command, home: Path, tmp_path: Path
):
    before = home.read_bytes()
    answer = seq2point("disaggregate", "kettle", home, "-o", tmp_path / "k.csv", "--energy", home)
    assert (answer.code, home.read_bytes()) == (2, before)
    assert "would replace a file that is read" in answer.err
