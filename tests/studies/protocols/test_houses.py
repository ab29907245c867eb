"""The recordings of a protocol are found, cut and clipped; what is missing is told with how to make
it.
"""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from seq2point.data.parquet_file import write_recording
from seq2point.errors import DataError
from seq2point.recording import Recording
from seq2point.studies.protocols import houses as module
from seq2point.studies.protocols.houses import (
    Recordings,
    describe_stretches,
    describe_traces,
    find_files,
    load_stretch,
    load_traces,
    require_distinct_files,
    require_houses,
)
from seq2point.studies.protocols.library import NamedProtocol
from seq2point.studies.protocols.protocol_file import House, Protocol, Pruning
from seq2point.studies.protocols.steps import ProtocolSteps

Small = Callable[..., NamedProtocol]


def joined(recordings: list[Recording]) -> np.ndarray:
    return np.concatenate([r.mains_w for r in recordings])


def test_a_house_in_several_files_is_read_in_order_and_its_blocks_are_of_all_of_them(
    small: Small, data: Path, houses: dict[str, Recording]
):
    p, whole = small().protocol, houses["2"].mains_w
    kettle = p.appliance("kettle")
    blocks = [
        load_stretch(p, House(house="2", block=block), kettle, data)
        for block in ((0.0, 0.5), (0.5, 1.0))
    ]
    assert [len(block) for block in blocks] == [2, 1]
    np.testing.assert_array_equal(np.concatenate([joined(block) for block in blocks]), whole)
    assert blocks[0][0].appliances_w.keys() == {"kettle"}


def test_a_span_of_time_is_from_its_start_until_before_its_end(
    small: Small, data: Path, houses: dict[str, Recording]
):
    p, start = small().protocol, datetime(2013, 3, 31, 2, tzinfo=UTC)
    span = House(house="2", start=start, end=start + timedelta(hours=2))
    one, other = load_stretch(p, span, p.appliance("kettle"), data)
    assert one.start == start
    np.testing.assert_array_equal(joined([one, other]), houses["2"].mains_w[1200:2400])
    until = load_stretch(p, House(house="1", end=start), p.appliance("kettle"), data)
    np.testing.assert_array_equal(joined(until), houses["1"].mains_w[:1200])


def test_readings_are_clipped_in_training_and_test_alike(
    small: Small, data: Path, houses: dict[str, Recording]
):
    p = small(
        texts={
            "[houses]": '[clipping]\nmains_w = 100\nappliance_w = "table"\nbelow_w = 5\n\n[houses]'
        }
    ).protocol
    recordings = Recordings(p, p.appliance("fridge"), data, 0.2)
    for recording in (*recordings.train, *recordings.validation, *recordings.test):
        assert recording.mains_w.max() == 100
        assert not (
            (recording.appliance_w("fridge") > 0) & (recording.appliance_w("fridge") < 5)
        ).any()
    assert houses["5"].mains_w.max() > 100


def test_where_no_house_validates_the_end_of_each_training_house_does_and_is_tested_on(
    small: Small, data: Path
):
    p = small(
        texts={
            "validation = [{ house = 2, block = [0.5, 1.0] }]\ntest = [5]": "",
            ", { house = 2, block = [0.0, 0.5] }": "",
        }
    )
    recordings = Recordings(p.protocol, p.protocol.appliance("kettle"), data, 0.2)
    assert [len(r) for r in recordings.validation] == [1152]
    assert [len(r) for r in recordings.train] == [5760 - 1152 - 31]
    assert recordings.test is recordings.validation


def test_missing_houses_are_told_with_what_lacks_them_and_the_command_that_makes_them(
    small: Small, data: Path, tmp_path: Path
):
    require_houses(small().protocol, ["kettle", "fridge"], data)
    shutil.copy(data / "ukdale_house1_6s.parquet", tmp_path)
    p = small(
        texts={
            "test = [5]": 'test = [5, 12, { dataset = "refit", house = 20 }, { file = "home.csv" }]'
        }
    ).protocol
    with pytest.raises(DataError) as refused:
        require_houses(p, ["kettle", "fridge"], tmp_path)
    assert (
        str(refused.value)
        == f"{tmp_path}: lacks home.csv (fridge, kettle); refit_house20_6s.parquet (fridge,"
        " kettle); ukdale_house12_6s.parquet (fridge, kettle); ukdale_house2_6s.parquet"
        " (fridge, kettle); ukdale_house5_6s.parquet (fridge, kettle); make them with:"
        f" seq2point convert refit ROOT -o {tmp_path} --houses 20 --period 6s, then seq2point"
        f" convert ukdale ROOT -o {tmp_path} --houses 2,5,12 --period 6s"
    )


