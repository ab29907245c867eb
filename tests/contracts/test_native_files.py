"""What a native model file promises without torch, swept over networks: it predicts what its model
predicts, by the C kernels and by NumPy alone.

A new named network is swept by itself; another kind of network needs one line in CASES.
"""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2point import Architecture, Model, Recording, kernels, runtime
from seq2point.appliances import find_appliance
from seq2point.choices import Edges, Engine
from seq2point.compression.pruning import Structured
from seq2point.limits import ABSURD_W
from seq2point.network import NETWORKS, find_network, masks
from seq2point.recording import Jump
from seq2point.recording.scaling import Scale
from seq2point.runtime import NATIVE, Runtime, native

APPLIANCES = ("kettle", "fridge", "microwave")
OTHERS = {
    "a target at the end": Architecture(
        window=61, channels=(4, 6), kernels=(9, 5), target_index=60
    ),
    "three appliances": Architecture(
        window=129, channels=(4, 5), kernels=(3, 2), hidden=33, outputs=3, target_index=7
    ),
    "a rank": Architecture(window=63, hidden=40, rank=5),
    "a rank, two appliances": Architecture(window=63, hidden=20, rank=3, outputs=2),
    "compacted to almost nothing": Architecture(
        window=35, channels=(1, 2, 1), kernels=(1, 5, 3), hidden=1, target_index=30
    ),
    "one tap": Architecture(window=11, channels=(2, 3), kernels=(7, 5), hidden=5),
    "more convolutions than the kernels take": Architecture(
        window=39, channels=(2,) * 18, kernels=(2,) * 18, hidden=20
    ),
}
CASES = {name: find_network(name, 51) for name in NETWORKS} | OTHERS
TOLERANCES = {"atol": 0.01, "rtol": 1e-5}


class Pair(NamedTuple):
    """A model in torch, and its file opened without."""

    model: Model
    opened: Runtime


def make_model(shape: Architecture) -> Model:
    """Return a model with biases, whose predictions lie on both sides of zero watts."""
    torch.manual_seed(11)
    appliances = tuple(find_appliance(name) for name in APPLIANCES[: shape.outputs])
    model = Model(shape.build().eval(), Scale.published(appliances), appliances, 6.0)
    for name, parameter in model.network.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter, std=0.1)
    return model


def open_pair(model: Model, folder: Path, threads: int = 1) -> Pair:
    path = folder / f"model{NATIVE}"
    model.save(path)
    return Pair(model, runtime.load(path, threads))


def make_mains_w(samples: int, seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 4000, samples).astype(np.float32)


def make_gappy(samples: int = 1500) -> Recording:
    """Return a home with gaps short and long, a jump of its clock and absurd readings."""
    mains_w = make_mains_w(samples)
    mains_w[400:402] = np.nan
    mains_w[900:950] = np.nan
    mains_w[1100:1180:30] = 1e30
    return Recording("home", 6.0, mains_w, jumps=(Jump(1300, None),))  # type: ignore[arg-type]


