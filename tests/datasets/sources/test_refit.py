"""REFIT's houses: which channel is what, the traps of house 12 and of repeated appliances, and the
readings' defects.
"""

from pathlib import Path

import pytest

from seq2point.data.table import load_recording
from seq2point.datasets.contract import RawHouse, Selection
from seq2point.datasets.conversion.house import ConversionConfig
from seq2point.datasets.conversion.jobs import ConvertedHouse, convert_houses, plan_jobs
from seq2point.datasets.sources import find_source, refit
from seq2point.errors import DataError

EVERY = Selection()
HEADER = "Time,Unix,Aggregate," + ",".join(f"Appliance{i}" for i in range(1, 10)) + ",Issues\n"


def write(
    folder: Path,
    house: str,
    lines: list[str],
    header: str = HEADER,
    name: str = "CLEAN_House{}.csv",
) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name.format(house)
    path.write_text(header + "".join(f"{line}\n" for line in lines))
    return path


def row(unix: int, mains: object, issues: int = 0, **channels: object) -> str:
    cells = [str(channels.get(f"a{i}", 0)) for i in range(1, 10)]
    return ",".join(["2014-03-30 12:00:00", str(unix), str(mains), *cells, str(issues)])


def house_of(folder: Path, house: str, *appliances: str) -> RawHouse:
    write(folder, house, [row(0, 100)])
    (raw_house,) = refit.list_houses(folder, Selection(houses=(house,), appliances=appliances))
    return raw_house


def made(folder: Path, out: Path, selection: Selection = EVERY) -> ConvertedHouse:
    settings = ConversionConfig()
    (each,) = convert_houses(
        plan_jobs(find_source("refit"), folder, out, selection, settings), settings, out
    )
    return each


def test_every_house_but_14_has_nine_channels():
    assert [len(refit.list_channels(str(house))) for house in range(1, 22)] == [9] * 13 + [0] + [
        9
    ] * 7


@pytest.mark.parametrize(
    ("house", "channels"),
    [
        ("2", {"kettle": 8, "fridge": 1, "dishwasher": 3, "washing_machine": 2, "microwave": 5}),
        ("5", {"kettle": 8, "fridge": 1, "dishwasher": 4, "washing_machine": 3, "microwave": 7}),
        ("12", {"kettle": 6, "fridge": 1, "microwave": 5}),
        ("20", {"kettle": 9, "fridge": 1, "dishwasher": 5, "washing_machine": 4, "microwave": 8}),
    ],
)
def test_the_five_appliances_are_the_channels_of_the_data_sets_readme(
    tmp_path: Path, house: str, channels: dict[str, int]
):
    origins = house_of(tmp_path, house).channels
    assert {name: label.split()[0] for name, label in origins.items()} == {
        "mains": "Aggregate",
        **{name: f"Appliance{number}" for name, number in channels.items()},
    }


def test_what_nobody_knows_in_house_12_is_no_microwave_and_is_said(tmp_path: Path):
    house = house_of(tmp_path, "12", "all")
    assert not any(label.startswith("Appliance3") for label in house.channels.values())
    assert [remark for remark in house.remarks if "nobody knows" in remark] == [
        f"channel {number}: nobody knows what it is; left out" for number in (2, 3, 9)
    ]


@pytest.mark.parametrize(
    ("house", "washing_machine", "other"), [("1", 5, 4), ("8", 4, 3), ("9", 3, 2), ("18", 5, 4)]
)
def test_a_washing_machine_comes_before_a_washer_dryer_which_can_be_asked_for(
    tmp_path: Path, house: str, washing_machine: int, other: int
):
    raw_house = house_of(tmp_path, house)
    assert raw_house.channels["washing_machine"] == f"Appliance{washing_machine} 'Washing Machine'"
    assert any(
        f"channel {other} (" in remark and "name the appliance 'washing_machine_2'" in remark
        for remark in raw_house.remarks
    )
    assert (
        house_of(tmp_path, house, "washing machine 2")
        .channels["washing_machine_2"]
        .startswith(f"Appliance{other} 'Washer Dryer")
    )