def test_a_house_without_the_appliance_is_told_before_any_is_read(
    small: Small, data: Path, houses: dict[str, Recording], tmp_path: Path
):
    for path in data.iterdir():
        shutil.copy(path, tmp_path)
    bare = replace(houses["5"], appliances_w={"kettle": houses["5"].appliance_w("kettle")})
    write_recording(bare, tmp_path / "ukdale_house5_6s.parquet")
    require_houses(small().protocol, ["kettle"], tmp_path)
    with pytest.raises(
        DataError,
        match=(
            r"no column for the appliance in ukdale_house5_6s\.parquet \(fridge\); choose others"
            r" with"
        ),
    ):
        require_houses(small().protocol, ["kettle", "fridge"], tmp_path)


def test_a_training_house_is_no_test_house_under_another_name(small: Small, data: Path):
    require_distinct_files(small().protocol, "kettle", data)
    p = small(
        texts={"test = [5]": f'test = [5, {{ file = "{data}/ukdale_house1_6s.parquet" }}]'}
    ).protocol
    with pytest.raises(
        DataError, match=r"ukdale_house1_6s\.parquet: is house 1 \(train\) and .* \(test\) at once"
    ):
        require_distinct_files(p, "kettle", data)


def test_what_cannot_be_cut_as_asked_is_refused(
    small: Small, houses: dict[str, Recording], tmp_path: Path
):
    p = small().protocol
    kettle = p.appliance("kettle")
    write_recording(houses["1"], tmp_path / "ukdale_house1_6s.parquet", nominal_time="true")
    write_recording(replace(houses["1"], period_s=8.0), tmp_path / "ukdale_house2_6s.parquet")
    bare = replace(houses["5"], appliances_w={"fridge": houses["5"].appliance_w("fridge")})
    write_recording(bare, tmp_path / "ukdale_house5_6s.parquet")
    year = datetime(2014, 1, 1, tzinfo=UTC)
    for house, says in (
        (
            House(house="1", start=year),
            "its times are not real, so no span of dates can be cut from it; name a block instead",
        ),
        (House(house="2"), "a reading every 8 s, the protocol's period is 6 s"),
        (House(house="5"), "no column for 'kettle'"),
        (House(house="5", start=year), "house 5 from 2014-01-01 holds no reading"),
    ):
        with pytest.raises(DataError, match=says):
            load_stretch(p, house, p.appliance("fridge") if "holds" in says else kettle, tmp_path)


def test_what_decides_the_readings_is_the_files_hash_and_the_cut_not_the_name(
    small: Small, data: Path, tmp_path: Path
):
    p = small().protocol
    one = House(house="1", block=(0.0, 0.5))
    shutil.copy(data / "ukdale_house1_6s.parquet", tmp_path / "home.parquet")
    same = House(file="home.parquet", block=(0.0, 0.5))
    assert describe_stretches(p, [one], data) == describe_stretches(p, [same], tmp_path)
    assert describe_stretches(p, [one], data) != describe_stretches(p, [House(house="1")], data)
    assert len(describe_stretches(p, [House(house="2")], data)[0]["files"]) == 2
    before = module.hash_file(tmp_path / "home.parquet")
    (tmp_path / "home.parquet").write_bytes(b"other")
    assert module.hash_file(tmp_path / "home.parquet") != before
    assert find_files(p, House(house="9"), data) == []


