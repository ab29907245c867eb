"""Many houses: what is up to date is left alone, what failed or was killed is made anew to the same
bytes, in any processes.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from tests import raw_trees

from seq2point.data.parquet_file import read_metadata
from seq2point.datasets.contract import Selection
from seq2point.datasets.conversion.house import ConversionConfig
from seq2point.datasets.conversion.jobs import (
    ConversionJob,
    ConvertedHouse,
    convert_houses,
    plan_jobs,
)
from seq2point.datasets.sources import find_source
from seq2point.errors import DataError, UsageError
from seq2point.recording import Recording

HOUSES = ("2", "15", "20")


@pytest.fixture
def root(tmp_path: Path, make_recording: Callable[..., Recording]) -> Path:
    rng = np.random.default_rng(3)
    for house in HOUSES:
        raw_trees.write_refit(
            make_recording(rng.integers(50, 3000, 500), period_s=8.0), tmp_path / "raw", house
        )
    return tmp_path / "raw"


def converted(
    root: Path, out: Path, jobs: int = 1, wanted: Selection | None = None, **settings: float
) -> list[ConvertedHouse]:
    chosen = ConversionConfig(**settings)
    return convert_houses(
        plan_jobs(find_source("refit"), root, out, wanted or Selection(), chosen), chosen, out, jobs
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.parquet")}


def test_the_file_of_a_house_says_where_it_comes_from(root: Path, tmp_path: Path):
    first, *_ = converted(root, tmp_path / "out")
    assert first.path == tmp_path / "out" / "refit_house2_8s.parquet"
    facts = read_metadata(first.path)
    channels = facts.pop("channels")
    assert facts == {
        "dataset": "REFIT",
        "house": "2",
        "period_s": "8",
        "unit": "W",
        "licence": "CC BY 4.0",
        "carrier": "CLEAN_House2.csv",
        "nominal_time": "false",
        "fill_s": "30",
    }
    assert '"kettle": "Appliance8 \'Kettle\'"' in channels
    assert pq.read_schema(first.path).names == [
        "time",
        "mains",
        "kettle",
        "fridge",
        "dishwasher",
        "washing_machine",
        "microwave",
    ]


def test_a_second_run_touches_nothing_and_says_the_same(root: Path, tmp_path: Path):
    first = converted(root, tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    second = converted(root, tmp_path / "out")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == before
    assert [each.unchanged for each in first] == [False] * 3
    assert [each.unchanged for each in second] == [True] * 3
    assert [each.report for each in second] == [each.report for each in first]


CHANGES: dict[str, Callable[[Path, Path], object]] = {
    "a source that has changed": lambda root, _: os.utime(root / "CLEAN_House15.csv"),
    "a file that is gone": lambda _, out: (out / "refit_house15_8s.parquet").unlink(),
    "a file that was written over": (
        lambda _, out: (out / "refit_house15_8s.parquet").write_bytes(b"PAR1")
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_only_what_has_changed_is_made_anew_and_to_the_same_bytes(
    root: Path, tmp_path: Path, name: str
):
    out = tmp_path / "out"
    converted(root, out)
    before = contents(out)
    CHANGES[name](root, out)
    assert [each.unchanged for each in converted(root, out)] == [True, False, True]
    assert contents(out) == before


@pytest.mark.parametrize("other", [{"fill_s": 0.0}, {"plug_limit_w": 100.0}])
def test_other_settings_make_everything_anew(root: Path, tmp_path: Path, other: dict[str, float]):
    converted(root, tmp_path / "out")
    assert not any(each.unchanged for each in converted(root, tmp_path / "out", **other))
    assert not any(
        each.unchanged
        for each in converted(root, tmp_path / "out", wanted=Selection(appliances=("kettle",)))
    )


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"format": 1, "houses": []}',
        b'{"format": 1, "houses": {"refit_house2_8s.parquet": {}}}',
        b'{"format": 2, "houses": {}}',
    ],
)
def test_a_damaged_manifest_costs_a_conversion_and_no_more(
    root: Path, tmp_path: Path, damage: bytes
):
    converted(root, tmp_path / "out")
    (tmp_path / "out" / "conversion.json").write_bytes(damage)
    assert not any(each.unchanged for each in converted(root, tmp_path / "out"))
    assert all(each.unchanged for each in converted(root, tmp_path / "out"))


def test_several_processes_make_the_same_bytes_as_one_and_a_house_that_fails_stops_no_other(
    root: Path, tmp_path: Path
):
    converted(root, tmp_path / "one")
    with (root / "CLEAN_House15.csv").open("w") as file:
        file.write("Time,Unix,Aggregate,Appliance1,Appliance3,Appliance4,Appliance7\n")
    for out, jobs in ((tmp_path / "two", 2), (tmp_path / "alone", 1)):
        with pytest.raises(
            DataError,
            match=(
                r"1 of 3 houses could not be converted: house 15: .*no reading of the mains at all"
            ),
        ):
            converted(root, out, jobs)
        assert contents(out) == {
            k: v for k, v in contents(tmp_path / "one").items() if "15" not in k
        }


def test_a_house_whose_period_cannot_be_told_is_left_out_and_where_none_can_the_first_is_refused(
    tmp_path: Path,
):
    homes = tmp_path / "homes"
    homes.mkdir()
    for name in ("one", "two"):
        (homes / f"{name}.csv").write_text("time,mains\n0,100\n")

    def plan() -> list[ConversionJob]:
        return plan_jobs(find_source("table"), homes, tmp_path, Selection(), ConversionConfig())

    with pytest.raises(
        DataError, match=r"one\.csv: too few readings .* none of the 2 `houses` can"
    ):
        plan()
    (homes / "good.csv").write_text("time,mains\n0,100\n60,100\n")
    with pytest.warns(UserWarning, match=r"is left out: .*: too few readings") as warned:
        (job,) = plan()
    assert (job.house.house, len(warned)) == ("good", 2)


def test_houses_that_would_be_one_file_or_their_own_source_are_refused(root: Path, tmp_path: Path):
    made, *_ = converted(root, tmp_path / "out")
    with pytest.raises(UsageError, match="would overwrite its own source"):
        plan_jobs(
            find_source("table"), made.path, tmp_path / "out", Selection(), ConversionConfig()
        )
    twice = made.path.with_name("again").joinpath("refit_house2_8s.csv")
    twice.parent.mkdir()
    for name in ("refit_house2_8s.csv", "refit_house2.csv"):
        twice.with_name(name).write_text(
            "time,mains\n" + "".join(f"{i * 8},100\n" for i in range(20))
        )
    with pytest.raises(UsageError, match="two houses would be this one file"):
        plan_jobs(
            find_source("table"), twice.parent, tmp_path / "out", Selection(), ConversionConfig()
        )


def test_two_tables_of_one_stem_are_two_houses(tmp_path: Path):
    homes = tmp_path / "homes"
    homes.mkdir()
    (homes / "home.csv").write_text("time,mains\n0,100\n60,100\n")
    pl.DataFrame({"time": [0, 60], "mains": [5, 6]}).write_parquet(homes / "home.parquet")

    def list_files(*houses: str) -> list[str]:
        jobs = plan_jobs(
            find_source("table"), homes, tmp_path, Selection(houses=houses), ConversionConfig()
        )
        return [job.house.files[0].name for job in jobs]

    assert list_files("home.csv") == ["home.csv"]
    assert list_files() == ["home.csv", "home.parquet"]


def test_a_conversion_that_was_killed_leaves_no_half_file_and_the_next_makes_the_same_bytes(
    root: Path, tmp_path: Path
):
    out = tmp_path / "out"
    converted(root, tmp_path / "whole")
    code = f"""
