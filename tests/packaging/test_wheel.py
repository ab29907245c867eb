"""What a wheel brings, and for which machines it says that it is."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from seq2point.system import c_compiler

ROOT = Path(__file__).parents[2]
BUILD = "import setuptools.build_meta as backend; backend.build_wheel('dist')"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project with the part of its package that is compiled."""
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    package = ROOT / "src" / "seq2point"
    uplot = "live/page/static/uPlot.LICENSE.txt"
    paths = [package / "__init__.py", package / uplot]
    paths += [
        path
        for folder in ("system", "kernels", "data")
        for path in (package / folder).glob("*.*")
        if path.suffix in (".py", ".c")
    ]
    for path in paths:
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    return tmp_path


def build(
    project: Path, monkeypatch: pytest.MonkeyPatch, **environment: str
) -> tuple[str, set[str]]:
    """The tag of the project's wheel, and the libraries in it."""
    with monkeypatch.context() as here:
        here.delenv("CC", raising=False)
        for name, value in environment.items():
            here.setenv(name, value)
        subprocess.run([sys.executable, "-c", BUILD], cwd=project, check=True, capture_output=True)
    (wheel,) = (project / "dist").iterdir()
    with zipfile.ZipFile(wheel) as content:
        names = {Path(name) for name in content.namelist()}
    assert Path("seq2point/system/c_library.py") in names
    wheel.unlink()
    return wheel.stem.partition("-py3-")[2], {path.name for path in names if path.suffix == ".so"}


def test_a_wheel_brings_the_libraries_of_its_architecture_alone(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    if c_compiler.find_compiler() is not None:
        tag, libraries = build(project, monkeypatch)
        assert tag.startswith("none-")
        assert tag != "none-any"
        count = len(c_compiler.SOURCES) * len(c_compiler.list_variants()) + 1
        assert len(libraries) == count
        if sys.platform == "linux":
            assert tag.startswith(("none-manylinux_2_", "none-linux_"))
    assert build(project, monkeypatch, SEQ2POINT_WHEEL="pure") == ("none-any", set())
    nothing = str(tmp_path / "nothing")
    assert build(project, monkeypatch, PATH=nothing) == ("none-any", set())


def test_a_compiler_that_fails_leaves_a_pure_wheel(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    broken = tmp_path / "cc"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    assert build(project, monkeypatch, CC=str(broken)) == ("none-any", set())
