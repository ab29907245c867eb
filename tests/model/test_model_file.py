"""A model file gives back what was saved, is refused when anything in it changed, and is written
whole or not at all.
"""

import hashlib
import json
import os
import pickle
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from seq2point import Architecture, Model, ModelFileError, Recording, Seq2PointError
from seq2point.appliances import find_appliance
from seq2point.recording.scaling import Scale
from seq2point.runtime import native
from seq2point.runtime.native_file import add_digest

WEIGHTS = (
    "convolutions.0.weight",
    "convolutions.0.bias",
    "hidden.weight",
    "hidden.bias",
    "output.weight",
    "output.bias",
)


@pytest.fixture
def model(tiny_model: Model) -> Model:
    generator = torch.Generator().manual_seed(3)
    weights = {
        name: p for name, p in tiny_model.network.named_parameters() if name.endswith("weight")
    }
    tiny_model.masks = {
        name: torch.rand(p.shape, generator=generator) < 0.5 for name, p in weights.items()
    }
    tiny_model.provenance = {
        "houses": ["refit 2", "Château"],
        "seed": 3,
        "training_mean_w": {"kettle": 12.5},
        "none": None,
    }
    return tiny_model


@pytest.fixture
def file(model: Model, tmp_path: Path) -> Path:
    path = tmp_path / "kettle.safetensors"
    model.save(path)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ModelFileError) as caught:
        Model.load(path)
    text = str(caught.value)
    with pytest.raises(ModelFileError) as without_torch:
        native.open_model(path)
    assert str(without_torch.value) == text
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


def header_length(content: bytes) -> int:
    return 8 + struct.unpack("<Q", content[:8])[0]


def rewrite(
    path: Path,
    tensors: Callable[[dict], Any] = lambda t: None,
    header: Callable[[dict], Any] = lambda h: None,
) -> None:
    """Alter a model file and sign it again, as a program that knows the format could."""
    forged = load_file(path)
    with safe_open(path, framework="pt") as opened:
        facts = json.loads(opened.metadata()["seq2point"])
    del facts["seal"]
    tensors(forged)
    facts["sha256"] = {
        name: hashlib.sha256(t.numpy().tobytes()).hexdigest() for name, t in forged.items()
    }
    header(facts)
    text = json.dumps(facts)
    save_file(forged, path, {"seq2point": add_digest(text)})


def test_everything_comes_back_as_it_was_saved(model: Model, file: Path):
    back = Model.load(file)
    assert (back.architecture, back.scale, back.appliances) == (
        model.architecture,
        model.scale,
        model.appliances,
    )
    assert (back.period_s, back.provenance) == (model.period_s, model.provenance)
    for name, weight in model.network.state_dict().items():
        assert torch.equal(back.network.state_dict()[name], weight)
    assert back.masks.keys() == model.masks.keys()
    for name, mask in model.masks.items():
        assert back.masks[name].dtype == torch.bool
        assert torch.equal(back.masks[name], mask)


def test_a_model_shows_what_it_is_in_one_line(model: Model):
    said = repr(model)
    assert said.startswith("Model(kettle")
    assert f"window {model.window}, {model.architecture.parameters:,} weights)" in said
    assert len(said) < 120


def test_a_loaded_model_predictions_as_the_saved_one(model: Model, file: Path):
    mains = np.random.default_rng(0).uniform(0, 3000, 200).astype(np.float32)
    np.testing.assert_array_equal(Model.load(file).disaggregate(mains), model.disaggregate(mains))


def test_a_loaded_network_can_be_trained_on(file: Path):
    network = Model.load(file).network
    assert all(p.requires_grad and not p.is_meta for p in network.parameters())
    network(torch.zeros(1, 33)).sum().backward()
    assert network.output.bias.grad is not None


def test_saving_a_loaded_model_changes_nothing(file: Path):
    before = load_file(file)
    Model.load(file).save(file)
    after = load_file(file)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_model_of_several_appliances_and_another_shape_comes_back(tmp_path: Path):
    appliances = (find_appliance("kettle"), find_appliance("fridge"))
    shape = Architecture(
        window=41,
        target_index=5,
        channels=(2, 3),
        kernels=(4, 2),
        hidden=6,
        outputs=2,
        dropout=0.25,
    )
    scale = Scale(
        mains_mean_w=1.5, mains_std_w=2.5, appliance_mean_w=(3.25, 4), appliance_std_w=(5, 6.125)
    )
    Model(shape.build(), scale, appliances, 7.5).save(tmp_path / "two.safetensors")
    back = Model.load(tmp_path / "two.safetensors")
    assert (back.architecture, back.scale, back.appliances, back.period_s) == (
        shape,
        scale,
        appliances,
        7.5,
    )
    assert back.masks == {}