def test_a_house_with_a_shorter_period_alone_is_resampled(
    small: Small, data: Path, tmp_path: Path, houses: dict[str, Recording]
):
    p = small(texts={"period_s = 6": "period_s = 24"}).protocol
    (coarse,) = load_stretch(p, House(house="1"), p.appliance("kettle"), data)
    assert coarse.period_s == 24
    assert len(coarse) == pytest.approx(len(houses["1"]) / 4, abs=1)
    for of in (lambda r: r.mains_w, lambda r: r.appliance_w("kettle")):
        assert of(coarse).mean() == pytest.approx(of(houses["1"]).mean(), rel=0.02)
    for period_s in (6, 12, 30):
        write_recording(houses["1"], tmp_path / f"ukdale_house1_{period_s}s.parquet")
    assert [path.name for path in find_files(p, House(house="1"), tmp_path)] == [
        "ukdale_house1_12s.parquet"
    ]
    finer = small(texts={"period_s = 6": "period_s = 3"}).protocol
    assert find_files(finer, House(house="1"), data) == []


@pytest.fixture
def traced(small: Small, data: Path, tmp_path: Path) -> tuple[Callable[[str], Protocol], Path]:
    """Protocols of the small one's houses, with traces of uses whose house is 5 or unknown and with
    a plug of house 1; and their folder.
    """
    folder = tmp_path / "data"
    shutil.copytree(data, folder)
    uses = pl.DataFrame(
        {
            "appliance": ["kettle"] * 8,
            "device": ["mine"] * 4 + ["another"] * 4,
            "trace": [0] * 4 + [1] * 4,
            "refit_house": [5] * 4 + [-1] * 4,
            "t_s": [0, 2, 4, 6] * 2,
            "power": [0.0, 2000.0, 2000.0, 0.0, 0.0, 1800.0, 1800.0, 0.0],
        }
    )
    uses.write_parquet(folder / "uses.parquet")
    start = datetime(2020, 1, 1, tzinfo=UTC)
    times = [start + timedelta(seconds=6 * i) for i in range(4)]
    plug = pl.DataFrame({"time": times, "television": [90.0, 91.0, 90.0, 90.0]})
    plug.write_parquet(folder / "ukdale_house1_other.parquet")

    def make(test: str) -> Protocol:
        return small(
            texts={
                "window = 31": (
                    'window = 31\ntraces = ["uses.parquet", "ukdale_house1_other.parquet"]'
                ),
                "test = [5]": f"test = [{test}]",
            }
        ).protocol

    return make, folder


@pytest.mark.parametrize(
    ("test", "kept"),
    [
        ("5", ["mine", "another", "ukdale_house1_other"]),
        ('{ house = 5, dataset = "refit" }', ["ukdale_house1_other"]),
        ('{ house = 9, dataset = "refit" }', ["mine", "ukdale_house1_other"]),
    ],
)
def test_traces_that_may_be_of_a_house_that_judges_are_left_out(
    traced: tuple[Callable[[str], Protocol], Path], test: str, kept: list[str]
):
    make, folder = traced
    assert [trace.device for trace in load_traces(make(test), "kettle", folder)] == kept


def test_networks_are_told_apart_by_the_traces_that_they_learn_from(
    traced: tuple[Callable[[str], Protocol], Path],
):
    make, folder = traced

    def key(test: str) -> str:
        return ProtocolSteps(make(test), "small.toml", folder).plan_network("kettle", 0).key

    own, refit = key("5"), '{ house = %s, dataset = "refit" }'
    assert own != key(refit % 5) != key(refit % 9) != own
    assert key(refit % 9) == key(refit % 10)


@pytest.mark.parametrize(
    ("training", "while_pruned", "read"),
    [
        ({}, {}, 3),
        ({"traced": 0}, {}, 3),
        ({"distractors_per_day": 0.0}, {}, 3),
        ({"traced": 0, "distractors_per_day": 0.0}, {}, 0),
        ({"traced": 0, "distractors_per_day": 0.0}, {"traced": 0.2}, 3),
    ],
)
def test_traces_are_read_where_a_training_takes_a_share_of_them(
    traced: tuple[Callable[[str], Protocol], Path],
    training: dict[str, float],
    while_pruned: dict[str, float],
    read: int,
):
    make, folder = traced
    pruning = Pruning(method="magnitude", training=while_pruned)
    protocol = make("5").model_copy(update={"training": training, "pruning": pruning})
    assert len(load_traces(protocol, "kettle", folder)) == read
    assert len(describe_traces(protocol, "kettle", folder)) == read
