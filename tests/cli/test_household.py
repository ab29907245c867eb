"""`seq2point household` as a home user runs it, and its refusals."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from seq2point.workers.folder_lock import lock_folder

Command = Callable[..., Any]
START_S = 1_711_756_800  # 2024-03-30 00:00 UTC, the day before summer begins in London


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days of minutes with six kettles a day, and an hour without readings."""
    rng = np.random.default_rng(2)
    mains_w = 110 + 20 * rng.random(3 * 1440)
    for first in range(100, 3 * 1440, 240):
        mains_w[first : first + 3] += 2600
    mains_w[2000:2060] = np.nan
    path = tmp_path_factory.mktemp("homes") / "home.csv"
    times = START_S + 60 * np.arange(len(mains_w))
    pl.DataFrame({"time": times, "mains": mains_w.round(1)}).fill_nan(None).write_csv(path)
    return path


@pytest.fixture(scope="module")
def ran(
    seq2point: Command, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Any]:
    pytest.importorskip("onnxruntime")
    out = tmp_path_factory.mktemp("out") / "result"
    words = ("--zone", "Europe/London", "--tariff", "0.30 GBP, 0.12 23:00-07:00")
    answer = seq2point("household", home, "-o", out, *words, "--without", "fridge")
    assert answer.code == 0, answer.err
    return out, answer


def test_it_writes_power_activations_and_energy_that_add_up(ran: tuple[Path, Any]):
    out, _ = ran
    power = pl.read_parquet(out / "power.parquet")
    parts = [name for name in power.columns if name not in ("time", "mains")]
    assert parts[-2:] == ["always_on", "other"]
    assert "fridge" not in parts
    total = np.sum([power[name].to_numpy() for name in parts], axis=0)
    np.testing.assert_array_equal(total, power["mains"].to_numpy())
    energy = pl.read_csv(out / "energy.csv", try_parse_dates=True)
    days = energy.filter(pl.col("period") == "day", pl.col("name") == "mains")
    assert days["hours"].to_list() == [24.0, 23.0, 24.0, 24.0]
    assert days["hours_known"].to_list() == [24.0, 22.0, 24.0, 1.0]
    kettle = energy.filter(pl.col("period") == "day", pl.col("name") == "kettle")
    assert 0.5 < kettle["kwh"].sum() < 3  # the plug would have 2.3
    activations = pl.read_csv(out / "activations.csv")
    assert set(activations.columns) == {"appliance", "start", "end", "minutes", "kwh"}
    uses = energy.filter(pl.col("period") == "day").drop_nulls("uses")
    for name in parts[:-2]:
        count = int(uses.filter(pl.col("name") == name)["uses"].sum())
        assert (activations["appliance"] == name).sum() == count


def test_it_says_what_each_part_used_cost_and_how_far_to_trust_it(ran: tuple[Path, Any]):
    _, answer = ran
    words = " ".join(answer.out.split())
    assert "3.0 days, 2024-03-30 to 2024-04-02 (Europe/London); 98.6% of the time known" in words
    assert "tariff: 0.3 GBP a kWh, 0.12 from 23:00 to 07:00" in words
    for part in ("kettle", "always on", "other", "mains", "cost, GBP", "uses a day"):
        assert part in words
    assert "kettle (kettle-60s): " in words
    assert "as you said, the home has no fridge" in words
    assert "energy.csv" in words


def test_it_writes_again_over_its_own_result_and_refuses_a_folder_of_other_things(
    seq2point: Command, home: Path, ran: tuple[Path, Any], tmp_path: Path
):
    out, _ = ran
    before = (out / "energy.csv").read_bytes()
    words = ("--model", "kettle-60s", "--zone", "Europe/London")
    again = seq2point("household", home, "-o", out, *words)
    assert again.code == 0, again.err
    assert (out / "energy.csv").read_bytes() != before
    (tmp_path / "letters.txt").write_text("mine")
    answer = seq2point("household", home, "-o", tmp_path)
    assert (answer.code, answer.out) == (2, "")
    assert f"{tmp_path}: holds other files, as letters.txt" in answer.err
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


def test_its_own_result_is_no_input_and_two_runs_share_no_folder(
    seq2point: Command, home: Path, ran: tuple[Path, Any], tmp_path: Path
):
    out, _ = ran
    before = (out / "power.parquet").read_bytes()
    answer = seq2point("household", out / "power.parquet", "-o", out)
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert (
        f"would write {out / 'power.parquet'}, and would replace a file that is read" in answer.err
    )
    words = ("household", home, "--zone", "Europe/London", "--model", "kettle-60s", "-o")
    with lock_folder(tmp_path, "seq2point household"):
        answer = seq2point(*words, tmp_path)
    assert answer.code == 1
    assert f"{tmp_path}: another seq2point household writes there" in answer.err
    assert (out / "power.parquet").read_bytes() == before
    assert seq2point(*words, tmp_path).code == 0


@pytest.mark.parametrize(
    ("words", "code", "advice"),
    [
        (("--tariff", "30"), 2, "--tariff '30': 30 of what for a kWh?"),
        (("--tariff", "missing.csv"), 1, "missing.csv"),
        (("--without", "toaster"), 2, "--without 'toaster': no model is for it"),
        (
            ("--model", "kettle-60s", "--without", "kettle"),
            2,
            "--without kettle: the models that are named predict nothing else",
        ),
        (("--zone", "Europe/Londn"), 2, "--zone: unknown time zone 'Europe/Londn'"),
        (("--model", "toaster"), 2, "no model of 'toaster' comes with the package"),
        (("--model", "kettle-60s", "--model", "kettle"), 2, "two models predict the kettle"),
        (("--mains-column", "power"), 1, "no column 'power'"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(
    seq2point: Command, home: Path, tmp_path: Path, words: tuple[str, ...], code: int, advice: str
):
    pytest.importorskip("onnxruntime")
    out = tmp_path / "out"
    answer = seq2point("household", home, "-o", out, *words)
    assert (answer.code, answer.out) == (code, "")
    assert advice in answer.err
    assert answer.err.count("\n") == 1
    assert not out.exists()


def test_a_note_names_the_flag_of_a_field(seq2point: Command, home: Path, tmp_path: Path):
    pytest.importorskip("onnxruntime")
    answer = seq2point("household", home, "-o", tmp_path / "out", "--model", "kettle-60s")
    assert "days are those of UTC; name the home's zone with --zone" in " ".join(answer.out.split())