import time
from pathlib import Path
from seq2point.data import parquet_file
from seq2point.datasets.contract import Selection
from seq2point.datasets.conversion.house import ConversionConfig
from seq2point.datasets.conversion.jobs import convert_houses, plan_jobs
from seq2point.datasets.sources import find_source
parquet_file.Writer.write = lambda *_: time.sleep(60)
out, settings = Path({str(out)!r}), ConversionConfig()
jobs = plan_jobs(find_source("refit"), Path({str(root)!r}), out, Selection(), settings)
convert_houses(jobs, settings, out)
"""
    process = subprocess.Popen([sys.executable, "-c", code], env=os.environ)
    while not (out.exists() and list(out.iterdir())):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (part,) = out.iterdir()
    assert part.name.startswith(".refit_house2_8s.")
    assert part.name.endswith(".part.parquet")
    converted(root, out)
    assert {path.name for path in out.iterdir()} == {
        *contents(tmp_path / "whole"),
        "conversion.json",
    }
    assert contents(out) == contents(tmp_path / "whole")


def test_the_half_file_of_a_conversion_that_still_runs_is_left_to_it(root: Path, tmp_path: Path):
    mine = tmp_path / "out" / f".refit_house2_8s.{os.getppid()}.part.parquet"
    mine.parent.mkdir()
    mine.touch()
    converted(root, tmp_path / "out")
    assert mine.exists()


def test_progress_adds_up_to_the_bytes_of_all_houses(root: Path, tmp_path: Path):
    jobs = plan_jobs(find_source("refit"), root, tmp_path, Selection(), ConversionConfig())
    for _ in range(2):
        sizes: list[int] = []
        convert_houses(jobs, ConversionConfig(), tmp_path, advance=sizes.append)
        assert sum(sizes) == pytest.approx(
            sum((root / f"CLEAN_House{house}.csv").stat().st_size for house in HOUSES), rel=0.01
        )
