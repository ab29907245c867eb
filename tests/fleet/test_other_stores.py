"""Homes and results at other stores of fsspec: in memory, and at gs:// on an emulator here."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fleet.conftest import Run, list_bytes
from tests.fleet.test_stores import read_bytes, upload


@pytest.fixture
def memory() -> Iterator[tuple[str, Any]]:
    fsspec = pytest.importorskip("fsspec")
    store = fsspec.filesystem("memory")
    store.mkdirs("homes", exist_ok=True)
    yield "memory", store
    store.rm("/homes", recursive=True)


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Any]]:
    gcsfs = pytest.importorskip("gcsfs")
    emulator = pytest.importorskip("gcp_storage_emulator.server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = emulator.create_server("127.0.0.1", port, in_memory=True, default_bucket="homes")
    server.start()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
    gcsfs.GCSFileSystem.clear_instance_cache()
    yield "gs", gcsfs.GCSFileSystem()
    gcsfs.GCSFileSystem.clear_instance_cache()
    server.stop()


@pytest.mark.filterwarnings("ignore")  # those of gcsfs and the emulator
@pytest.mark.parametrize("kind", ["memory", "google"])
def test_homes_at_a_store_give_what_they_give_here(
    kind: str, request: pytest.FixtureRequest, houses: Path, run: Run, tmp_path: Path
):
    protocol, store = request.getfixturevalue(kind)
    upload(store, houses, "homes/in")
    run(houses)
    here = list_bytes(Path(run.out))
    run.out = f"{protocol}://homes/out"
    assert run(f"{protocol}://homes/in/*.parquet", state=tmp_path / "state").done == 3
    there = read_bytes(store, "homes/out")
    names = {name: name.removeprefix("/homes/out").lstrip("/") for name in there}
    assert {names[name]: data for name, data in there.items()} == here
    result = run(f"{protocol}://homes/in", state=tmp_path / "state")
    assert (result.unchanged, run.worked) == (3, [])
    result = run(f"{protocol}://homes/in", state=tmp_path / "another machine")
    assert (result.unchanged, run.worked) == (3, [])
    store.pipe_file("homes/in/h1.parquet", b"PAR1")
    run(f"{protocol}://homes/in/*", state=tmp_path / "state")
    assert run.worked == ["h1"]
    assert not [name for name in store.find("homes/out") if "house=h1" in name]