@pytest.fixture(params=["kernels", "numpy"])
def evaluation(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Predict by the C kernels, and as where there is no C compiler."""
    if request.param == "numpy":
        monkeypatch.setattr(native, "load_kernels", lambda: None)
    elif kernels.load_kernels() is None:
        pytest.skip("no C compiler here")


@pytest.fixture(params=CASES, scope="module")
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return open_pair(make_model(CASES[request.param]), tmp_path_factory.mktemp("native"))


@pytest.mark.usefixtures("evaluation")
@pytest.mark.parametrize("engine", ["sliding", "windows"])
def test_it_predicts_what_its_model_predicts_where_that_does(pair: Pair, engine: Engine):
    home = make_gappy()
    expected_w, power_w = (each.predict_w(home, engine) for each in pair)
    assert power_w.dtype == np.float32
    assert power_w.shape == expected_w.shape
    assert np.isfinite(power_w).any()
    np.testing.assert_allclose(power_w, expected_w, **TOLERANCES)


@pytest.mark.usefixtures("evaluation")
@pytest.mark.parametrize("edges", ["repeat", "zeros"])
def test_it_completes_the_windows_at_the_edges_as_its_model_does(pair: Pair, edges: Edges):
    home = Recording("home", 6.0, make_mains_w(400))
    expected_w, power_w = (each.predict_w(home, edges=edges) for each in pair)
    assert np.isfinite(power_w).all()
    np.testing.assert_allclose(power_w, expected_w, **TOLERANCES)


@pytest.mark.usefixtures("evaluation")
@settings(max_examples=6)
@given(data=st.data())
def test_it_predicts_series_of_any_length(pair: Pair, data: st.DataObject):
    samples = data.draw(st.integers(1, 4 * pair.model.window))
    home = Recording("home", 6.0, make_mains_w(samples, samples))
    expected_w, power_w = (each.predict_w(home) for each in pair)
    np.testing.assert_allclose(power_w, expected_w, **TOLERANCES)


@pytest.mark.usefixtures("evaluation")
def test_windows_and_chunks_equal_the_recording(pair: Pair):
    shape = pair.model.architecture
    mains_w = make_mains_w(shape.window + 300)
    first = shape.target_index
    expected_w = pair.opened.predict_w(Recording("home", 6.0, mains_w))[first : first + 301]
    windows_w = np.lib.stride_tricks.sliding_window_view(mains_w, shape.window)
    np.testing.assert_allclose(pair.opened.run(windows_w), expected_w, **TOLERANCES)
    np.testing.assert_allclose(pair.opened.run_chunk(mains_w), expected_w, **TOLERANCES)


def test_it_describes_itself_as_its_model_does(pair: Pair):
    assert pair.opened.describe() == pair.model.describe()
    for name in ("appliances", "period_s", "window", "provenance"):
        assert getattr(pair.opened, name) == getattr(pair.model, name)


def test_the_full_network_predicts_what_its_model_predicts(tmp_path: Path):
    pair = open_pair(make_model(NETWORKS["reduced"]), tmp_path)
    home = Recording("home", 6.0, make_mains_w(2500))
    expected_w, power_w = (each.predict_w(home) for each in pair)
    np.testing.assert_allclose(power_w, expected_w, **TOLERANCES)


SHAPE = Architecture(window=63, channels=(4, 4), kernels=(5, 3), hidden=24, outputs=2)


@pytest.mark.usefixtures("evaluation")
@pytest.mark.parametrize(("engine", "samples"), [("sliding", 30_000), ("windows", 2000)])
def test_progress_counts_every_window_in_parts(
    tmp_path: Path, engine: Engine, samples: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(native, "MEMORY_MB", 0.2)
    pair = open_pair(make_model(SHAPE), tmp_path)
    home, counts = Recording("home", 6.0, make_mains_w(samples)), list[int]()
    power_w = pair.opened.predict_w(home, engine, progress=counts.append)
    assert sum(counts) == samples - SHAPE.window + 1
    assert len(counts) > 1
    np.testing.assert_allclose(power_w, pair.model.predict_w(home), **TOLERANCES)


@pytest.mark.usefixtures("evaluation")
def test_a_pruned_model_is_read_with_its_masks(tmp_path: Path):
    model = make_model(SHAPE)
    chosen = Structured(sparsity=0.5).masks_once(model.network)
    masks.apply_(model.network, chosen)
    pruned = replace(model, masks=chosen, provenance={"pruned": {"method": "structured"}})
    pair = open_pair(pruned, tmp_path)
    assert chosen
    assert pair.opened.provenance == pruned.provenance
    expected_w, power_w = (each.predict_w(make_gappy()) for each in pair)
    np.testing.assert_allclose(power_w, expected_w, **TOLERANCES)


@pytest.mark.usefixtures("evaluation")
@pytest.mark.parametrize("absurd_w", [np.nan, np.inf, -np.inf, 1e38, 2000 * ABSURD_W])
def test_windows_of_a_chunk_that_hold_a_missing_sample_are_nan_and_no_other(
    tmp_path: Path, absurd_w: float
):
    opened = open_pair(make_model(SHAPE), tmp_path).opened
    mains_w = make_mains_w(1500)
    clean_w = opened.run_chunk(mains_w)
    mains_w[[600, 610]] = absurd_w
    power_w = opened.run_chunk(mains_w)
    held = np.zeros(len(power_w), bool)
    held[600 - SHAPE.window + 1 : 611] = True
    assert np.isnan(power_w[held]).all()
    np.testing.assert_allclose(power_w[~held], clean_w[~held], atol=0.02, rtol=1e-4)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_number_of_threads_changes_nothing_but_rounding(tmp_path: Path, threads: int):
    pair = open_pair(make_model(CASES["seq2point"]), tmp_path, threads)
    home = make_gappy()
    expected_w, power_w = (each.predict_w(home) for each in pair)
    np.testing.assert_allclose(power_w, expected_w, **TOLERANCES)
