"""More files as people have them, through every door: right, or refused in one line.

Each is the first eight hours of the reference day in the dress of some logger.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.conftest import answer_of
from tests.data.right_readings import CUT, DAY, DAY_W, KETTLE_W, Case, Refused, Right, refuse
from tests.data.test_cases import enter, find_fault

from seq2point import load_recording
from seq2point.cli import main
from seq2point.configuration import ColumnsConfig
from seq2point.errors import DataError

MAINS_W, PLUG_W = DAY_W[:CUT], KETTLE_W[:CUT]
SOLAR_W = 1500 * np.sin(np.arange(CUT) / CUT * np.pi)
MOMENTS = [DAY + timedelta(minutes=i) for i in range(CUT + 1)]
STAMPS = [f"{moment:%Y-%m-%d %H:%M:%S}" for moment in MOMENTS]
LOCAL = [f"{moment + timedelta(hours=1):%Y-%m-%d %H:%M:%S}" for moment in MOMENTS]
UNIX = [int(moment.timestamp()) for moment in MOMENTS]
WEATHER = np.random.default_rng(1).choice(["sun", "rain", "clouds"], CUT)


def count_kwh(power_w: np.ndarray, first_kwh: float = 4321.0) -> list[str]:
    """What a counter shows at the start of each minute."""
    energy_kwh = np.concatenate(([0.0], np.cumsum(power_w)[:-1])) / 60_000
    return [f"{first_kwh + kwh:.7f}" for kwh in energy_kwh]


def write(heading: str, *columns: Any) -> str:
    rows = zip(*(c if isinstance(c, Sequence) else np.round(c, 4) for c in columns), strict=False)
    return "\n".join([heading, *(",".join(map(str, row)) for row in rows)]) + "\n"


def mix(first: Sequence[Any] | np.ndarray, second: Sequence[Any] | np.ndarray) -> list[Any]:
    """Two columns below one another, row by row in turn."""
    return [cell for pair in zip(first, second, strict=False) for cell in pair]


TWICE = mix(STAMPS[:CUT], STAMPS[:CUT])
TURNS = mix(MAINS_W, PLUG_W)
RIGHT = Right(MAINS_W, within_w=0.1)
LATER = Right(np.append(MAINS_W[:-1], np.nan), within_w=0.2)
"""The power between the readings of a counter: none follows the last."""

HOUSE = Right(MAINS_W, within_w=0.1, appliances_w={"kettle": PLUG_W})


@dataclass(frozen=True)
class File:
    """A file's text, what its user sets, and what is right; as `Case` has it."""

    name: str
    text: str
    right: Right | None = None
    refused: Refused | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    doors: Sequence[str] = ("load", "disaggregate", "convert", "check")


