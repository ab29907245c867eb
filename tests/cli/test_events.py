"""Decisions by event through the command line: disaggregate, its table of activations, and test."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from seq2point import Model, Recording
from seq2point.data import long_table
from seq2point.data.parquet_file import write_recording
from seq2point.events import EventSettings
from seq2point.model import pretrained
from seq2point.model.pretrained.card import Card
from seq2point.report.pretrained import describe_card

Command = Callable[..., Any]
SETTINGS = EventSettings(min_share=0.4, keep_share=0.2)


@pytest.fixture(scope="module")
def model(unmasked: Path) -> Path:
    """A kettle's network whose file says nothing of events."""
    return unmasked


@pytest.fixture(scope="module")
def deciding(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same network in a file that holds event settings."""
    path = tmp_path_factory.mktemp("deciding") / "model.safetensors"
    loaded = Model.load(model)
    entry = {"events": {"kettle": SETTINGS.model_dump()}}
    replace(loaded, provenance=dict(loaded.provenance) | entry).save(path)
    return path


@pytest.fixture(scope="module")
def no_kettle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of a day in which nothing but noise of some watts goes on."""
    rng = np.random.default_rng(8)
    mains_w = (150 + rng.normal(0, 5, 14400)).astype(np.float32)
    path = tmp_path_factory.mktemp("homes") / "none.csv"
    pl.DataFrame({"time": np.arange(14400) * 6 + 1_700_000_000, "mains": mains_w}).write_csv(path)
    return path


def read_watts(path: Path) -> np.ndarray:
    read = pl.read_parquet if path.suffix == ".parquet" else pl.read_csv
    return read(path)["kettle"].cast(pl.Float64).to_numpy()


def test_by_event_a_kettle_gets_the_power_of_its_events(
    seq2point: Command, deciding: Path, model: Path, files: Any, tmp_path: Path
):
    said = {}
    for name, words in {
        "card": (deciding,),
        "own": (deciding, "--no-events"),
        "file": (model,),
    }.items():
        answer = seq2point("disaggregate", *words, files.test, "-o", tmp_path / f"{name}.csv")
        assert answer.code == 0, answer.err
        said[name] = answer.err
    assert "\nkettle: " in said["card"]
    assert said["card"].rstrip().endswith("kWh; by event")
    assert "kettle: " not in said["own"] + said["file"]
    decided, own, plain = (read_watts(tmp_path / f"{name}.csv") for name in said)
    np.testing.assert_array_equal(own, plain)
    assert (np.isnan(decided) == np.isnan(own)).all()
    house = pl.read_csv(files.test)
    known, truth, mains = ~np.isnan(decided), house["kettle"].to_numpy(), house["mains"].to_numpy()
    assert (decided[known] <= mains[known] + 0.01).all()
    errors = [np.abs(each - truth)[known].mean() for each in (decided, own)]
    assert errors[0] < errors[1]


def test_a_model_without_settings_decides_by_the_default_ones_when_asked(
    seq2point: Command, model: Path, files: Any, tmp_path: Path
):
    answer = seq2point("disaggregate", model, files.test, "-o", tmp_path / "k.csv", "--events")
    assert answer.code == 0, answer.err
    assert "; by event\n" in answer.err
    fridge = seq2point(
        "disaggregate", "fridge-8s", files.test, "--resample", "-o", tmp_path / "f.csv", "--events"
    )
    assert fridge.code == 2
    assert fridge.err.splitlines()[-1].startswith("seq2point: fridge: cannot be decided by event: ")
    assert not (tmp_path / "f.csv").exists()


def test_a_home_without_the_appliance_hears_zero(
    seq2point: Command, deciding: Path, no_kettle: Path, tmp_path: Path
):
    out, table = tmp_path / "k.csv", tmp_path / "when.csv"
    answer = seq2point("disaggregate", deciding, no_kettle, "-o", out, "--activations", table)
    assert answer.code == 0, answer.err
    assert "kettle: none was found; the home has none, or one of a kind" in answer.err
    assert np.nanmax(read_watts(out)) == 0
    assert table.read_text() == "appliance,start,end,minutes,kwh\n"
    hours = tmp_path / "hours.csv"
    hours.write_text("".join(no_kettle.read_text().splitlines(keepends=True)[:1201]))
    answer = seq2point("disaggregate", deciding, hours, "-o", tmp_path / "short.csv")
    assert "kettle: none was found in 120 min of readings; 0 W is written" in answer.err


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("flag", ["--events", "--no-events"])
def test_activations_are_a_table_of_what_was_decided(
    seq2point: Command, deciding: Path, files: Any, tmp_path: Path, ending: str, flag: str
):
    out, table = tmp_path / "k.csv", tmp_path / f"when.{ending}"
    words = ("disaggregate", deciding, files.test, "-o", out, "--activations", table, flag)
    answer = seq2point(*words)
    assert answer.code == 0, answer.err
    read = pl.read_parquet if ending == "parquet" else pl.read_csv
    rows = read(table)
    assert rows.columns == ["appliance", "start", "end", "minutes", "kwh"]
    assert f"{table}: {len(rows)} activations\n" in answer.err
    assert f"kettle: {len(rows)} cycles, " in answer.err
    assert ("by event" in answer.err) == (flag == "--events")
    watts = read_watts(out)
    total_kwh = np.nansum(watts) * 6 / 3.6e6
    assert 0.5 * total_kwh < rows["kwh"].sum() <= total_kwh + 0.01
    assert rows["minutes"].min() > 0
    assert set(rows["appliance"]) == {"kettle"}
    assert str(rows["start"][0]).startswith("2025-03-29")


def test_activations_of_another_ending_are_refused_before_anything_is_read(
    seq2point: Command, tmp_path: Path
):
    words = ("-o", tmp_path / "k.csv", "--activations", tmp_path / "when.xlsx")
    refused = seq2point("disaggregate", "none.safetensors", "none.csv", *words)
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "activations are written as .csv or .parquet" in refused.err


@pytest.mark.parametrize("flag", ["--events", "--no-events"])
@pytest.mark.parametrize("timed", [True, False])
def test_a_long_table_is_decided_as_a_whole(
    seq2point: Command,
    deciding: Path,
    make_house: Callable[..., Recording],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    flag: str,
    timed: bool,
):
    mains_w = make_house(6000, 9).mains_w
    times = np.arange(6000) * 6 + 1_700_000_000
    times[3000:] += 90_000
    columns = {"time": times} if timed else {}
    pl.DataFrame(columns | {"mains": mains_w}).write_csv(tmp_path / "house.csv")
    open_whole, texts, tables = long_table.open_long_table, [], []
    for name, large_bytes in (("whole", 1 << 30), ("pieces", 1)):
        opened = lambda path, columns, size=large_bytes: open_whole(path, columns, size)  # noqa: E731
        monkeypatch.setattr(long_table, "open_long_table", opened)
        out, table = tmp_path / f"{name}.csv", tmp_path / f"{name}_when.csv"
        words = ("disaggregate", deciding, tmp_path / "house.csv", "-o", out, flag)
        answer = seq2point(*words, "--activations", table)
        assert answer.code == 0, answer.err
        texts.append(out.read_text())
        tables.append(table.read_text())
    assert texts[0] == texts[1]
    assert tables[0] == tables[1]
    assert len(tables[0].splitlines()) > 10


def test_no_event_goes_on_across_a_jump_of_the_clock(
    seq2point: Command, deciding: Path, make_house: Callable[..., Recording], tmp_path: Path
):
    mains_w = make_house(3000, 9).mains_w
    times = np.arange(3000) * 6 + 1_700_000_000
    times[1500:] += 90_000
    pl.DataFrame({"time": times, "mains": mains_w}).write_csv(tmp_path / "house.csv")
    pl.DataFrame({"mains": mains_w[:1500]}).write_csv(tmp_path / "half.csv")
    for name in ("house", "half"):
        answer = seq2point(
            "disaggregate", deciding, tmp_path / f"{name}.csv", "-o", tmp_path / f"{name}_k.csv"
        )
        assert answer.code == 0, answer.err
    house, half = (read_watts(tmp_path / f"{name}_k.csv") for name in ("house", "half"))
    np.testing.assert_array_equal(house[:1500], half)


def test_test_reports_the_network_and_the_decisions(
    seq2point: Command, deciding: Path, model: Path, files: Any
):
    plain, by_event = (
        seq2point("test", path, "--data", files.test, "--json", "-") for path in (model, deciding)
    )
    assert plain.code == by_event.code == 0, by_event.err
    without, report = json.loads(plain.out), json.loads(by_event.out)
    assert set(report) - set(without) == {"by_event", "events"}
    assert report["metrics"] == without["metrics"]
    assert report["coverage"] == without["coverage"]
    assert report["by_event"].keys() == report["metrics"].keys()
    assert report["by_event"]["mae_w"] < report["metrics"]["mae_w"]
    assert report["events"] == SETTINGS.model_dump()
    assert report["data"][0]["owned"] is True
    assert "by event" not in plain.err
    heading = next(line for line in by_event.err.splitlines() if "zero predictor" in line)
    assert heading.index("network") < heading.index("by event") < heading.index("zero predictor")
    assert "recall of cycles" in by_event.err
    asked = json.loads(
        seq2point("test", model, "--data", files.test, "--json", "-", "--events").out
    )
    assert asked["events"] == EventSettings().model_dump()
    assert "by_event" not in json.loads(
        seq2point("test", deciding, "--data", files.test, "--json", "-", "--no-events").out
    )


def test_damaged_settings_of_a_model_file_are_refused_in_a_line(
    seq2point: Command, model: Path, files: Any, tmp_path: Path
):
    loaded = Model.load(model)
    entry = {"events": {"kettle": {"min_share": 7}}}
    path = tmp_path / "model.safetensors"
    replace(loaded, provenance=dict(loaded.provenance) | entry).save(path)
    refused = seq2point("test", path, "--data", files.test)
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert "the model's event settings are invalid: kettle.min_share: " in refused.err


def test_a_model_of_the_package_decides_as_its_card_says(
    seq2point: Command,
    make_house: Callable[..., Recording],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    write_recording(make_house(2500, 4, 8.0), tmp_path / "house.parquet")
    shipped = pretrained.load_pretrained("kettle-8s")
    deciding = shipped._replace(card=shipped.card.model_copy(update={"events": SETTINGS}))
    assert pretrained.find_card(tmp_path / "kettle-8s.onnx") is None
    monkeypatch.setattr(pretrained, "load_pretrained", lambda name: deciding)
    for model in ("kettle-8s", shipped.native, shipped.onnx):
        answer = seq2point(
            "disaggregate", model, tmp_path / "house.parquet", "-o", tmp_path / "k.csv"
        )
        assert answer.code == 0, answer.err
        assert answer.err.rstrip().endswith("kWh; by event")


def test_a_card_keeps_event_settings():
    card = pretrained.load_pretrained("kettle-8s").card
    deciding = card.model_copy(update={"events": SETTINGS})
    assert Card.model_validate_json(deciding.model_dump_json()) == deciding
    assert not any("by event" in sentence for sentence in describe_card(card))
    assert any("by event" in sentence for sentence in describe_card(deciding))
    with pytest.raises(ValidationError):
        Card.model_validate(card.model_dump() | {"events": {"min_share": 2}})
