"""UK-DALE's and REDD's houses: labels, legs of the mains, plugs that are shared, and what is
missing.
"""

from pathlib import Path

import pytest

from seq2point.data.table import load_recording
from seq2point.datasets.contract import RawHouse, Selection
from seq2point.datasets.conversion.house import ConversionConfig
from seq2point.datasets.conversion.jobs import ConvertedHouse, convert_houses, plan_jobs
from seq2point.datasets.sources import find_source
from seq2point.errors import DataError

NAN = pytest.approx(float("nan"), nan_ok=True)


def write(root: Path, house: str, /, **channels: str) -> Path:
    """A house of channels, as label="first reading, second reading", stamps 0, 6, 12, ..., or
    "stamp watts" lines.
    """
    folder = root / f"house_{house}"
    folder.mkdir(parents=True)
    lines = []
    for number, (label, readings) in enumerate(channels.items(), 1):
        lines.append(f"{number} {label.removesuffix('2').removesuffix('3')}\n")
        cells = readings.split(",")
        rows = (
            cells
            if " " in cells[0].strip()
            else [f"{1_400_000_000 + 6 * i} {cell.strip()}" for i, cell in enumerate(cells)]
        )
        (folder / f"channel_{number}.dat").write_text("".join(f"{line.strip()}\n" for line in rows))
    (folder / "labels.dat").write_text("".join(lines))
    return folder


def houses(name: str, root: Path, **wanted: tuple[str, ...]) -> list[RawHouse]:
    return list(find_source(name).list_houses(root, Selection(**wanted)))  # type: ignore[arg-type]


def made(name: str, root: Path, out: Path, **settings: float) -> ConvertedHouse:
    chosen = ConversionConfig(**settings)
    (each,) = convert_houses(
        plan_jobs(find_source(name), root, out, Selection(), chosen), chosen, out
    )
    return each


def test_ukdales_labels_are_the_appliances_and_channel_1_is_the_mains(tmp_path: Path):
    write(
        tmp_path,
        "1",
        aggregate="500,600",
        kettle="0,1",
        fridge_freezer="2,3",
        boiler="4,5",
        washer_dryer="6,7",
    )
    (house,) = houses("ukdale", tmp_path)
    assert dict(house.channels) == {
        "mains": "channel_1",
        "kettle": "channel_2 'kettle'",
        "fridge": "channel_3 'fridge_freezer'",
        "washing_machine": "channel_5 'washer_dryer'",
    }
    assert houses("ukdale", tmp_path, appliances=("all",))[0].columns == (
        "mains",
        "kettle",
        "fridge",
        "washing_machine",
        "boiler",
    )
    assert (house.dataset, house.licence, house.name) == ("UK-DALE", "CC BY 4.0", "ukdale_house1")


def test_ukdales_mains_are_channel_1_where_no_label_says_so_and_the_folder_itself_may_be_given(
    tmp_path: Path,
):
    folder = write(tmp_path, "3", house="500,600", kettle="0,1")
    (house,) = houses("ukdale", folder)
    assert (house.house, dict(house.channels)) == (
        "3",
        {"mains": "channel_1", "kettle": "channel_2 'kettle'"},
    )


def test_a_plug_that_ukdales_house_4_shares_is_taken_and_said(tmp_path: Path):
    write(
        tmp_path, "4", aggregate="500", kettle_radio="1", washing_machine_microwave_breadmaker="2"
    )
    (house,) = houses("ukdale", tmp_path)
    assert house.channels["kettle"] == "channel_2 'kettle_radio'"
    assert "kettle (channel 2): its plug is shared with a radio" in house.remarks
    assert house.channels["washing_machine"].startswith("channel_3 ")


