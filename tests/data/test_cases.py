"""Files from people's reports through every door that reads: right, or refused in one line."""

import json
import re
import warnings
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.cli.conftest import answer_of
from tests.data.case_table import CASES
from tests.data.right_readings import DAY_W, FOLDER, KETTLE_W, Case, Refused, Right

from seq2point import ColumnsConfig, DataError, Model, UsageError, load_recording
from seq2point.cli import main
from seq2point.recording import Recording

Command = Callable[..., Any]
FLAGS = {
    "time": "--time-column",
    "mains": "--mains-column",
    "unit": "--unit",
    "sensor": "--sensor",
    "solar": "--solar",
    "dates": "--dates",
    "zone": "--zone",
    "measures": "--measures",
    "encoding": "--encoding",
    "decimal": "--decimal",
    "hold_s": "--hold",
}


@pytest.fixture(scope="session")
def seq2point() -> Command:
    return lambda *words: answer_of(main, *words)


@cache
def load_kettle() -> Model:
    return Model.pretrained("kettle", 60)


def load(case: Case, tmp_path: Path, seq2point: Command) -> None:
    """Read the file from Python, and compare its recording."""
    columns = ColumnsConfig(**case.settings)
    check_recording(load_recording(case.path, None, case.period_s, columns), case.right)


def disaggregate(case: Case, tmp_path: Path, seq2point: Command) -> None:
    """Have the kettle predicted, and compare its energy and its highest power."""
    out = tmp_path / "kettle.csv"
    period = () if case.right is None or case.right.start else ("--period", "1m")
    words = (*list_flags(case, repair=True), *period, "--no-events", "-o", out)
    answer = seq2point("disaggregate", "kettle-60s", case.path, *words)
    raise_refusal(answer)
    if case.right is None:
        return
    expected_w = load_kettle().disaggregate(case.right.mains_w.astype(np.float32))
    written = pl.read_csv(out, infer_schema_length=None)
    power_w = written["kettle"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    assert np.nansum(power_w) == pytest.approx(np.nansum(expected_w), rel=0.02, abs=60)
    assert np.nanmax(power_w) == pytest.approx(np.nanmax(expected_w), rel=0.02, abs=10)
    check_notes(answer.err, case.right)


def convert(case: Case, tmp_path: Path, seq2point: Command) -> None:
    """Convert the file, and compare the recording of the house that is written."""
    out = tmp_path / "houses"
    words = (*list_flags(case, appliances=True), *(("--period", "1m") if case.period_s else ()))
    answer = seq2point("convert", "table", case.path, "--out", out, *words)
    raise_refusal(answer)
    (path,) = out.glob("*.parquet")
    right = case.convert or case.right
    if isinstance(right, Right):
        check_recording(load_recording(path), right)
        check_notes(answer.out + answer.err, right)


def check(case: Case, tmp_path: Path, seq2point: Command) -> None:
    """Have the file checked: it is readable, or the finding says why it is not."""
    report = tmp_path / "report.json"
    period = ("--period", "1m") if case.right and case.right.start is None else ()
    answer = seq2point("data", "check", case.path, *list_flags(case), *period, "--json", report)
    if answer.code not in (0, 3):
        raise_refusal(answer)
    findings = [f for file in json.loads(report.read_text())["files"] for f in file["findings"]]
    faults = [
        f"{finding['figure']}; {finding['advice']}"
        for finding in findings
        if finding["check"] == "unreadable"
        or (finding["severity"] == "error" and case.right is None)
    ]
    if faults:
        raise DataError("; ".join(faults))


DOORS = {"load": load, "disaggregate": disaggregate, "convert": convert, "check": check}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_reported_file_is_read_right_or_refused_in_one_line(
    case: Case, tmp_path: Path, seq2point: Command
) -> None:
    faults = []
    for name in case.doors:
        right, refused = case.right, case.refused
        if name == "convert" and case.convert is not None:
            right, refused = (
                (case.convert, None) if isinstance(case.convert, Right) else (None, case.convert)
            )
        if name == "check" and right is None and case.settings.get("repair"):
            continue
        fault = find_fault(lambda name=name: enter(name, case, tmp_path, seq2point), right, refused)
        if fault:
            faults.append(f"{name}: {fault}")
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)


def enter(name: str, case: Case, tmp_path: Path, seq2point: Command) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        DOORS[name](case, tmp_path, seq2point)


def find_fault(read: Callable[[], None], right: Right | None, refused: Refused | None) -> str:
    """Read a file, and return what is wrong with the outcome; '' for nothing."""
    try:
        read()
    except (DataError, UsageError) as error:
        return find_fault_of_message(str(error), refused)
    except AssertionError as error:
        return " ".join(str(error).split())[:300]
    except Exception as error:  # a traceback is a fault that the test shall name
        return f"{type(error).__name__}: {error}"[:300]
    return "" if right else f"it is read; a refusal was expected that says {refused}"


def find_fault_of_message(message: str, refused: Refused | None) -> str:
    if refused is None:
        return f"it is refused: {message}"
    if "\n" in message.strip() or "Traceback" in message:
        return f"the message is no line: {message}"
    missing = [pattern for pattern in refused.patterns if not re.search(pattern, message)]
    if missing:
        return f"the message lacks {missing}: {message}"
    if refused.never and re.search(refused.never, message):
        return f"the message has '{refused.never}': {message}"
    return ""