FILES = (
    # Units: of a row, of a plug's milliwatts, and in names without a mark between.
    File("camel", write("time,powerKW", STAMPS, MAINS_W / 1000), RIGHT),
    File("unit_first", write("time,kW Power", STAMPS, MAINS_W / 1000), RIGHT),
    File("milliwatts", write("time,power_mW", STAMPS, MAINS_W * 1000), RIGHT),
    File(
        "in_cells",
        write("time,power", STAMPS, [f"{w} W" for w in MAINS_W]),
        refused=refuse("270.* W"),
    ),
    # Sensors below one another.
    File(
        "numbered",
        write("ts,m,w", TWICE, [1, 2] * CUT, TURNS),
        refused=refuse("'m': 1, 2", "sensor"),
    ),
    File(
        "appended",
        write("time,feedid,value", UNIX[:CUT] * 2, [1] * CUT + [2] * CUT, [*MAINS_W, *PLUG_W]),
        refused=refuse("'feedid': 1, 2", "sensor"),
    ),
    File(
        "mixed", write("time,value", TWICE, TURNS), refused=refuse("repeat a time", never="repair")
    ),
    File(
        "phases_below",
        write("time,phase,power", TWICE, ["L1", "L2"] * CUT, TURNS),
        refused=refuse("phases", "`?(--)?mains"),
    ),
    File(
        "voltage",
        write(
            "entity_id,state,last_changed",
            ["sensor.volts_power", "sensor.house_voltage"] * CUT,
            mix(MAINS_W, [231.2] * CUT),
            TWICE,
        ),
        refused=refuse("measures no power"),
        settings={"sensor": "sensor.house_voltage"},
    ),
    File(
        "volts_by_unit",
        write("time,sensor,unit,value", TWICE, ["a", "b"] * CUT, ["W", "V"] * CUT, TURNS),
        refused=refuse("are in V"),
        settings={"sensor": "b"},
    ),
    File(
        "parts",
        write(
            "time,building,meter,value",
            mix(TWICE, TWICE),
            ["b1", "b2"] * 2 * CUT,
            [*["mains"] * 2, *["kettle"] * 2] * CUT,
            mix(TURNS, [1.0] * 2 * CUT),
        ),
        HOUSE,
        settings={"mains": "b1/mains", "appliances": {"kettle": "b1/kettle"}},
    ),
    File(
        "other_letters",
        write("Time,Sensor,Power", TWICE, ["Mains", "Kettle"] * CUT, TURNS),
        HOUSE,
        settings={"sensor": "mains"},
    ),
    # Text beside the readings is no sensor, and no second column of times is.
    File(
        "weather", write("time,mains,kettle,weather", STAMPS, MAINS_W, PLUG_W, list(WEATHER)), HOUSE
    ),
    File(
        "quality",
        write("time,type,mains", STAMPS, ["est", "ok", "ok"] * (CUT // 3 + 1), MAINS_W),
        RIGHT,
        refuse("'type'", "sensor"),
    ),
    File("start_end", write("start,end,mains", STAMPS, STAMPS[1:], MAINS_W), RIGHT),
    File("local_utc", write("local_time,utc_time,mains", LOCAL, STAMPS, MAINS_W), RIGHT),
    File("local_unix", write("Time,Epoch,mains", LOCAL, UNIX, MAINS_W), RIGHT),
    # Power comes before energy, and a counter is one however seldom it rises.
    File("beside", write("time,total_kwh,power", STAMPS, count_kwh(MAINS_W), MAINS_W), RIGHT),
    File(
        "tasmota",
        write(
            "Time,ENERGY.Total,ENERGY.Today,ENERGY.Power",
            STAMPS,
            count_kwh(MAINS_W),
            count_kwh(MAINS_W, 0),
            MAINS_W,
        ),
        RIGHT,
    ),
    File(
        "tariffs",
        write(
            "timestamp,electricity_delivered_1,electricity_delivered_2",
            STAMPS,
            count_kwh(MAINS_W),
            [55.5] * CUT,
        ),
        LATER,
    ),
    File(
        "plug_counter",
        write("time,mains,kettle_kwh", STAMPS, MAINS_W, count_kwh(PLUG_W, 0)),
        Right(MAINS_W, within_w=0.5, appliances_w={"kettle": np.append(PLUG_W[:-1], np.nan)}),
    ),
    File(
        "few_rows",
        write("time,energy_kwh", STAMPS[:50], count_kwh(MAINS_W)),
        Right(np.append(MAINS_W[:49], np.nan), within_w=0.2),
        doors=("load", "convert", "check"),
    ),
    File(
        "few_rows_no_unit",
        write("time,value", STAMPS[:50], count_kwh(MAINS_W)),
        refused=refuse("counter"),
    ),
    File(
        "newest_first",
        write("time,energy_kwh", STAMPS[:CUT][::-1], count_kwh(MAINS_W)[::-1]),
        refused=refuse("newest first"),
    ),
    File(
        "octopus",
        write("consumption,interval_start", MAINS_W / 60_000, STAMPS),
        refused=refuse("kWh", "unit"),
    ),
    File(
        "tibber",
        write(
            "from,to,consumption,consumptionUnit",
            STAMPS,
            STAMPS[1:],
            [f"{w / 60_000:.8f}" for w in MAINS_W],
            ["kWh"] * CUT,
        ),
        RIGHT,
    ),
    # Numbers that are no times.
    File(
        "ten_digits",
        write("time,mains", [f"{m:%y%m%d%H%M}" for m in MOMENTS], MAINS_W),
        refused=refuse("no time"),
    ),
    File(
        "matlab",
        write("time,mains", [f"{719529 + u / 86400:.6f}" for u in UNIX], MAINS_W),
        refused=refuse("no time"),
    ),
    File(
        "ticks",
        write("timestamp,mains", [u * 10**7 + 621355968000000000 for u in UNIX], MAINS_W),
        refused=refuse("no time"),
    ),
    File(
        "date_parts",
        write(
            "Year,Month,Day,Minute,mains",
            [2023] * CUT,
            [11] * CUT,
            [5] * CUT,
            [*range(CUT)],
            MAINS_W,
        ),
        refused=refuse("Year, Month, Day"),
    ),
    # Phases, legs and solar.
    File(
        "emporia",
        write(
            "Time Bucket (Etc/UTC),Mains_A (kWatts),Mains_B (kWatts)",
            [f"{m:%m/%d/%Y %H:%M:%S}" for m in MOMENTS],
            MAINS_W / 2000,
            MAINS_W / 2000,
        ),
        Right(MAINS_W, within_w=0.2),
    ),
    File(
        "twins",
        write("time,mains,mains_2", STAMPS, MAINS_W / 2, MAINS_W / 2),
        refused=refuse(r"mains\+mains_2"),
    ),
    File(
        "total_kw",
        write(
            "time,total_kw,l1_w,l2_w,l3_w",
            STAMPS,
            MAINS_W / 1000,
            MAINS_W / 2,
            MAINS_W / 4,
            MAINS_W / 4,
        ),
        RIGHT,
    ),
    File(
        "solar_kw",
        write("time,grid_kW,solar_kW", STAMPS, (MAINS_W - SOLAR_W) / 1000, SOLAR_W / 1000),
        Right(MAINS_W, within_w=0.2),
        settings={"solar": "solar_kW"},
    ),
    File(
        "solar_turned",
        write("time,grid,pv", STAMPS, MAINS_W - SOLAR_W, -SOLAR_W),
        RIGHT,
        settings={"solar": "pv"},
    ),
    File("solar_alone", write("time,solar", STAMPS, SOLAR_W), refused=refuse("produced", "mains")),
    File("sign", write("time,mains", STAMPS, -MAINS_W), refused=refuse("below zero", "-mains")),
    File("sign_turned", write("time,mains", STAMPS, -MAINS_W), RIGHT, settings={"mains": "-mains"}),
)


@pytest.fixture(scope="session")
def seq2point() -> Callable[..., Any]:
    return lambda *words: answer_of(main, *words)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_of_another_logger_is_read_right_or_refused_in_one_line(
    file: File, tmp_path: Path, seq2point: Callable[..., Any]
) -> None:
    path = tmp_path / f"{file.name}.csv"
    path.write_text(file.text)
    case = Case(str(path), file.settings, file.right, file.refused)
    faults = []
    for door in file.doors:
        folder = tmp_path / door
        folder.mkdir()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            fault = find_fault(
                lambda door=door, folder=folder: enter(door, case, folder, seq2point),
                file.right,
                file.refused,
            )
        if fault:
            faults.append(f"{door}: {fault}")
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)


@pytest.mark.parametrize("name", ["grid_power", "house_power", "Wirkleistung Gesamt (W)"])
def test_a_usual_name_of_the_mains_is_known_beside_other_columns(tmp_path: Path, name: str):
    rows = "".join(f"{60 * i + 1_700_000_000},{200 + i % 7},{i % 3}\n" for i in range(200))
    path = tmp_path / "home.csv"
    path.write_text(f"time,{name},Heizstab\n{rows}")
    assert load_recording(path, []).mains_w.max() == 206


def test_a_phase_in_brackets_after_a_unit_is_no_ampere(tmp_path: Path):
    head = "Date/time UTC,Active energy Wh (A),Min V (A),Active energy Wh (B),Min V (B)\n"
    rows = "".join(
        f"2024-01-17 {i // 60:02}:{i % 60:02},{4 + i % 2},230,2,231\n" for i in range(300)
    )
    path = tmp_path / "em.csv"
    path.write_text(head + rows)
    with pytest.raises(DataError, match=r"Active energy Wh \(A\)\+Active energy Wh \(B\)"):
        load_recording(path, [])
    columns = ColumnsConfig(mains="Active energy Wh (A)+Active energy Wh (B)")
    assert load_recording(path, [], columns=columns).mains_w[:2].tolist() == [360, 420]
