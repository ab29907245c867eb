"""Which homes are in what a user names."""

from pathlib import Path

import polars as pl
import pytest
from tests.fleet.conftest import Run, make_frame, write_home

from seq2point.errors import DataError, UsageError
from seq2point.fleet import list_homes


def names(pattern: Path | str, house: str | None = None) -> list[str]:
    return [home.house for home in list_homes(str(pattern), house)]


def test_a_folder_or_a_pattern_has_a_home_in_each_file(houses: Path):
    (houses / "notes.pdf").write_bytes(b"")
    (houses / "_SUCCESS").write_bytes(b"")
    assert names(houses) == names(houses / "*.parquet") == ["h0", "h1", "h2"]
    assert names(houses / "h1.parquet") == ["h1"]
    assert names(houses / "h[01].parquet") == ["h0", "h1"]


def test_where_the_pattern_names_the_file_its_folder_names_the_home(tmp_path: Path):
    for seed, home in enumerate(("oak", "elm")):
        write_home(tmp_path / home / "mains.parquet", seed)
    assert names(tmp_path / "*" / "mains.parquet") == ["elm", "oak"]


def test_two_homes_of_one_name_are_refused(tmp_path: Path):
    for seed, street in enumerate(("a", "b")):
        write_home(tmp_path / street / "1.parquet", seed)
    with pytest.raises(UsageError, match="both are home '1'; rename one"):
        names(tmp_path / "**" / "*.parquet")


def test_no_file_is_one_line_with_what_to_do(tmp_path: Path):
    with pytest.raises(DataError, match="no file of readings is there; name a folder"):
        names(tmp_path / "*.parquet")
    with pytest.raises(DataError, match="no file of readings is there"):
        names(tmp_path / "nowhere")


def write_partitions(root: Path) -> dict[str, int]:
    """Two homes in a file a day each; the name of one has a slash."""
    homes = {"12/A": 4, "7": 5}
    for name, seed in homes.items():
        frame = make_frame(seed).with_columns(pl.col("time").dt.date().alias("date"))
        for (date,), rows in frame.partition_by("date", as_dict=True).items():
            folder = root / f"house={name.replace('/', '%2F')}" / f"date={date}"
            folder.mkdir(parents=True)
            rows.drop("date").write_parquet(folder / "part-0.parquet")
    return homes


def test_partitions_are_a_home_each_whatever_their_files(tmp_path: Path, run: Run):
    homes = write_partitions(tmp_path / "hive")
    assert names(tmp_path / "hive") == sorted(homes)
    assert run(tmp_path / "hive").done == 2
    for name, seed in homes.items():
        write_home(tmp_path / "plain" / f"{name.replace('/', '-')}.parquet", seed)
    parted = run.read("energy").sort("house", "date", "name")
    run.out = tmp_path / "plain-out"
    run(tmp_path / "plain")
    plain = run.read("energy").with_columns(pl.col("house").cast(pl.String).str.replace("-", "/"))
    assert parted.with_columns(pl.col("house").cast(pl.String)).equals(
        plain.sort("house", "date", "name")
    )


def test_a_new_day_of_one_home_changes_that_home_alone(tmp_path: Path, run: Run):
    write_partitions(tmp_path / "hive")
    run(tmp_path / "hive")
    days = sorted((tmp_path / "hive" / "house=7").iterdir())
    days[-1].rename(tmp_path / "last day")
    run(tmp_path / "hive")
    assert run.worked == ["7"]
    assert run.read("energy").filter(pl.col("house").cast(pl.String) == "7")["date"].n_unique() == 1


def test_a_table_with_a_column_of_homes_has_one_for_each_value(tmp_path: Path, run: Run):
    frames = {seed: make_frame(seed) for seed in (1, 2, 3)}
    table = pl.concat(
        [frame.with_columns(pl.lit(seed).alias("house")) for seed, frame in frames.items()]
    )
    table.write_parquet(tmp_path / "all.parquet", row_group_size=2000)
    assert names(tmp_path / "all.parquet") == ["1", "2", "3"]
    assert run(tmp_path / "all.parquet").done == 3
    energy = run.read("energy")
    run.out = tmp_path / "each"
    for seed in frames:
        write_home(tmp_path / "homes" / f"{seed}.parquet", seed)
    run(tmp_path / "homes")
    order = ["house", "date", "name"]
    assert energy.sort(order).equals(run.read("energy").sort(order))


def test_rows_that_are_added_for_one_home_leave_the_others_as_they_are(tmp_path: Path, run: Run):
    tables = [make_frame(seed).with_columns(pl.lit(f"h{seed}").alias("meter")) for seed in (1, 2)]
    pl.concat(tables).write_parquet(tmp_path / "all.parquet")
    run(tmp_path / "all.parquet", house="meter")
    more = make_frame(2, 3000).with_columns(pl.lit("h2").alias("meter"))
    pl.concat([tables[0], more]).write_parquet(tmp_path / "all.parquet")
    run(tmp_path / "all.parquet", house="meter")
    assert run.worked == ["h2"]


def test_a_column_that_is_not_there_is_refused(houses: Path):
    with pytest.raises(
        UsageError, match=r"neither a partition meter=\.\.\. in its path nor a column 'meter'"
    ):
        names(houses, "meter")


def test_files_of_one_home_that_disagree_set_it_aside(tmp_path: Path, run: Run):
    write_partitions(tmp_path / "hive")
    day = next((tmp_path / "hive" / "house=7").iterdir()) / "part-0.parquet"
    pl.read_parquet(day).rename({"mains": "power"}).write_parquet(day)
    result = run(tmp_path / "hive")
    assert result.done == 1
    assert "a home's files must agree" in result.set_aside[0].reason