def raise_refusal(answer: Any) -> None:
    """Raise a command's one line of error as the library's error."""
    if answer.code:
        assert answer.code in (1, 2), answer.err
        assert "Traceback" not in answer.err
        lines = [line for line in answer.err.splitlines() if not line.startswith("warning")]
        raise DataError(lines[-1].removeprefix("seq2point: "))


def list_flags(case: Case, repair: bool = False, appliances: bool = False) -> list[str]:
    """Return a case's settings as flags of the command line.

    A conversion drops bad rows and the data check finds them, so neither needs a repair.
    """
    words: list[str] = []
    for name, value in case.settings.items():
        if name in FLAGS:
            words += [FLAGS[name], f"{value:g}s" if name == "hold_s" else str(value)]
    if repair and case.settings.get("repair"):
        words.append("--repair")
    if appliances:
        for name, column in case.settings.get("appliances", {}).items():
            words += ["--column", f"{name}={column}"]
    return words


def check_recording(recording: Recording, right: Right | None) -> None:
    """Compare a recording's watts with the right ones, by their times."""
    if right is None:
        return
    assert recording.period_s == pytest.approx(right.period_s, rel=0.01)
    first = 0
    if right.start is None:
        assert len(recording) == len(right.mains_w)
    else:
        assert recording.start is not None
        offset_s = recording.times_s()[0] - right.start.timestamp()
        first = round(offset_s / right.period_s)
        assert abs(offset_s - first * right.period_s) <= right.period_s / 2, recording.start
    steps = np.round(np.diff(recording.times_s()) / right.period_s).astype(int)
    places = first + np.concatenate([[0], np.cumsum(steps)])
    compare(recording.mains_w, places, right.mains_w, right.within_w, "mains")
    for name, expected_w in right.appliances_w.items():
        compare(recording.appliance_w(name), places, expected_w, right.within_w, name)


def compare(
    power_w: np.ndarray, places: np.ndarray, expected_w: np.ndarray, within_w: float, name: str
) -> None:
    """Compare watts at some places of the right series; elsewhere there may only be gaps."""
    inside = (places >= 0) & (places < len(expected_w))
    assert np.isnan(power_w[~inside]).all(), f"{name}: readings where there are none"
    placed_w = np.full(len(expected_w), np.nan)
    placed_w[places[inside]] = power_w[inside]
    np.testing.assert_allclose(placed_w, expected_w, rtol=1e-3, atol=within_w, err_msg=name)


def check_notes(text: str, right: Right) -> None:
    text = " ".join(text.split())
    for note in right.notes:
        assert re.search(note, text), f"nothing says '{note}': {text}"


def test_the_reference_day_has_its_kettles() -> None:
    power_w = load_kettle().disaggregate(DAY_W.astype(np.float32))
    assert np.nansum(power_w) / 60 == pytest.approx(409, abs=1)
    assert np.nansum(power_w) == pytest.approx(KETTLE_W.sum(), rel=0.05)
    assert np.nanmax(power_w) == pytest.approx(2783, abs=10)


def test_a_counter_of_energy_is_made_into_power(seq2point: Command, tmp_path: Path) -> None:
    path = FOLDER / "ha-history/counter.csv"
    columns = ColumnsConfig(measures="counter", unit="kWh")
    recording = load_recording(path, columns=columns)
    counts_kwh = [float(line.split(",")[1]) for line in path.read_text().splitlines()[1:]]
    assert recording.period_s == pytest.approx(60, rel=0.01)
    assert np.nanmax(recording.mains_w) < 20_000
    kwh = float(np.nansum(recording.mains_w)) * recording.period_s / 3.6e6
    assert kwh == pytest.approx(counts_kwh[-1] - counts_kwh[0], rel=0.02)
    out = tmp_path / "kettle.csv"
    words = ("--measures", "counter", "--unit", "kWh", "-o", out)
    answer = seq2point("disaggregate", "kettle-60s", path, *words)
    assert answer.code == 0, answer.err


def _check_meter_and_plug(answer: Any, folder: Path) -> None:
    raise_refusal(answer)
    (path,) = folder.glob("*.parquet")
    expected: Mapping[str, np.ndarray] = {"kettle": KETTLE_W[:480]}
    check_recording(load_recording(path), Right(DAY_W[:480], appliances_w=expected, within_w=0.5))


def test_a_meter_in_kilowatts_and_a_plug_in_watts_are_not_mixed(
    seq2point: Command, tmp_path: Path
) -> None:
    folder = FOLDER / "meter-kw-plug-w"
    words = ("convert", "table", "--plug", f"kettle={folder / 'plug.csv'}")
    one = (*words, folder / "meter.csv", "--unit", "kW", "--out", tmp_path / "one")
    refused = Refused((r"plug\.csv", "(?i)watts|unit"))
    fault = find_fault(
        lambda: _check_meter_and_plug(seq2point(*one), tmp_path / "one"),
        Right(DAY_W),
        refused,
    )
    assert not fault
    mains = f"{folder / 'meter.csv'}:power_delivered[kW]"
    each = (*words, "--mains", mains, "--out", tmp_path / "each")
    _check_meter_and_plug(seq2point(*each), tmp_path / "each")


def test_a_reference_day_starts_at_midnight() -> None:
    assert load_recording(FOLDER / "reference/mains.csv").start == datetime(2023, 11, 5, tzinfo=UTC)