def test_what_changed_during_the_recording_is_said(tmp_path: Path):
    assert (
        "dishwasher (channel 6): another appliance from 20 May 2014 on"
        in house_of(tmp_path, "7").remarks
    )
    assert house_of(tmp_path, "2").remarks == ()


def test_any_other_channel_can_be_asked_for_by_name(tmp_path: Path):
    assert house_of(tmp_path, "7", "Tumble Dryer", "toaster").columns == (
        "mains",
        "tumble_dryer",
        "toaster",
    )


def test_rows_with_issues_may_be_kept_and_the_house_is_made_anew(tmp_path: Path):
    write(tmp_path / "raw", "2", [row(0, 500), row(8, 510, issues=1, a8=2000), row(16, 520)])
    kept = Selection(keep_issues=True)
    for selection, kettle_w in ((Selection(), 0), (kept, 2000), (Selection(), 0), (kept, 2000)):
        each = made(tmp_path / "raw", tmp_path / "out", selection)
        assert not each.unchanged
        assert load_recording(each.path, ["kettle"]).appliance_w("kettle")[1] == kettle_w
        assert each.report.dropped.get("issues", 0) == (kettle_w == 0)
    assert made(tmp_path / "raw", tmp_path / "out", kept).unchanged


def test_rows_with_issues_glitches_repeats_and_clock_steps_are_counted(tmp_path: Path):
    write(
        tmp_path / "raw",
        "2",
        [
            row(0, 500, a8=2000),
            row(8, 510, issues=1, a8=9999),
            row(16, 520, a8=32767),
            row(16, 530, a8=1),
            row(24, 540, a8=4001),
            row(12, 541, a8=1),
            row(32, 65535, a8=2100),
            row(40, 560, a8="x"),
            row(100, 570, a8=3),
        ],
    )
    each = made(tmp_path / "raw", tmp_path / "out")
    report = each.report
    assert (report.rows_read, report.rows_kept) == (9, 6)
    assert report.dropped == {"issues": 1, "repeated": 1, "clock stepped back": 1}
    assert (report.glitches, report.no_number) == ({"mains": 1, "kettle": 2}, {"kettle": 1})
    recording = load_recording(each.path, ["kettle"])
    nan = pytest.approx(float("nan"), nan_ok=True)
    assert recording.mains_w.tolist() == [
        500,
        500,
        520,
        540,
        540,
        560,
        560,
        560,
        560,
        nan,
        nan,
        nan,
        570,
    ]
    assert recording.appliance_w("kettle").tolist() == [
        2000,
        2000,
        2000,
        2000,
        2100,
        nan,
        nan,
        nan,
        nan,
        nan,
        nan,
        nan,
        3,
    ]


@pytest.mark.parametrize(
    "name", ["CLEAN_House2.csv", "House2.csv", "House_2.csv", "clean_house02.csv"]
)
def test_the_names_that_carriers_give_the_files_are_all_known(tmp_path: Path, name: str):
    write(tmp_path, "2", [row(0, 100)], name=name)
    assert [house.house for house in refit.list_houses(tmp_path, Selection())] == ["2"]
    assert [house.house for house in refit.list_houses(tmp_path / name, Selection())] == ["2"]


def test_without_unix_the_words_are_read_as_utc_and_without_issues_all_rows_are_good(
    tmp_path: Path,
):
    header = HEADER.replace("Unix,", "").replace(",Issues", "")
    lines = [f"2014-03-30 00:59:{s:02},{100 + s},0,0,0,0,0,0,0,7,0" for s in (40, 48, 56)]
    write(tmp_path / "raw", "2", [*lines, "2014-03-30 01:00:04,200,0,0,0,0,0,0,0,7,0"], header)
    each = made(tmp_path / "raw", tmp_path / "out")
    assert each.report.start == "2014-03-30T00:59:40+00:00"
    assert load_recording(each.path, []).mains_w.tolist() == [140, 148, 156, 200]


def test_a_file_without_the_data_sets_columns_is_refused(tmp_path: Path):
    write(tmp_path, "2", ["1,2"], "Time,Unix\n")
    with pytest.raises(
        DataError,
        match=r"CLEAN_House2\.csv: no column 'Aggregate'; expected a folder of CLEAN_House1\.csv",
    ):
        refit.list_houses(tmp_path, Selection())
