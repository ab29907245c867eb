"""Compiled C is kept where only its user can change it, and built again where it is not what was
built.
"""

import logging
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from seq2point.system import c_compiler, c_library

OTHERWISE = "it runs on Python alone"

pytestmark = pytest.mark.skipif(c_compiler.find_compiler() is None, reason="no C compiler here")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder; the C compiler's runs are counted in the log beside it."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("SEQ2POINT_CACHE", str(folder))
    return folder


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The paths that the compiler has written to."""
    made: list[Path] = []
    compile_library = c_compiler.compile_library

    def counted(compiler: str, source: Path, path: Path, flags: tuple[str, ...]) -> None:
        made.append(path)
        compile_library(compiler, source, path, flags)

    monkeypatch.setattr(c_compiler, "compile_library", counted)
    return made


def answer(source: Path) -> int:
    """What the library says, in a process of its own: a damaged one can end the process that maps
    it.
    """
    code = (
        "import sys; from pathlib import Path; from seq2point.system import c_library\n"
        f"print(c_library.load_library(Path(sys.argv[1]), '{OTHERWISE}').answer())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, source], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def loads(source: Path) -> bool:
    library = c_library.load_library(source, OTHERWISE)
    return library is not None and library.answer() == 42


def test_a_library_is_built_once_in_a_folder_of_its_user_alone(
    source: Path, cache: Path, builds: list[Path]
):
    assert loads(source)
    assert loads(source)
    assert len(builds) == 1
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    (library,) = cache.iterdir()
    assert not library.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)


@pytest.fixture
def split_source(tmp_path: Path) -> Path:
    """A C file that includes another, which includes a header that includes itself."""
    (tmp_path / "parts").mkdir()
    texts = {
        "parts/number.h": '#pragma once\n# include "../parts/number.h"\n#define NUMBER 42\n',
        "part.c": '#include "parts/number.h"\nint answer(void) { return NUMBER; }\n',
        "whole.c": '#include <stdint.h>\n#include "part.c"\n',
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return tmp_path / "whole.c"


def test_the_files_of_a_library_are_found_in_order(split_source: Path):
    files = c_compiler.source_files(split_source)
    names = [path.relative_to(split_source.parent).as_posix() for path in files]
    assert names == ["whole.c", "part.c", "parts/number.h"]


@pytest.mark.parametrize("name", ["whole.c", "part.c", "parts/number.h"])
def test_a_change_in_any_file_builds_the_library_again(
    split_source: Path,
    cache: Path,
    builds: list[Path],
    name: str,
):
    assert loads(split_source)
    path = split_source.parent / name
    before = path.read_text()
    path.write_text(before + "int more(void) { return 43; }\n")
    changed = c_library.load_library(split_source, OTHERWISE)
    assert changed is not None
    assert (changed.answer(), changed.more()) == (42, 43)
    assert len(builds) == 2
    path.write_text(before)
    assert loads(split_source)
    assert len(builds) == 2


def test_a_missing_included_file_is_named(
    split_source: Path,
    cache: Path,
    caplog: pytest.LogCaptureFixture,
):
    (split_source.parent / "part.c").unlink()
    assert c_library.load_library(split_source, OTHERWISE) is None
    assert "part.c" in caplog.text
    assert OTHERWISE in caplog.text


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "truncated": lambda content: content[: len(content) // 2],
    "cut in its last page": lambda content: content[:-10],
    "altered": lambda content: content[:5000] + bytes([content[5000] ^ 1]) + content[5001:],
    "without a digest": lambda content: content[: -c_library.DIGEST_BYTES],
    "of another kind": lambda content: b"#!/bin/sh\n",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_library_is_built_again_in_its_place_once(
    source: Path, cache: Path, builds: list[Path], damage: str
):
    assert loads(source)
    (library,) = cache.iterdir()
    whole = library.read_bytes()
    library.unlink()
    library.write_bytes(DAMAGES[damage](whole))
    assert answer(source) == 42
    assert list(cache.iterdir()) == [library]
    assert loads(source)
    assert len(builds) == 1  # before the damage


def test_a_link_in_the_folder_is_not_followed(source: Path, cache: Path, tmp_path: Path):
    assert loads(source)
    (library,) = cache.iterdir()
    victim = tmp_path / "victim"
    victim.write_text("mine")
    library.unlink()
    library.symlink_to(victim)
    assert loads(source)
    assert victim.read_text() == "mine"
    assert not library.is_symlink()


def test_a_library_that_others_can_change_is_built_again(
    source: Path, cache: Path, builds: list[Path]
):
    assert loads(source)
    (library,) = cache.iterdir()
    library.chmod(0o666)
    assert loads(source)
    assert len(builds) == 2
    assert stat.S_IMODE(library.stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("place", ["library", "folder"])
def test_what_another_user_owns_is_not_loaded(
    source: Path, cache: Path, builds: list[Path], caplog: pytest.LogCaptureFixture, place: str
):
    assert loads(source)
    (library,) = cache.iterdir()
    os.chown(library if place == "library" else cache, 65534, 65534)
    assert loads(source)
    assert [path.parent == cache for path in builds] == [True, place == "library"]
    assert ("belongs to another user" in caplog.text) == (place == "folder")


@pytest.mark.parametrize("place", ["folder", "above"])
def test_a_folder_that_others_can_write_keeps_nothing(
    source: Path, cache: Path, builds: list[Path], caplog: pytest.LogCaptureFixture, place: str
):
    cache.mkdir()
    (cache if place == "folder" else cache.parent).chmod(0o777)
    with caplog.at_level(logging.WARNING):
        assert loads(source)
    cache.parent.chmod(0o700)
    assert [path.parent == cache for path in builds] == [False]
    assert "can be written by others" in caplog.text
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(
    ("xdg", "inside"), [("{tmp}/xdg", "xdg"), ("relative", "home/.cache"), ("", "home/.cache")]
)
def test_a_relative_cache_home_is_ignored(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, xdg: str, inside: str
):
    monkeypatch.delenv("SEQ2POINT_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", xdg.format(tmp=tmp_path))
    monkeypatch.chdir(tmp_path)
    old = tmp_path / inside / "seq2point"
    old.mkdir(parents=True, mode=0o755)
    assert loads(source)
    assert [path.suffix for path in old.iterdir()] == [".so"]
    assert stat.S_IMODE(old.stat().st_mode) == 0o700
    assert not (tmp_path / "relative").exists()


def test_libraries_come_from_a_wheel_or_from_a_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv(c_library.CHOICE_VARIABLE, raising=False)
    monkeypatch.setattr(c_library, "find_compiler", lambda: None)
    monkeypatch.setattr(c_library, "PREBUILT", tmp_path / "absent")
    assert not c_library.may_load_libraries()
    monkeypatch.setattr(c_library, "PREBUILT", tmp_path)
    assert c_library.may_load_libraries()
    monkeypatch.setenv(c_library.CHOICE_VARIABLE, c_library.NONE)
    assert not c_library.may_load_libraries()
