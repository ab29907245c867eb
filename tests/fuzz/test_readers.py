"""Whatever is done to a file, it is read or refused in one line: no other exception, no crash, no
hang, no pickle executed.

`make fuzz` tries many more examples, others each time.
"""

import json
import os
import pickle
import selectors
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.damage import damaged, damaged_json, reshaped
from tests.fuzz.examples import try_examples
from tests.fuzz.kinds import KINDS

LONGEST_S = 60.0
fuzz = try_examples(20)


class Worker:
    """The process that reads, begun anew after a crash or a hang."""

    def __init__(self, log: Path):
        self.log, self.process = log, None

    def outcome(self, kind: str, folder: Path) -> tuple[str, str]:
        """What reading came to: `read`, `refused`, `escaped`, `crashed` or `hung`, and what was
        said.
        """
        process = self.process or self._begun()
        process.stdin.write(json.dumps([kind, str(folder)]) + "\n")
        process.stdin.flush()
        with selectors.DefaultSelector() as waiting:
            waiting.register(process.stdout, selectors.EVENT_READ)
            line = process.stdout.readline() if waiting.select(LONGEST_S) else None
        if line:
            return tuple(json.loads(line))
        self.end()
        return ("hung", "") if line is None else ("crashed", self.log.read_text()[-2000:])

    def _begun(self) -> subprocess.Popen[str]:
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.fuzz.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=Path(__file__).parents[2],
                env=os.environ | {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"},
            )
        return self.process

    def end(self) -> None:
        if self.process:
            self.process.kill()
            self.process.communicate()
        self.process = None


@pytest.fixture(scope="session")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    worker = Worker(tmp_path_factory.mktemp("log") / "worker.log")
    yield worker
    worker.end()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder with a valid small file, by kind, made when it is first asked for."""

    class Folders(dict[str, Path]):
        def __missing__(self, kind: str) -> Path:
            folder = tmp_path_factory.mktemp("valid") / "files"
            folder.mkdir()
            KINDS[kind].make(folder)
            self[kind] = folder
            return folder

    return Folders()


def copied(valid: Path, tmp_path: Path) -> Path:
    for name in ("files", "converted"):
        shutil.rmtree(tmp_path / name, ignore_errors=True)
    shutil.copytree(valid, tmp_path / "files")
    return tmp_path / "files"


def require_read_or_refused(said: tuple[str, str]) -> None:
    outcome, text = said
    assert outcome in ("read", "refused"), f"{outcome}: {text}"
    assert len(text.splitlines()) <= 1
    assert len(text) < 3000


@pytest.mark.parametrize("kind", KINDS)
def test_a_valid_file_is_read(kind: str, worker: Worker, made: dict[str, Path], tmp_path: Path):
    assert worker.outcome(kind, copied(made[kind], tmp_path)) == ("read", "")


@pytest.mark.parametrize("kind", KINDS)
@fuzz
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(
    kind: str, worker: Worker, made: dict[str, Path], tmp_path: Path, data: st.DataObject
):
    name = data.draw(st.sampled_from(KINDS[kind].files))
    whole = (made[kind] / name).read_bytes()
    text = data.draw(damaged_json(whole) if name.endswith(".json") else damaged(whole))
    folder = copied(made[kind], tmp_path)
    (folder / name).write_bytes(text)
    require_read_or_refused(worker.outcome(kind, folder))


class Touch:
    """A pickle that would leave a file behind."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def written_metadata(folder: Path, group: str, attribute: str, value: bytes) -> None:
    with h5py.File(folder / "nilmtk.h5", "a") as file:
        file[group].attrs[attribute] = np.void(value) if b"\0" in value[-1:] else np.bytes_(value)


PICKLED = (
    ("/", "metadata"),
    ("building1", "metadata"),
    ("building1/elec/meter1/table", "values_block_0_kind"),
)


@pytest.mark.parametrize(("group", "attribute"), PICKLED)
@fuzz
@given(data=st.data())
def test_crafted_metadata_of_hdf5_is_read_or_refused_and_never_executed(
    group: str,
    attribute: str,
    worker: Worker,
    made: dict[str, Path],
    tmp_path: Path,
    data: st.DataObject,
):
    folder, marker = copied(made["hdf5"], tmp_path), tmp_path / "executed"
    with h5py.File(folder / "nilmtk.h5") as file:
        whole = pickle.loads(file[group].attrs[attribute])
    about = data.draw(
        st.just(Touch(marker))
        | reshaped(whole)
        | reshaped(whole).map(lambda part: [part, Touch(marker)])
    )
    protocol = data.draw(st.integers(0, 5))
    text = pickle.dumps(about, protocol)
    written_metadata(folder, group, attribute, data.draw(st.just(text) | damaged(text)))
    require_read_or_refused(worker.outcome("hdf5", folder))
    assert not marker.exists()


TIME_TYPES = [
    pa.timestamp(unit, zone)
    for unit in ("s", "ms", "us", "ns")
    for zone in (None, "UTC", "Europe/London")
]
TIME_TYPES += [
    pa.int64(),
    pa.uint64(),
    pa.date64(),
    pa.time64("us"),
    pa.duration("s"),
    pa.decimal128(30, 2),
]
whole_numbers = (
    st.integers(-(2**63), 2**63 - 1)
    | st.integers(0, 2 * 10**9)
    | st.sampled_from([-(2**63), 2**63 - 1, 0])
)


@fuzz
@given(
    times=st.lists(whole_numbers, min_size=3, max_size=6),
    kind=st.sampled_from(TIME_TYPES),
    ascending=st.booleans(),
)
def test_parquet_with_any_times_is_read_or_refused(
    times: list[int], kind: pa.DataType, ascending: bool, worker: Worker, tmp_path: Path
):
    folder = tmp_path / "files"
    folder.mkdir(exist_ok=True)
    try:
        column = pa.array(sorted(times) if ascending else times, pa.int64()).cast(kind, safe=False)
        pq.write_table(
            pa.table({"time": column, "mains": [100.0] * len(times)}), folder / "home.parquet"
        )
    except (
        pa.ArrowException
    ):  # Parquet has no seconds: what is too large for milliseconds cannot be written
        return
    require_read_or_refused(worker.outcome("parquet", folder))


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 100_000, "a." * 50_000 + "b = 1", "a = " + "9" * 5000]
)
def test_toml_that_tomllib_gives_up_on_is_refused(text: str, worker: Worker, tmp_path: Path):
    (tmp_path / "own.toml").write_text(text)
    assert worker.outcome("protocol", tmp_path)[0] == "refused"
