"""A file that is not, to the byte, what was exported is refused in one line, before it is parsed."""

from pathlib import Path

import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2point import Model, ModelFileError, deploy, runtime
from seq2point.deploy import Order


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, tiny) -> Path:
    out = tmp_path_factory.mktemp("sealed") / "model.onnx"
    deploy.find("onnx").export(Model.untrained("kettle", 6.0, tiny), out, Order())
    return out


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_bit_that_differs_is_noticed(exported: Path, tmp_path: Path, place: float, bit: int):
    content = bytearray(exported.read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    (tmp_path / "altered.onnx").write_bytes(content)
    with pytest.raises(ModelFileError, match=r"altered\.onnx: (the file was altered or cut off|not exported by seq2point)"):
        runtime.load(tmp_path / "altered.onnx")


@given(share=st.floats(0.01, 0.999))
def test_a_file_that_is_cut_off_is_noticed(exported: Path, tmp_path: Path, share: float):
    content = exported.read_bytes()
    (tmp_path / "cut.onnx").write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelFileError, match=r"cut\.onnx: not exported by seq2point, or cut off"):
        runtime.load(tmp_path / "cut.onnx")


def test_foreign_files_are_refused(exported: Path, tmp_path: Path):
    foreign = onnx.load(exported)
    del foreign.metadata_props[:]
    onnx.save(foreign, tmp_path / "foreign.onnx")
    (tmp_path / "empty.onnx").touch()
    (tmp_path / "folder.onnx").mkdir()
    for name, says in (
        ("foreign.onnx", "not exported by seq2point"),
        ("empty.onnx", "the file is empty"),
        ("none.onnx", "no such model file"),
        ("folder.onnx", "cannot be read"),
        ("model.safetensors", "not an exported model"),
    ):
        with pytest.raises(ModelFileError, match=f"{name}: {says}"):
            runtime.load(tmp_path / name)


def test_a_later_format_says_so(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("seq2point.runtime.facts.FORMAT", 2)
    with pytest.raises(ModelFileError, match="exported in format 1; this version reads format 2"):
        runtime.load(exported)
