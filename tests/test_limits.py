"""An absurd reading of the mains is a gap wherever it comes from: no other window's answer feels
it.
"""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seq2point import Architecture, Model, Recording, kernels
from seq2point.appliances import APPLIANCES
from seq2point.limits import ABSURD_W, remove_absurd
from seq2point.network import sliding
from seq2point.network.sliding import native_backend
from seq2point.recording.scaling import Scale
from seq2point.training.chunk_batches import ChunkBatches
from seq2point.training.houses import Houses
from seq2point.training.window_batches import WindowBatches

SHAPE = Architecture(window=63, channels=(4, 4), kernels=(5, 3), hidden=24)
LENGTH = 1500
sizes = (
    st.floats(ABSURD_W * 1.01, 1e38)
    | st.floats(-1e38, -ABSURD_W * 1.01)
    | st.sampled_from([np.inf, -np.inf, np.nan])
)
spikes = st.dictionaries(st.integers(0, LENGTH - 1), sizes, min_size=1, max_size=4)


@pytest.fixture(scope="module")
def model() -> Model:
    torch.manual_seed(3)
    model = Model.untrained("kettle", 6.0, SHAPE)
    torch.nn.init.normal_(model.network.hidden.bias, std=0.1)
    return model


@pytest.fixture(scope="module")
def mains_w() -> np.ndarray:
    return np.random.default_rng(4).uniform(0, 3000, LENGTH).astype(np.float32)


@pytest.fixture(params=["torch", "native"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "native" and kernels.load_kernels() is None:
        pytest.skip("no C compiler here")
    if request.param == "torch":
        monkeypatch.setattr(native_backend, "supports", lambda _: False)


def spoilt(series: np.ndarray, places: dict[int, float]) -> np.ndarray:
    copy = series.copy()
    copy[list(places)] = np.float32(list(places.values()))
    return copy


def holds(places: dict[int, float]) -> np.ndarray:
    """Which windows hold one of some samples."""
    marks = np.zeros(LENGTH, dtype=int)
    marks[list(places)] = 1
    return np.convolve(marks, np.ones(SHAPE.window, dtype=int), "valid") > 0


@pytest.mark.usefixtures("backend")
@given(places=spikes)
def test_windows_without_an_absurd_sample_keep_their_answers_and_those_with_one_are_nan(
    model: Model, mains_w: np.ndarray, places: dict[int, float]
):
    scaled = (mains_w - 522) / 814
    clean = sliding.predict(model.network, torch.from_numpy(scaled)).numpy()
    answer = sliding.predict(model.network, torch.from_numpy(spoilt(scaled, places))).numpy()
    held = holds(places)
    assert np.isnan(answer[held]).all()
    np.testing.assert_allclose(answer[~held], clean[~held], rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("engine", ["sliding", "windows"])
@given(places=spikes)
def test_a_recording_with_absurd_readings_answers_as_one_with_gaps_there(
    model: Model, mains_w: np.ndarray, engine: str, places: dict[int, float]
):
    clean, gappy, absurd = (
        model.predict_w(Recording("home", 6.0, spoilt(mains_w, at)), engine, clip=False)[:, 0]  # type: ignore[arg-type]
        for at in ({}, dict.fromkeys(places, np.nan), places)
    )
    np.testing.assert_array_equal(absurd, gappy)
    elsewhere = np.zeros(LENGTH, dtype=bool)
    first = SHAPE.target_index
    elsewhere[first : first + LENGTH - SHAPE.window + 1] = ~holds(places)
    np.testing.assert_allclose(absurd[elsewhere], clean[elsewhere], rtol=1e-4, atol=0.02)


def test_a_long_absurd_stretch_has_no_answers(model: Model, mains_w: np.ndarray):
    stretch = dict.fromkeys(range(700, 760), 1e30)
    power_w = model.predict_w(Recording("home", 6.0, spoilt(mains_w, stretch), fill=0))[:, 0]
    assert np.isnan(power_w[700:760]).all()
    assert np.isnan(power_w).sum() == SHAPE.window - 1 + 60 + SHAPE.window - 1


@pytest.mark.parametrize("place", ["mains", "kettle"])
@pytest.mark.parametrize("size", [1e9, 1e38, np.inf, -np.inf])
@pytest.mark.parametrize("kind", ["chunks", "windows"])
def test_a_training_batch_feels_no_absurd_reading(place: str, size: float, kind: str):
    random = np.random.default_rng(5)
    columns = {
        name: random.uniform(0, 2500, LENGTH).astype(np.float32) for name in ("mains", "kettle")
    }
    losses = []
    for value in (np.nan, size):
        watts = columns | {place: spoilt(columns[place], {600: value})}
        recording = Recording("home", 6.0, watts["mains"], {"kettle": watts["kettle"]})
        houses = Houses(
            [recording],
            ["kettle"],
            SHAPE,
            Scale.published([APPLIANCES["kettle"]]),
            torch.device("cpu"),
        )
        batches = (
            ChunkBatches(houses, 300, 8, seed=1)
            if kind == "chunks"
            else WindowBatches(houses, 2000, seed=1)
        )
        torch.manual_seed(6)
        losses.append(batches.loss(SHAPE.build(), batches.draw(0)).item())
    assert np.isfinite(losses[0])
    assert losses[0] == losses[1]


def test_a_scale_is_fitted_without_absurd_readings(make_recording: Callable[..., Recording]):
    recording = make_recording([100, 200, 1e12, 300], kettle=[0, np.inf, 10, 20])
    scale = Scale.fit([APPLIANCES["kettle"]], [recording])
    assert (scale.mains_mean_w, scale.appliance_mean_w) == (200, (10,))


def test_readings_that_can_be_power_are_left_where_they_are():
    for readings in ([0.0, ABSURD_W, -ABSURD_W, np.nan], [np.nan], []):
        watts = np.array(readings, dtype=np.float32)
        assert remove_absurd(watts) is watts