def test_masks_stand_in_the_file_under_their_parameters_names(model: Model, file: Path):
    assert set(load_file(file)) == set(model.network.state_dict()) | {
        f"mask.{name}" for name in model.masks
    }


def test_a_loaded_network_is_in_evaluation_mode(tmp_path: Path, tiny: Architecture):
    model = Model.untrained("kettle", 6.0, tiny.model_copy(update={"dropout": 0.5}))
    model.network.train()
    model.save(tmp_path / "m.safetensors")
    assert not Model.load(tmp_path / "m.safetensors").network.training


class Bomb:
    """A pickle of it makes the folder that it names."""

    def __init__(self, folder: Path):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


@pytest.mark.parametrize("name", ["kettle.safetensors", "kettle.pt"])
@pytest.mark.parametrize(
    "write",
    [
        lambda bomb, path: path.write_bytes(pickle.dumps(bomb)),
        lambda bomb, path: torch.save(bomb, path),
    ],
)
def test_a_pickle_is_refused_and_not_run(
    tmp_path: Path, write: Callable[[Bomb, Path], Any], name: str
):
    path = tmp_path / name
    write(Bomb(tmp_path / "proof"), path)
    assert "not a seq2point model" in refusal(path)
    assert not (tmp_path / "proof").exists()


def test_what_is_no_model_file_is_refused(tmp_path: Path):
    assert refusal(tmp_path / "missing.safetensors") == "no such model file"
    assert "cannot be read" in refusal(tmp_path)
    for content in (
        b"",
        b"\x02",
        b"\x02" + bytes(7) + b"{}",
        b"\x02" + bytes(7) + b"[]",
        b"time,mains\n0,1\n6,2\n",
        bytes(100),
    ):
        (tmp_path / "other").write_bytes(content)
        assert "not a seq2point model" in refusal(tmp_path / "other")


def test_a_safetensors_file_of_others_is_refused(tmp_path: Path):
    path = tmp_path / "other.safetensors"
    for metadata in (None, {"format": "pt"}, {"seq2point": "{}"}):
        save_file({"weight": torch.zeros(3)}, path, metadata)
        assert refusal(path).startswith("not a seq2point model")


def test_a_file_cut_off_anywhere_is_refused(file: Path):
    content = file.read_bytes()
    lengths = {*range(0, len(content), 97), *range(12), header_length(content), len(content) - 1}
    for length in sorted(lengths):
        file.write_bytes(content[:length])
        text = refusal(file)
        if length >= header_length(content):
            assert text.startswith("the file is cut off inside tensor '")


def test_a_file_with_something_behind_it_is_refused(file: Path):
    file.write_bytes(file.read_bytes() + b"\0")
    assert "damaged" in refusal(file)


@given(st.data())
def test_any_altered_byte_of_a_tensor_is_refused_and_the_tensor_named(
    file: Path, data: st.DataObject
):
    content = file.read_bytes()
    begin = header_length(content)
    at = data.draw(st.integers(begin, len(content) - 1))
    altered = bytearray(content)
    altered[at] ^= data.draw(st.integers(1, 255))
    entries = json.loads(content[8:begin])
    (owner,) = [
        name
        for name, entry in entries.items()
        if name != "__metadata__"
        and entry["data_offsets"][0] <= at - begin < entry["data_offsets"][1]
    ]
    path = file.with_name("altered.safetensors")
    path.write_bytes(altered)
    assert (
        refusal(path) == f"tensor '{owner}' was altered (its SHA-256 differs); copy the file again"
    )


def test_a_flipped_bit_of_the_header_is_refused(file: Path):
    content = file.read_bytes()
    for at in range(0, header_length(content), 3):
        altered = bytearray(content)
        altered[at] ^= 1 << (at % 7)
        file.write_bytes(altered)
        refusal(file)


