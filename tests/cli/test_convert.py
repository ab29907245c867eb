"""`seq2point convert` as its user meets it: the table, the JSON, the files, and what it refuses."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests import raw_trees

from seq2point.data.table import load_recording
from seq2point.recording import Recording

Command = Callable[..., Any]
REAL_NILMTK = Path(__file__).parents[1] / "oracles" / "nilmtk.h5"


@pytest.fixture
def root(tmp_path: Path, make_recording: Callable[..., Recording]) -> Path:
    rng = np.random.default_rng(3)
    for house in ("2", "20"):
        recording = make_recording(
            rng.integers(50, 3000, 500), period_s=8.0, kettle=rng.integers(0, 2500, 500)
        )
        raw_trees.write_refit(
            recording, tmp_path / "raw", house, flags=(np.arange(500) % 50 == 7).astype(int)
        )
    return tmp_path / "raw"


def test_every_house_becomes_a_file_and_a_row_of_the_table(
    seq2point: Command, root: Path, tmp_path: Path
):
    answer = seq2point("convert", "refit", root, "-o", tmp_path / "out", "--period", "8s")
    assert answer.code == 0, answer.err
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "refit_house2_8s.parquet", "refit_house20_8s.parquet", "conversion.json",
    }  # fmt: skip
    for words in (
        "rows read",
        "house 2 ",
        "house 20",
        "500",
        "490",
        "10 issues",
        "8 s",
        "kettle, fridge, dishwasher",
    ):
        assert words in answer.out
    assert f"house 2: 500 rows read, {tmp_path / 'out' / 'refit_house2_8s.parquet'}" in answer.err
    again = seq2point(
        "convert", "refit", root, "-o", tmp_path / "out", "--period", "8s", "--jobs", 2
    )
    assert "house 2: up to date" in again.err
    assert again.out == answer.out


def test_houses_appliances_and_the_period_are_chosen(
    seq2point: Command, root: Path, tmp_path: Path
):
    options = (
        "--houses",
        "20",
        "--appliances",
        "kettle,tumble dryer",
        "--period",
        "1m",
        "--fill",
        "0s",
        "--json",
        "-",
    )
    answer = seq2point("convert", "refit", root, "-o", tmp_path / "out", *options)
    assert answer.code == 0, answer.err
    (house,) = json.loads(answer.out)["houses"]
    assert (house["house"], house["file"], house["period_s"], house["unchanged"]) == (
        "house 20",
        "refit_house20_60s.parquet",
        60,
        False,
    )
    assert (house["rows_read"], house["rows_kept"], house["dropped"], house["filled"]) == (
        500,
        490,
        {"issues": 10},
        {},
    )
    assert list(house["channels"]) == ["mains", "kettle", "tumble_dryer"]
    assert load_recording(house["path"]).period_s == 60


def test_a_house_that_cannot_be_opened_is_named_and_the_others_are_converted(
    seq2point: Command, root: Path, tmp_path: Path
):
    (root / "CLEAN_House20.csv").write_text("appliance,room\nkettle,kitchen\n")
    command = ("convert", "refit", root, "-o", tmp_path / "out")
    answer = seq2point(*command)
    assert answer.code == 0, answer.err
    words = " ".join(answer.out.split())
    assert "house 20 is left out: " in words
    assert "no column 'Aggregate'" in words
    assert words.endswith("choose others with --houses")
    answer = seq2point(*command, "--json", "-")
    report = json.loads(answer.out)
    assert [house["house"] for house in report["houses"]] == ["house 2"]
    (left_out,) = report["unreadable"]
    assert left_out["house"] == "house 20"
    assert "no column 'Aggregate'" in left_out["reason"]
    answer = seq2point(*command, "--houses", 2)
    assert (answer.code, "left out" in answer.out) == (0, False)
    answer = seq2point(*command, "--houses", "2,20")
    assert answer.code == 1
    assert "no column 'Aggregate'" in answer.err
    assert answer.err.rstrip().endswith("choose others with --houses")


def test_the_fill_and_the_plugs_limit_are_chosen(seq2point: Command, root: Path, tmp_path: Path):
    def converted(*options: object) -> dict[str, Any]:
        answer = seq2point(
            "convert", "refit", root, "-o", tmp_path / "out", "--houses", 2, "--json", "-", *options
        )
        assert answer.code == 0, answer.err
        house: dict[str, Any] = json.loads(answer.out)["houses"][0]
        return house

    assert converted()["filled"]["mains"] == 10
    assert converted("--fill", 0)["filled"] == {}
    assert converted("--plug-limit", 1000)["glitches"]["kettle"] > 200
    assert converted("--plug-limit", 0)["glitches"] == {}


def test_a_column_with_many_readings_beyond_a_plug_is_remarked_on(
    seq2point: Command, tmp_path: Path
):
    lines = [f"{i * 6},5500,5000" for i in range(200)]
    (tmp_path / "home.csv").write_text("\n".join(["unix,mains,car", *lines]) + "\n")
    command = (
        "convert",
        "table",
        tmp_path / "home.csv",
        "-o",
        tmp_path / "out",
        "--column",
        "car=car",
    )
    assert (
        "car: 200 readings are more than a plug can draw; if it is a circuit, say --plug-limit 0"
        in seq2point(*command).out
    )
    answer = seq2point(*command, "--plug-limit", 0)
    assert "plug can draw" not in answer.out
    assert (
        load_recording(tmp_path / "out" / "home_6s.parquet", ["car"]).appliance_w("car").tolist()
        == [5000] * 200
    )


def test_nilmtks_building_numbers_stand_beside_refits_house_numbers(
    seq2point: Command, tmp_path: Path
):
    answer = seq2point("convert", "nilmtk", REAL_NILMTK, "-o", tmp_path)
    assert answer.code == 0, answer.err
    assert "house 15 (building 14)" in answer.out
    assert (tmp_path / "refit_house15_6s.parquet").exists()


def test_a_homes_own_meter_and_plug_become_a_house(seq2point: Command, tmp_path: Path):
    meter, plug = tmp_path / "meter.csv", tmp_path / "plug.csv"
    meter.write_text(
        "time,kw\n"
        + "".join(
            f"2024-07-01 10:{i // 6:02}:{i % 6 * 10:02},{0.3 + i / 1000}\n" for i in range(60)
        )
    )
    plug.write_text(
        "time,kw\n"
        + "".join(f"2024-07-01 10:{i // 6:02}:{i % 6 * 10 + 3:02},0.{i:02}\n" for i in range(60))
    )
    options = (
        "--plug",
        f"kettle={plug}",
        "--unit",
        "kW",
        "--zone",
        "Europe/Berlin",
        "--house",
        "ours",
        "--period",
        "10s",
    )
    answer = seq2point("convert", "table", meter, "-o", tmp_path / "out", *options)
    assert answer.code == 0, answer.err
    recording = load_recording(tmp_path / "out" / "ours_10s.parquet")
    assert recording.house == "ours"
    assert recording.start is not None
    assert recording.start.isoformat() == "2024-07-01T08:00:00+00:00"
    np.testing.assert_allclose(recording.mains_w, 300 + np.arange(60), rtol=1e-6)
    np.testing.assert_allclose(recording.appliance_w("kettle"), 10 * np.arange(60), rtol=1e-6)


def test_a_conversion_that_is_stopped_says_how_to_go_on(
    seq2point: Command, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("seq2point.datasets.conversion.jobs.convert_house", stop)
    answer = seq2point("convert", "refit", root, "-o", tmp_path / "out")
    assert (answer.code, answer.err.splitlines()[-1]) == (
        130, "seq2point: stopped; the houses that are done stay, and the same command goes on",
    )  # fmt: skip


REFUSED: dict[str, tuple[tuple[object, ...], int, str]] = {
    "a layout that does not exist": (("dred", "."), 2, "'dred' is not one of"),
    "a house that is not there": (
        ("refit", "{root}", "--houses", "7"),
        2,
        "no house '7' (houses: 2, 20)",
    ),
    "an appliance that is not there": (
        ("refit", "{root}", "--appliances", "sauna"),
        1,
        "no 'sauna' in any of these houses (appliances:",
    ),
    "a zone that does not exist": (
        ("refit", "{root}", "--zone", "Mars/Olympus"),
        2,
        "--zone: unknown time zone 'Mars/Olympus'",
    ),
    "a column for a data set": (
        ("refit", "{root}", "--column", "kettle=a"),
        2,
        "refit knows its own columns",
    ),
    "a column that is none": (
        ("table", "{root}", "--column", "kettle"),
        2,
        "--column kettle: expected for example kettle=plug_3_power",
    ),
    "a plug that is none": (
        ("table", "{root}", "--plug", "kettle"),
        2,
        "--plug kettle: expected for example kettle=plug.csv",
    ),
    "no period": (("refit", "{root}", "--period", "0s"), 2, "invalid duration"),
    "a fill of more than a day": (
        ("refit", "{root}", "--fill", "2d"),
        2,
        "--fill 172800: a reading is kept for a day at most",
    ),
    "nothing there": (
        ("ukdale", "{root}"),
        1,
        "no houses here; expected a folder of house_1/labels.dat",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_done_is_refused_in_one_line(
    seq2point: Command, root: Path, tmp_path: Path, name: str
):
    words, code, said = REFUSED[name]
    answer = seq2point(
        "convert",
        *(str(word).replace("{root}", str(root)) for word in words),
        "-o",
        tmp_path / "out",
    )
    assert answer.code == code
    assert said in " ".join(answer.err.split())
    assert not (tmp_path / "out").exists()


def test_a_plug_that_reports_changes_sets_no_period_and_the_command_says_how_to_keep_its_readings(
    seq2point: Command, tmp_path: Path
):
    start = datetime(2025, 1, 1, tzinfo=UTC)
    meter = [
        (start + timedelta(seconds=10 * i), 200 + 2000 * (200 <= i < 230)) for i in range(1080)
    ]
    plug = [(start + timedelta(seconds=s), 0.0) for s in range(0, 10_800, 600)]
    plug = sorted(
        [*plug, (start + timedelta(seconds=2000), 2000.0), (start + timedelta(seconds=2300), 0.0)]
    )
    for name, rows in (("meter", meter), ("plug", plug)):
        frame = pl.DataFrame(
            {"time": [t.isoformat() for t, _ in rows], "power": [float(w) for _, w in rows]}
        )
        frame.write_csv(tmp_path / f"{name}.csv")
    words = (
        "convert",
        "table",
        tmp_path / "meter.csv",
        "--plug",
        f"kettle={tmp_path / 'plug.csv'}",
        "-o",
        tmp_path / "out",
    )
    first = seq2point(*words)
    assert first.code == 0, first.err
    assert "kettle: 9" in first.out
    assert (
        "missing, with a reading every 600 s; if it reports changes alone, say --fill 15m"
        in first.out
    )
    assert [path.name for path in (tmp_path / "out").glob("*.parquet")] == ["meter_10s.parquet"]
    kept = seq2point(*words, "--fill", "15m")
    assert kept.code == 0, kept.err
    assert "missing" not in kept.out
    kettle_w = pl.read_parquet(tmp_path / "out" / "meter_10s.parquet")["kettle"]
    assert kettle_w.is_nan().sum() + kettle_w.null_count() == 0
    assert kettle_w.max() == 2000
