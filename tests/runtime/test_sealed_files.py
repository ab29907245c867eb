"""A file that differs in a byte from the export is refused in one line, before it is parsed."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2point import Model, ModelFileError, deploy, runtime
from seq2point.appliances import find_appliance
from seq2point.configuration import ExportOptions
from seq2point.runtime.metadata import DIGEST, WITHOUT_DIGEST, add_digest
from seq2point.runtime.onnx import MARKER


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, tiny) -> Path:
    out = tmp_path_factory.mktemp("sealed") / "model.onnx"
    deploy.find_target("onnx").export(Model.untrained("kettle", 6.0, tiny), out, ExportOptions())
    return out


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_bit_that_differs_is_noticed(exported: Path, tmp_path: Path, place: float, bit: int):
    content = bytearray(exported.read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    (tmp_path / "altered.onnx").write_bytes(content)
    with pytest.raises(
        ModelFileError,
        match=r"altered\.onnx: (the file was altered or cut off|not exported by seq2point)",
    ):
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
    for name, message in (
        ("foreign.onnx", "not exported by seq2point"),
        ("empty.onnx", "the file is empty"),
        ("none.onnx", "no such model file"),
        ("folder.onnx", "cannot be read"),
        ("model.safetensors", "no such model file"),
        ("model.pt", "not a model file"),
    ):
        with pytest.raises(ModelFileError, match=f"{name}: {message}"):
            runtime.load(tmp_path / name)


def forge(path: Path, forged: Path, **metadata: Any) -> Path:
    """A file with other metadata, signed again, as a program that knows the format could."""
    proto = onnx.load(path)
    entries = {entry.key: entry.value for entry in proto.metadata_props}
    del proto.metadata_props[:]
    entries |= {name: json.dumps(value) for name, value in metadata.items()} | {
        DIGEST: WITHOUT_DIGEST
    }
    onnx.helper.set_model_props(proto, entries)
    forged.write_bytes(add_digest(proto.SerializeToString(), MARKER))
    return forged


KETTLE, FRIDGE = (find_appliance(name).model_dump() for name in ("kettle", "fridge"))
TWO = {"mains_mean_w": 0, "mains_std_w": 1, "appliance_mean_w": [0, 0], "appliance_std_w": [1, 1]}
FORGERIES: dict[str, tuple[dict[str, Any], str]] = {
    "a longer window": ({"window": 35, "model": {}}, "metadata window 35, .* do not fit its graph"),
    "a shorter window": (
        {"window": 31, "model": {}},
        "metadata window 31, .* do not fit its graph",
    ),
    "another window than its network": (
        {"window": 35},
        "metadata model.window: is 33, the other fields say 35",
    ),
    "two appliances": (
        {"appliances": [KETTLE, FRIDGE], "scale": TWO, "model": {}},
        "metadata .* 2 appliances do not fit its graph",
    ),
    "a scale of two": (
        {"scale": TWO},
        "metadata scale.appliance_mean_w: has 2 entries for a network of 1 output",
    ),
    "no deviation": (
        {"scale": TWO | {"appliance_mean_w": [0], "appliance_std_w": [0]}},
        "metadata 'scale.appliance_std_w.0': ",
    ),
    "a scale of NaN": (
        {"scale": TWO | {"mains_mean_w": float("nan")}},
        "metadata 'scale.mains_mean_w': ",
    ),
    "a target outside": (
        {"target_index": 33, "model": {}},
        "metadata target_index: 33 lies outside the window of 33",
    ),
    "an int8 file without its layers": (
        {"quantization": {}},
        "metadata 'quantization': .* layers_in_float must be a list",
    ),
    "a control character": (
        {"appliances": [KETTLE | {"name": "ket\ntle"}]},
        "metadata 'appliances.0.name': ",
    ),
}


@pytest.mark.parametrize("what", FORGERIES)
@pytest.mark.parametrize("sliding", [False, True])
def test_metadata_that_do_not_fit_the_graph_name_the_field(
    tiny, tmp_path: Path, what: str, sliding: bool
):
    metadata, message = FORGERIES[what]
    path = tmp_path / "model.onnx"
    deploy.find_target("onnx").export(
        Model.untrained("kettle", 6.0, tiny), path, ExportOptions(sliding=sliding)
    )
    assert runtime.load(forge(path, tmp_path / "same.onnx")).window == 33
    with pytest.raises(ModelFileError, match=rf"forged\.onnx: {message}"):
        runtime.load(forge(path, tmp_path / "forged.onnx", **metadata))


def test_metadata_that_claim_the_other_kind_of_graph_are_refused(exported: Path, tmp_path: Path):
    with pytest.raises(ModelFileError, match="sliding True and 1 appliances do not fit its graph"):
        runtime.load(forge(exported, tmp_path / "forged.onnx", sliding=True))


def test_weights_that_are_no_numbers_are_refused(exported: Path, tmp_path: Path):
    proto = onnx.load(exported)
    (bias,) = [constant for constant in proto.graph.initializer if constant.name == "output.bias"]
    bias.CopyFrom(onnx.numpy_helper.from_array(np.array([np.inf], dtype=np.float32), bias.name))
    onnx.save(proto, tmp_path / "inf.onnx")
    with pytest.raises(
        ModelFileError,
        match="its weights hold NaN or infinite values; train and export the model again",
    ):
        runtime.load(forge(tmp_path / "inf.onnx", tmp_path / "forged.onnx"))


def test_a_later_format_says_so(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("seq2point.runtime.metadata.FORMAT", 2)
    with pytest.raises(ModelFileError, match="exported in format 1; this version reads format 2"):
        runtime.load(exported)