@pytest.mark.parametrize(
    "header",
    [
        b'{"__metadata__": {"seq2point": 3, "sha256": "x"}}',
        b'{"__metadata__": {"seq2point": "\\ud800", "sha256": "x"}}',
        b'{"__metadata__": []}',
        b'{"__metadata__": "seq2point"}',
        b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0.4]}}',
        b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": 4}}',
        b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": ["0", "4"]}}',
        b'{"a": []}',
        b"[" * 100_000,
    ],
)
def test_a_header_that_makes_no_sense_is_refused(tmp_path: Path, header: bytes):
    path = tmp_path / "m.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    refusal(path)


@pytest.mark.parametrize("name", [*WEIGHTS, "mask.hidden.weight"])
def test_a_tensor_of_another_type_is_named(file: Path, name: str):
    rewrite(file, lambda tensors: tensors.update({name: tensors[name].to(torch.float16)}))
    assert refusal(file).startswith(f"tensor '{name}' has type F16, not torch.")


@pytest.mark.parametrize("name", [*WEIGHTS, "mask.hidden.weight"])
def test_a_tensor_of_another_shape_is_named(file: Path, name: str):
    rewrite(
        file,
        lambda tensors: tensors.update(
            {name: tensors[name].reshape(1, -1).clone()[:, :-1].contiguous()}
        ),
    )
    assert refusal(file).startswith(f"tensor '{name}' has shape [")


@pytest.mark.parametrize("name", WEIGHTS)
def test_a_missing_tensor_is_named(file: Path, name: str):
    rewrite(file, lambda tensors: tensors.pop(name))
    assert refusal(file) == f"tensor '{name}' is missing"


def test_a_mask_that_is_missing_is_named(file: Path):
    digests: dict[str, str] = {}
    rewrite(file, header=lambda facts: digests.update(facts["sha256"]))
    rewrite(
        file,
        lambda tensors: tensors.pop("mask.hidden.weight"),
        lambda facts: facts.update(sha256=digests),
    )
    assert refusal(file) == "tensor 'mask.hidden.weight' is missing"


@pytest.mark.parametrize(
    "name", ["teapot", "mask.teapot", "convolutions.2.weight", "mask.mask.hidden.weight"]
)
def test_a_strange_tensor_is_named(file: Path, name: str):
    rewrite(file, lambda tensors: tensors.update({name: torch.zeros(3)}))
    assert refusal(file) == f"tensor '{name}' does not belong to the architecture"


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_weight_that_is_not_finite_names_its_tensor(file: Path, name: str, value: float):
    rewrite(file, lambda tensors: tensors[name].view(-1)[-1:].fill_(value))
    assert refusal(file) == f"tensor '{name}' holds NaN or infinite values; train the model again"


def test_two_appliances_of_one_name_are_refused(tmp_path: Path):
    shape, both = (
        Architecture(window=41, channels=(2,), kernels=(4,), hidden=6, outputs=2),
        (
            find_appliance("kettle"),
            find_appliance("kettle"),
        ),
    )
    Model(shape.build(), Scale.published(both), both, 6.0).save(tmp_path / "two.safetensors")
    assert (
        refusal(tmp_path / "two.safetensors") == "header field appliances: 'kettle' is listed twice"
    )


