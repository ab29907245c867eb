"""NILMTK's HDF5 files: one that the real pandas and PyTables wrote, and what may be missing or
damaged in one.
"""

import pickle
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from tests import raw_trees

from seq2point.datasets.contract import RawHouse, Selection
from seq2point.datasets.sources import nilmtk
from seq2point.errors import DataError
from seq2point.recording import Recording

REAL = Path(__file__).parents[2] / "oracles" / "nilmtk.h5"
ROWS = 400


def houses(path: Path, **wanted: tuple[str, ...]) -> list[RawHouse]:
    return nilmtk.list_houses(path, Selection(**wanted))  # type: ignore[arg-type]


def readings(house: RawHouse, column: str) -> tuple[np.ndarray, np.ndarray]:
    (meter,) = (meter for meter in house.meters if meter.columns == (column,))
    (piece,) = meter.read()
    return piece.times_s, piece.watts[0]


@pytest.fixture
def small(tmp_path: Path, make_recording: Callable[..., Recording]) -> Path:
    return raw_trees.write_nilmtk(
        {1: make_recording([100, 200, 300], kettle=[1, 2, 3], fridge=[4, 5, 6])},
        tmp_path / "small.h5",
        "DRED",
    )


def test_buildings_and_houses_of_refit_have_both_their_numbers():
    first, second = houses(REAL)
    assert (first.house, first.title, first.name) == ("1", "house 1", "refit_house1")
    assert (second.house, second.title, second.facts["building"]) == (
        "15",
        "house 15 (building 14)",
        "14",
    )
    assert [house.house for house in houses(REAL, houses=("15",))] == ["15"]


def test_a_file_that_pandas_and_pytables_wrote_with_blosc_is_read_active_power_first():
    house, _ = houses(REAL)
    for column, value in (("mains", 2001), ("fridge", 2), ("kettle", 3)):
        times_s, watts = readings(house, column)
        np.testing.assert_array_equal(times_s, 1_364_690_000 + 6 * np.arange(ROWS))
        np.testing.assert_array_equal(watts, value + np.arange(ROWS))
    assert house.columns == ("mains", "kettle", "fridge")
    assert "channel 4: nobody knows what it is; left out" in house.remarks


def test_the_appliance_that_dominates_a_meter_names_it():
    assert houses(REAL)[0].channels["kettle"] == "meter 3 'kettle'"


def changed(path: Path, group: str, **changes: object) -> None:
    with h5py.File(path, "a") as file:
        about = pickle.loads(file[group].attrs["metadata"])
        file[group].attrs["metadata"] = np.bytes_(pickle.dumps(about | changes, 0))


def test_several_site_meters_are_legs_and_one_that_is_disabled_or_below_another_is_none(
    small: Path,
):
    meters = {
        1: {"site_meter": True},
        2: {"site_meter": True},
        3: {"site_meter": True, "submeter_of": 1},
    }
    changed(small, "building1", elec_meters=meters, appliances=[])
    (house,) = houses(small)
    assert [meter.columns for meter in house.meters] == [("mains",), ("mains",)]
    changed(small, "building1", elec_meters=meters | {2: {"site_meter": True, "disabled": True}})
    assert [meter.name for meter in houses(small)[0].meters] == ["/building1/elec/meter1"]


def test_an_appliance_of_two_meters_is_their_sum(small: Path):
    changed(small, "building1", appliances=[{"type": "electric oven", "meters": [2, 3]}])
    (house,) = houses(small, appliances=("electric oven",))
    assert [meter.columns for meter in house.meters] == [
        ("mains",),
        ("electric_oven",),
        ("electric_oven",),
    ]


def test_a_data_set_of_circuits_has_no_plugs_limit_and_refit_has(small: Path):
    assert houses(small)[0].plug_limit_w is None
    assert houses(REAL)[0].plug_limit_w == 4000
    assert (houses(small)[0].dataset, houses(small)[0].name) == ("DRED", "dred_house1")


def test_a_stamp_that_is_none_is_unreadable(small: Path):
    with h5py.File(small, "a") as file:
        rows = file["building1/elec/meter2/table"][:]
        rows["index"][1] = np.iinfo(np.int64).min
        file["building1/elec/meter2/table"][:] = rows
    times_s, _ = readings(houses(small)[0], "kettle")
    assert np.isnan(times_s).tolist() == [False, True, False]


def without(name: str, attribute: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with h5py.File(path, "a") as file:
            del file[name].attrs[attribute]

    return change


def only_voltage(path: Path) -> None:
    with h5py.File(path, "a") as file:
        file["building1/elec/meter2/table"].attrs["values_block_0_kind"] = np.bytes_(
            pickle.dumps([("voltage", "")], 0)
        )


def a_meter_less(path: Path) -> None:
    with h5py.File(path, "a") as file:
        del file["building1/elec/meter2"]


def with_rows(rows: int, chunks: tuple[int, ...] | None) -> Callable[[Path], None]:
    """The kettle's table claims so many rows of which its file holds three, or none where it is not
    in chunks.
    """

    def change(path: Path) -> None:
        with h5py.File(path, "a") as file:
            meter = file["building1/elec/meter2"]
            about, kept, kind = dict(meter["table"].attrs), meter["table"][:], meter["table"].dtype
            del meter["table"]
            table = meter.create_dataset("table", (rows,), kind, chunks=chunks)
            if chunks == (4096,):
                table[:3] = kept
            for name, value in about.items():
                table.attrs[name] = value

    return change


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "no HDF5": (lambda path: path.write_bytes(b"nonsense"), "not an HDF5 file, or a damaged one"),
    "no file": (Path.unlink, "no such file; expected an HDF5 file of NILMTK"),
    "half a file": (
        lambda path: path.write_bytes(path.read_bytes()[:2000]),
        "not an HDF5 file, or a damaged one",
    ),
    "no metadata": (
        without("building1", "metadata"),
        "building1 has no metadata of NILMTK on its meters",
    ),
    "no mains": (
        lambda path: changed(path, "building1", elec_meters={2: {}}),
        "building1 has no meter of the mains",
    ),
    "no power": (
        only_voltage,
        "/building1/elec/meter2/table has no column of active or apparent power .columns: voltage",
    ),
    "no stamps": (
        without("building1/elec/meter2/table", "index_kind"),
        "/building1/elec/meter2/table has no index of times",
    ),
    "a claim of 10^12 rows": (
        with_rows(10**12, (4096,)),
        "claims 1,000,000,000,000 rows and holds 4,096 at most",
    ),
    "a claim of 10^12 rows, none stored": (
        with_rows(10**12, None),
        "claims 1,000,000,000,000 rows and holds 0 at most",
    ),
    "pieces of gigabytes": (
        with_rows(10**9, (10**8,)),
        "is stored in pieces of 1,200,000,000 bytes, which is no meter's table",
    ),
    "meters that are a list": (
        lambda path: changed(path, "building1", elec_meters=[1, 2]),
        (
            "the metadata of /building1 is not NILMTK's .elec_meters: Input should be a valid"
            " dictionary"
        ),
    ),
    "appliances of no meters": (
        lambda path: changed(path, "building1", appliances=[{"type": "kettle", "meters": [{}]}]),
        (
            r"the metadata of /building1 is not NILMTK's .appliances\.0\.meters\.0: Input should be"
            r" a valid integer"
        ),
    ),
    "a meter that is not there": (
        a_meter_less,
        "no /building1/elec/meter2/table, though the metadata names it",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_in_one_line(small: Path, name: str):
    change, message = REFUSED[name]
    change(small)
    with pytest.raises(DataError, match=message):
        houses(small)
