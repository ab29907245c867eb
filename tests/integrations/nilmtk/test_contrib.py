"""Weights of nilmtk-contrib's network, in and out; the network here is written from its
description, layer by layer.
"""

import hashlib
import json
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from seq2point import Architecture, Model, ModelFileError, UsageError
from seq2point.integrations.nilmtk import Seq2Point, load_contrib, save_contrib

WINDOW, TAPS = 31, 2
MAINS_MEAN_W, MAINS_STD_W, MEAN_W, STD_W = 1800.0, 600.0, 150.0, 400.0


class Theirs(nn.Module):
    """The layers of Seq2PointTorch under their names, for a window of 31 samples."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3 = (
            nn.Conv1d(1, 30, 10),
            nn.Conv1d(30, 30, 8),
            nn.Conv1d(30, 40, 6),
        )
        self.conv4, self.conv5 = nn.Conv1d(40, 50, 5), nn.Conv1d(50, 50, 5)
        self.fc1, self.fc2 = nn.Linear(50 * TAPS, 1024), nn.Linear(1024, 1)

    def forward(self, x: Tensor) -> Tensor:
        for layer in (self.conv1, self.conv2, self.conv3, self.conv4, self.conv5):
            x = torch.relu(layer(x))
        power_w: Tensor = self.fc2(torch.relu(self.fc1(x.flatten(1))))
        return power_w


@pytest.fixture
def theirs() -> Theirs:
    torch.manual_seed(11)
    return Theirs().eval()


def predict(network: Theirs, mains_w: np.ndarray) -> np.ndarray:
    """What their disaggregate_chunk gives: windows padded with zeros, scaled, the answers scaled
    back and clipped.
    """
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(mains_w, WINDOW // 2), WINDOW)
    with torch.no_grad():
        raw = network(
            torch.tensor((windows - MAINS_MEAN_W) / MAINS_STD_W, dtype=torch.float32)[:, None]
        )
    return np.maximum(raw[:, 0].numpy() * STD_W + MEAN_W, 0)


def numbered(network: Theirs) -> dict[str, Tensor]:
    """The state dict of the releases whose network is a Sequential."""
    names = dict(
        zip(
            ("conv1", "conv2", "conv3", "conv4", "conv5", "fc1", "fc2"),
            ("0", "2", "4", "6", "9", "13", "16"),
            strict=True,
        )
    )
    return {
        f"{names[name.split('.')[0]]}.{name.split('.')[1]}": t
        for name, t in network.state_dict().items()
    }


@pytest.mark.parametrize(
    "written", ["named.pth", "named.safetensors", "numbered.pt", "by_appliance.pt"]
)
def test_their_weights_give_their_answers(written: str, theirs: Theirs, tmp_path: Path):
    path = tmp_path / written
    state: Any = numbered(theirs) if "numbered" in written else theirs.state_dict()
    if "by_appliance" in written:
        state = OrderedDict({"fridge": Theirs().state_dict(), "kettle": state})
    save_file(state, path) if path.suffix == ".safetensors" else torch.save(state, path)
    model = load_contrib(path, "kettle", 60.0, MEAN_W, STD_W)
    assert model.architecture == Architecture(window=WINDOW)
    mains_w = np.random.default_rng(1).uniform(100, 3000, 200).astype(np.float32)
    expected = predict(theirs, mains_w)
    np.testing.assert_allclose(model.disaggregate(mains_w, edges="zeros"), expected, atol=2e-2)
    run = Seq2Point.of_models({"kettle": model}, {"period_s": 60})
    import pandas as pd

    np.testing.assert_allclose(
        run.disaggregate_chunk([pd.DataFrame({"power": mains_w})])[0]["kettle"], expected, atol=2e-2
    )


def test_a_checkpoints_folder_brings_its_scaling_and_its_checksum_is_held_to(
    theirs: Theirs, tmp_path: Path
):
    weights = tmp_path / "seq2point-0.pt"
    torch.save({"washing machine": theirs.state_dict()}, weights)
    facts = {
        "mains_mean": 500.0,
        "mains_std": 700.0,
        "appliance_params": {"washing machine": {"mean": 40.0, "std": 200.0}},
        "weights_file": weights.name,
        "weights_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
    }
    (tmp_path / "metadata.json").write_text(json.dumps(facts))
    model = load_contrib(tmp_path, "washing machine", 60.0)
    assert model.scale.model_dump() == {
        "mains_mean_w": 500,
        "mains_std_w": 700,
        "appliance_mean_w": (40,),
        "appliance_std_w": (200,),
    }
    assert model.appliances[0].name == "washing_machine"
    weights.write_bytes(weights.read_bytes() + b"x")
    with pytest.raises(ModelFileError, match="was altered"):
        load_contrib(tmp_path, "washing machine", 60.0)


@pytest.mark.parametrize(
    "metadata",
    [
        "",
        "[]",
        "[" * 100_000,
        '{"weights_file": 1}',
        '{"mains_mean": NaN}',
        '{"appliance_params": {"kettle": [1, 2]}}',
    ],
)
def test_a_checkpoint_whose_metadata_is_something_else_is_refused_in_one_line(
    tmp_path: Path, metadata: str
):
    (tmp_path / "metadata.json").write_text(metadata)
    with pytest.raises(ModelFileError, match="no checkpoint of nilmtk-contrib"):
        load_contrib(tmp_path, "kettle", 60.0)


@pytest.mark.parametrize(("ending", "layout"), [(".pth", "named"), (".safetensors", "numbered")])
def test_ours_go_back_into_their_network_and_come_home_bit_for_bit(
    ending: str, layout: Any, theirs: Theirs, tmp_path: Path
):
    torch.manual_seed(2)
    ours = Model.untrained("kettle", 60.0, Architecture(window=WINDOW))
    path = tmp_path / f"kettle{ending}"
    params = save_contrib(ours, path, layout)
    assert params["sequence_length"] == WINDOW
    row = params["appliance_params"]["kettle"]
    assert row == {"mean": 700.0, "std": 1000.0}
    if layout == "named":
        theirs.load_state_dict(torch.load(path, weights_only=True))
        x = torch.randn(5, WINDOW)
        torch.testing.assert_close(theirs(x[:, None]), ours.network(x), atol=1e-5, rtol=1e-5)
    back = load_contrib(
        path, "kettle", 60.0, row["mean"], row["std"], params["mains_mean"], params["mains_std"]
    )
    assert back.scale == ours.scale
    for name, tensor in ours.network.state_dict().items():
        assert torch.equal(tensor, back.network.state_dict()[name])


def test_what_their_class_cannot_hold_is_refused(tmp_path: Path):
    small = Model.untrained("kettle", 60.0, Architecture(window=WINDOW, hidden=64))
    with pytest.raises(
        UsageError,
        match=(
            r"has one shape only, not .* hidden 64; run this model with"
            r" seq2point.integrations.nilmtk.Seq2Point"
        ),
    ):
        save_contrib(small, tmp_path / "x.pth")
    stashes = Model.untrained("kettle", 60.0, Architecture(window=WINDOW, target_index=3))
    with pytest.raises(UsageError, match="not sample 3 of 31"):
        save_contrib(stashes, tmp_path / "x.pth")
    with pytest.raises(UsageError, match=r"written as \.safetensors, \.pth or \.pt"):
        save_contrib(
            Model.untrained("kettle", 60.0, Architecture(window=WINDOW)), tmp_path / "x.h5"
        )
    assert not list(tmp_path.iterdir())


class Trap:
    def __reduce__(self) -> Any:
        return (Path("pwned").touch, ())


def test_files_that_hold_something_else_are_refused_and_nothing_in_them_runs(
    theirs: Theirs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trap.pth").write_bytes(pickle.dumps(Trap(), protocol=2))
    state = theirs.state_dict()
    torch.save(
        {name: t for name, t in state.items() if "conv3" not in name}, tmp_path / "lacking.pth"
    )
    torch.save({name: t for name, t in state.items() if name != "fc2.bias"}, tmp_path / "half.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    (tmp_path / "cut.safetensors").write_bytes(b"\x08")
    message = {
        "trap.pth": "no weights that can be loaded safely",
        "lacking.pth": "do not fit together",
        "half.pth": "not Seq2PointTorch's network",
        "list.pth": "holds no state dict",
        "cut.safetensors": "no weights that can be loaded safely",
        "nowhere.pth": "no such file",
    }
    for name, what in message.items():
        with pytest.raises(ModelFileError, match=what):
            load_contrib(tmp_path / name, "kettle", 60.0, MEAN_W, STD_W)
    assert not (tmp_path / "pwned").exists()
    torch.save(state, tmp_path / "good.pth")
    with pytest.raises(UsageError, match="give the mean and std of 'kettle'"):
        load_contrib(tmp_path / "good.pth", "kettle", 60.0)