@pytest.mark.parametrize("hidden", [9, 10**12, 10**30])
def test_an_architecture_that_does_not_fit_its_tensors_is_refused_whatever_its_size(
    file: Path, hidden: int
):
    rewrite(file, header=lambda facts: facts["architecture"].update(hidden=hidden))
    assert (
        "tensor 'hidden.weight' has shape [8, 108]" in (text := refusal(file))
        or "too large for any machine" in text
    )


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (lambda facts: facts.update(format=2), "written in format 2; this version reads format 1"),
        (lambda facts: facts.update(teapot=1), "header field teapot: "),
        (lambda facts: facts.pop("scale"), "header field scale: "),
        (lambda facts: facts.update(period_s=-6), "header field period_s: "),
        (lambda facts: facts.update(appliances=[]), "header field appliances: "),
        (
            lambda facts: facts["appliances"][0].pop("on_power_w"),
            "header field appliances.0.on_power_w: ",
        ),
        (lambda facts: facts["architecture"].update(window=3), "header field architecture: "),
        (lambda facts: facts.pop("format"), "not a seq2point model"),
        (lambda facts: facts.update(period_s=float("inf")), "header field "),
        (lambda facts: facts["scale"].update(mains_mean_w=float("nan")), "header field "),
        (lambda facts: facts["scale"].update(mains_std_w=0), "header field scale.mains_std_w: "),
        (
            lambda facts: facts["scale"].update(appliance_std_w=[-1]),
            "header field scale.appliance_std_w.0: ",
        ),
        (lambda facts: facts["scale"].update(appliance_std_w=[1e400]), "header field "),
        (lambda facts: facts["appliances"][0].update(std_w=0), "header field appliances.0.std_w: "),
        (
            lambda facts: facts["appliances"][0].update(name="ket\ntle"),
            "header field appliances.0.name: ",
        ),
        (
            lambda facts: facts["scale"].update(appliance_mean_w=[1, 2]),
            "header field scale.appliance_mean_w: has 2 entries for a network of 1 output",
        ),
        (
            lambda facts: facts["scale"].update(appliance_std_w=[]),
            "header field scale.appliance_std_w: has 0 entries for a network of 1 output",
        ),
        (
            lambda facts: facts["appliances"].append(find_appliance("fridge").model_dump()),
            "header field appliances: has 2 entries for a network of 1 output",
        ),
    ],
)
def test_a_header_of_another_making_names_the_field(
    file: Path, alter: Callable[[dict], Any], message: str
):
    rewrite(file, header=alter)
    assert refusal(file).startswith(message)


def test_a_failed_write_leaves_the_old_file_and_no_other(file: Path):
    before = file.read_bytes()
    code = (
        "import resource, sys; from seq2point import Model, Seq2PointError; model ="
        " Model.load(sys.argv[1])\nresource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\ntry:"
        " model.save(sys.argv[1])\nexcept Seq2PointError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, file], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"{file}: cannot be written (")
    assert "File too large" in done.stdout
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_a_place_that_cannot_be_written_is_a_plain_error(model: Model, tmp_path: Path):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for place in (tmp_path / "file" / "m.safetensors", tmp_path / "folder", tmp_path / ("x" * 300)):
        with pytest.raises(Seq2PointError, match="cannot be written"):
            model.save(place)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


def test_missing_folders_are_made(model: Model, tmp_path: Path):
    model.save(tmp_path / "a" / "b" / "m.safetensors")
    assert Model.load(tmp_path / "a" / "b" / "m.safetensors").period_s == 6.0


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_permissions_follow_the_umask(model: Model, tmp_path: Path, umask: int, mode: int):
    before = os.umask(umask)
    try:
        model.save(tmp_path / "m.safetensors")
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert (tmp_path / "m.safetensors").stat().st_mode & 0o777 == mode


def test_a_prediction_is_read_from_the_mains_alone(
    model: Model, make_recording: Callable[..., Recording]
):
    mains = np.random.default_rng(0).uniform(0, 3000, 100)
    with_truth = make_recording(mains, kettle=[2000] * 100)
    np.testing.assert_array_equal(
        model.predict_w(with_truth), model.predict_w(make_recording(mains))
    )


@pytest.mark.parametrize("power", [0.4, -3.0])
def test_a_model_of_which_nothing_is_left_knows_the_power_that_it_always_predicts(
    tiny_model: Model, power: float
):
    assert tiny_model.constants_w() == {}
    with torch.no_grad():
        tiny_model.network.convolutions[1].weight.zero_()
        tiny_model.network.output.weight.zero_()
        tiny_model.network.output.bias.fill_(power)
    constants_w = tiny_model.constants_w()
    assert constants_w == tiny_model.describe()["constants_w"]
    mains_w = np.random.default_rng(0).uniform(0, 9000, 90).astype(np.float32)
    predicted_w = tiny_model.disaggregate(mains_w)
    np.testing.assert_allclose(
        predicted_w[~np.isnan(predicted_w)], constants_w["kettle"], rtol=1e-5
    )


def test_a_model_whose_predictions_are_all_cut_off_at_zero_is_known_to_predict_nothing(
    tiny_model: Model,
):
    with torch.no_grad():
        tiny_model.network.output.bias.fill_(-1e6)
    assert tiny_model.constants_w() == {"kettle": 0.0}
