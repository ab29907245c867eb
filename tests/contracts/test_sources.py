"""What every source of raw data promises, swept over their names with a small house written in each
one's layout.

A new source needs one function in TREES and one in BREAKS; it is held to the same promises.
"""

import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, get_args

import h5py
import numpy as np
import pytest
from tests import raw_trees

from seq2point.choices import RawLayout
from seq2point.data.table import load_recording
from seq2point.datasets.contract import MAINS, RawHouse, Selection, Source
from seq2point.datasets.conversion.house import ConversionConfig
from seq2point.datasets.conversion.jobs import convert_houses, plan_jobs
from seq2point.datasets.sources import NAMES, find_source
from seq2point.datasets.unreadable import UnreadableHouse
from seq2point.errors import DataError, Seq2PointError, UsageError
from seq2point.recording import Recording

HOUSES = ("2", "15")
BOTH = Selection(appliances=("fridge", "dishwasher"))
START = datetime(2014, 3, 29, 22, tzinfo=UTC)
UKDALE = {"mains": "aggregate", "fridge": "fridge_freezer"}
REDD = {"mains": "mains", "fridge": "refrigerator", "dishwasher": "dishwaser"}


def small_house(house: str) -> Recording:
    """Two hours at 8 s with a gap of ten minutes and one that only the fridge has."""
    rng = np.random.default_rng(int(house))
    watts = rng.integers(0, 3000, (3, 900)).astype(np.float32) / 2
    watts[:, 300:375] = np.nan
    watts[1, 500:520] = np.nan
    return Recording(
        house, 8.0, watts[0] + 100, {"fridge": watts[1], "dishwasher": watts[2]}, START
    )


def refit(folder: Path) -> Path:
    for house in HOUSES:
        raw_trees.write_refit(small_house(house), folder, house)
    return folder


def ukdale(folder: Path) -> Path:
    for house in HOUSES:
        raw_trees.write_channels(small_house(house), folder, UKDALE, house)
    return folder


def redd(folder: Path) -> Path:
    for house in HOUSES:
        raw_trees.write_channels(
            small_house(house), folder / "low_freq", REDD, house, legs=(0.5, 0.5)
        )
    return folder


def nilmtk(folder: Path) -> Path:
    return raw_trees.write_nilmtk({2: small_house("2"), 14: small_house("15")}, folder / "refit.h5")


def table(folder: Path) -> Path:
    for house in HOUSES:
        raw_trees.write_csv(
            small_house(house),
            folder / f"{house}.csv",
            {"mains": "aggregate", "fridge": "Fridge-Freezer"},
        )
    return folder


TREES: dict[str, Callable[[Path], Path]] = {
    tree.__name__: tree for tree in (refit, ukdale, redd, nilmtk, table)
}


def without_metadata(root: Path) -> None:
    with h5py.File(root, "a") as file:
        del file["building14"].attrs["metadata"]


BREAKS: dict[str, Callable[[Path], object]] = {
    "refit": lambda root: (root / "CLEAN_House15.csv").write_text(
        "appliance,room\nkettle,kitchen\n"
    ),
    "ukdale": lambda root: (root / "house_15" / "labels.dat").unlink(),
    "redd": lambda root: (root / "low_freq" / "house_15" / "channel_1.dat").unlink(),
    "nilmtk": without_metadata,
    "table": lambda root: (root / "15.csv").write_text("appliance,room\nkettle,kitchen\n"),
}
"""What makes house 15 of a tree one that cannot be opened."""


class Tree(NamedTuple):
    source: Source
    root: Path

    def houses(self, wanted: Selection | None = None) -> list[RawHouse]:
        return list(self.source.list_houses(self.root, wanted or BOTH))