def test_stamps_of_their_own_repeats_and_glitches_end_on_one_grid(tmp_path: Path):
    mains = "1400000000 500, 1400000006 510, 1400000006 511, 1400000012 520, 1400000018 530"
    kettle = "1400000002 5, 1400000008 3001, 1400000014 4500, 1400000019 7"
    write(tmp_path / "raw", "1", aggregate=mains, kettle=kettle)
    each = made("ukdale", tmp_path / "raw", tmp_path / "out")
    recording = load_recording(each.path)
    assert recording.mains_w.tolist() == [500, 510, 520, 530]
    assert recording.appliance_w("kettle").tolist() == [5, 3001, 3001, 7]
    assert each.report.dropped == {"repeated": 1}
    assert (each.report.glitches, each.report.filled) == ({"kettle": 1}, {"kettle": 1})
    assert each.path.name == "ukdale_house1_6s.parquet"


def test_a_gap_that_a_file_writes_down_is_not_filled(tmp_path: Path):
    write(tmp_path / "raw", "1", aggregate="500,600,700,800", kettle="1,nan,,4")
    each = made("ukdale", tmp_path / "raw", tmp_path / "out")
    assert load_recording(each.path).appliance_w("kettle").tolist() == [1, NAN, NAN, 4]


def test_redds_two_legs_are_summed_where_both_are_there_and_circuits_have_no_plugs_limit(
    tmp_path: Path,
):
    write(
        tmp_path / "low_freq",
        "1",
        mains="100,200,300,400",
        mains2="10.5,20.5,nan,40",
        dishwaser="5000,1,2,3",
        refrigerator="1,1,1,1",
    )
    each = made("redd", tmp_path, tmp_path / "out", period_s=6)
    recording = load_recording(each.path)
    assert recording.mains_w.tolist() == [110.5, 220.5, NAN, 440]
    assert recording.appliance_w("dishwasher").tolist() == [5000, 1, 2, 3]
    assert each.report.channels["mains"] == "channel_1 + channel_2"
    assert each.report.channels["fridge"] == "channel_4 'refrigerator'"
    assert each.report.periods_found_s["mains"] == 6


def test_the_washing_machine_of_redds_house_1_is_channel_20_and_elsewhere_the_first(tmp_path: Path):
    for house in ("1", "2"):
        folder = write(tmp_path, house, mains="1", mains2="2")
        more = {10: "washer_dryer", 19: "washer_dryer", 20: "washer_dryer"}
        (folder / "labels.dat").write_text(
            "1 mains\n2 mains\n" + "".join(f"{k} {v}\n" for k, v in more.items())
        )
        for number in more:
            (folder / f"channel_{number}.dat").write_text("1400000000 1\n")
    first, second = houses("redd", tmp_path)
    assert first.channels["washing_machine"] == "channel_20 'washer_dryer'"
    assert second.channels["washing_machine"] == "channel_10 'washer_dryer'"


def test_a_house_of_one_leg_is_refused(tmp_path: Path):
    write(tmp_path, "1", mains="1", refrigerator="2")
    with pytest.raises(
        DataError, match=r"labels\.dat: names 1 channel of mains; a house of REDD has 2"
    ):
        houses("redd", tmp_path)


def test_a_leg_or_a_channel_that_is_not_there_is_refused(tmp_path: Path):
    folder = write(tmp_path, "1", mains="1", mains2="2", refrigerator="3")
    (folder / "channel_2.dat").unlink()
    with pytest.raises(
        DataError, match=r"channel_2\.dat: no such file, though labels\.dat names it"
    ):
        houses("redd", tmp_path)


def test_a_folder_without_labels_and_labels_that_are_none_are_refused(tmp_path: Path):
    folder = write(tmp_path, "1", aggregate="1")
    (folder / "labels.dat").write_text("1 aggregate\nkettle\n")
    with pytest.raises(DataError, match=r"labels\.dat, line 2: invalid label 'kettle': expected"):
        houses("ukdale", tmp_path)
    (folder / "labels.dat").unlink()
    with pytest.raises(DataError, match=r"labels\.dat: no such file; it names the channels"):
        houses("ukdale", tmp_path)
