"""Homes and results at s3://, on a server of S3 in this process."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import polars as pl
import pytest
from tests.fleet.conftest import Run, make_frame

from seq2point.errors import DataError, UsageError
from seq2point.fleet import list_homes
from seq2point.fleet.storage import OutputError


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty bucket; yields the file system of it."""
    server = pytest.importorskip("moto.server")
    s3fs = pytest.importorskip("s3fs")
    running = server.ThreadedMotoServer(port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    urlopen(Request(f"http://{host}:{port}/moto-api/reset", method="POST")).close()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    store = s3fs.S3FileSystem()
    store.mkdir("homes")
    yield store
    s3fs.S3FileSystem.clear_instance_cache()
    running.stop()


def upload(store: Any, folder: Path, to: str) -> None:
    for path in sorted(folder.rglob("*.parquet")):
        store.put_file(str(path), f"{to}/{path.relative_to(folder)}")


def read_bytes(store: Any, below: str) -> dict[str, bytes]:
    return {name.removeprefix(below): store.cat_file(name) for name in store.find(below)}


def test_homes_at_a_store_give_what_they_give_here(
    bucket: Any, houses: Path, run: Run, tmp_path: Path
):
    upload(bucket, houses, "homes/in")
    run(houses)
    here = {
        f"/{path.relative_to(run.out)}": path.read_bytes()
        for path in Path(run.out).rglob("*.parquet")
    }
    run.out = "s3://homes/out"
    result = run("s3://homes/in/*.parquet", state=tmp_path / "state")
    assert result.done == 3
    assert read_bytes(bucket, "homes/out") == here
    result = run("s3://homes/in", state=tmp_path / "state")
    assert (result.unchanged, run.worked) == (3, [])
    result = run("s3://homes/in", state=tmp_path / "another machine")
    assert (result.unchanged, run.worked) == (3, [])


def test_a_home_that_changes_at_a_store_is_worked_on_again(
    bucket: Any, houses: Path, run: Run, tmp_path: Path
):
    upload(bucket, houses, "homes/in")
    run.out = "s3://homes/out"
    run("s3://homes/in/*", state=tmp_path / "state")
    bucket.pipe_file("homes/in/h1.parquet", b"PAR1")
    bucket.rm_file("homes/out/power/house=h2/power.parquet")
    result = run("s3://homes/in/*", state=tmp_path / "state")
    assert run.worked == ["h1", "h2"]
    (bad,) = result.set_aside
    assert bad.reason.startswith("s3://homes/in/h1.parquet: ")
    assert "seq2point-" not in bad.reason
    assert not [name for name in bucket.find("homes/out") if "house=h1" in name]


def test_partitions_and_tables_at_a_store_are_read_there(bucket: Any, run: Run, tmp_path: Path):
    frames = [make_frame(seed).with_columns(pl.lit(f"h{seed}").alias("house")) for seed in (1, 2)]
    pl.concat(frames).write_parquet(tmp_path / "all.parquet", row_group_size=1000)
    bucket.put_file(str(tmp_path / "all.parquet"), "homes/all.parquet")
    for frame in frames:
        name = frame["house"][0]
        for part, rows in enumerate((frame[:1000], frame[1000:])):
            rows.drop("house").write_parquet(tmp_path / "part.parquet")
            bucket.put_file(
                str(tmp_path / "part.parquet"), f"homes/hive/house={name}/{part}.parquet"
            )
    run.out = tmp_path / "table"
    assert run("s3://homes/all.parquet").done == 2
    table = run.read("energy")
    run.out = tmp_path / "hive"
    assert run("s3://homes/hive").done == 2
    order = ["house", "date", "name"]
    assert run.read("energy").sort(order).equals(table.sort(order))


def test_what_is_not_at_a_store_is_one_line(bucket: Any, houses: Path, run: Run, tmp_path: Path):
    with pytest.raises(DataError, match=r"s3://homes/no\*: no file of readings is there"):
        list_homes("s3://homes/no*")
    with pytest.raises(DataError, match=r"s3://nowhere/x\.parquet: no such file or bucket"):
        list_homes("s3://nowhere/x.parquet")
    run.out = "s3://nowhere/out"
    with pytest.raises(OutputError, match=r"s3://nowhere/out/energy.*cannot be written"):
        run(houses, state=tmp_path / "state")


def test_an_unknown_kind_of_address_is_refused():
    with pytest.raises(UsageError, match="ftq://here/x: unknown kind of address 'ftq://'"):
        list_homes("ftq://here/x")