@pytest.fixture(scope="module", params=NAMES)
def tree(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return Tree(
        find_source(request.param), TREES[request.param](tmp_path_factory.mktemp(request.param))
    )


def test_the_command_line_offers_exactly_these_sources():
    assert set(get_args(RawLayout)) == set(NAMES) == set(TREES)


def test_its_houses_come_in_order_with_the_mains_first_and_then_the_appliances_of_the_store(
    tree: Tree,
):
    houses = tree.houses()
    assert [house.house for house in houses] == list(HOUSES)
    assert all(house.columns == (MAINS, "fridge", "dishwasher") for house in houses)
    assert all(
        set(house.columns) == {name for meter in house.meters for name in meter.columns}
        for house in houses
    )


def test_a_house_can_be_sent_to_another_process_and_reads_the_same_there_and_again(tree: Tree):
    for house in tree.houses():
        there = pickle.loads(pickle.dumps(house))
        for meter, same in zip(house.meters, there.meters, strict=True):
            for piece, again, other in zip(meter.read(), meter.read(), same.read(), strict=True):
                np.testing.assert_array_equal(piece.times_s, again.times_s)
                np.testing.assert_array_equal(piece.watts, other.watts)


def test_its_pieces_are_times_in_seconds_and_watts_in_float32_and_take_as_many_bytes_as_the_meter(
    tree: Tree,
):
    for house in tree.houses():
        for meter in house.meters:
            pieces = list(meter.read())
            for piece in pieces:
                assert piece.times_s.dtype == np.float64
                assert (
                    START.timestamp()
                    <= piece.times_s.min()
                    <= piece.times_s.max()
                    < START.timestamp() + 7200
                )
                assert [w.dtype for w in piece.watts] == [np.float32] * len(meter.columns)
                assert all(len(w) == len(piece.times_s) for w in piece.watts)
            assert sum(piece.size for piece in pieces) == pytest.approx(meter.size, rel=0.05)
            assert meter.path in house.files


def test_what_was_written_in_its_layout_comes_back_gaps_included(tree: Tree, tmp_path: Path):
    settings = ConversionConfig(period_s=8, fill_s=0)
    jobs = plan_jobs(tree.source, tree.root, tmp_path, BOTH, settings)
    for job, made in zip(jobs, convert_houses(jobs, settings, tmp_path), strict=True):
        back, expected = load_recording(made.path), small_house(job.house.house)
        assert (back.house, back.period_s, back.start, back.jumps) == (
            expected.house,
            8.0,
            START,
            (),
        )
        assert list(back.appliances_w) == list(expected.appliances_w)
        for name in back.appliances_w:
            np.testing.assert_array_equal(back.appliance_w(name), expected.appliance_w(name))
        np.testing.assert_array_equal(back.mains_w, expected.mains_w)
        report = made.report
        assert report.rows_read == report.rows_kept > 0
        assert (report.samples, report.dropped, report.glitches) == (900, {}, {})
        assert report.gaps == {"mains": 75, "fridge": 95, "dishwasher": 75}
        assert report.periods_found_s == dict.fromkeys(("mains", "fridge", "dishwasher"), 8.0)


def test_one_house_is_taken_where_one_is_wanted_and_a_house_that_is_not_there_is_refused(
    tree: Tree,
):
    assert [house.house for house in tree.houses(Selection(houses=("15",)))] == ["15"]
    with pytest.raises(UsageError, match=r"no house '7' \(houses: 2, 15\)"):
        tree.houses(Selection(houses=("7",)))


@pytest.mark.parametrize("name", NAMES)
def test_a_house_that_cannot_be_opened_is_left_out_with_its_reason_and_refused_by_name(
    name: str, tmp_path: Path
):
    tree = Tree(find_source(name), TREES[name](tmp_path))
    BREAKS[name](tree.root)
    left_out: list[UnreadableHouse] = []
    (house,) = tree.source.list_houses(tree.root, BOTH, left_out.append)
    assert (house.house, ["15" in each.house for each in left_out]) == ("2", [True])
    with pytest.warns(UserWarning, match=r"15.* is left out: .*; choose others with `houses`"):
        assert len(tree.houses()) == 1
    assert len(tree.houses(replace(BOTH, houses=("2",)))) == 1
    with pytest.raises(DataError, match=f"^{re.escape(left_out[0].reason)}; .*`houses`"):
        tree.houses(replace(BOTH, houses=("2", "15")))


def test_appliances_are_taken_by_any_of_their_names_and_one_that_is_not_there_is_refused(
    tree: Tree,
):
    assert tree.houses(Selection(appliances=("Fridge Freezer",)))[0].columns == (MAINS, "fridge")
    with pytest.raises(
        DataError, match=r"no 'heat_pump' in any of these houses \(appliances: .*fridge"
    ):
        tree.houses(Selection(appliances=("heat pump",)))


def test_a_root_with_nothing_of_its_kind_is_refused_in_one_line_that_says_what_it_expects(
    tree: Tree, tmp_path: Path
):
    with pytest.raises(Seq2PointError, match=r"no such file|no houses here; expected a"):
        tree.source.list_houses(tmp_path, Selection())


def test_what_it_reads_does_not_depend_on_what_was_asked_before(tree: Tree):
    wanted = replace(BOTH, houses=("2",))
    assert [replace(house, meters=()) for house in tree.houses(wanted)] == [
        replace(tree.houses()[0], meters=())
    ]


def test_an_unknown_source_is_refused_with_the_list():
    with pytest.raises(
        UsageError, match="unknown layout 'dred': choose one of refit, ukdale, redd, nilmtk, table"
    ):
        find_source("dred")
