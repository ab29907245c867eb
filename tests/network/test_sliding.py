import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seq2point import kernels
from seq2point.appliances import APPLIANCES
from seq2point.kernels.fft_lengths import find_fast_length
from seq2point.network import NETWORKS, Architecture, Seq2Point, sliding
from seq2point.network.sliding import native_backend, torch_backend
from seq2point.recording import Jump, Recording
from seq2point.recording.scaling import Scale
from seq2point.recording.windows import find_window_runs
from seq2point.system import c_compiler
from seq2point.training.chunk_batches import ChunkBatches
from seq2point.training.houses import Houses

SHAPES = {
    "default in small": Architecture(window=63, hidden=40),
    "one convolution": Architecture(window=41, channels=(3,), kernels=(4,), hidden=17),
    "two appliances": Architecture(
        window=129, channels=(4, 5), kernels=(3, 2), hidden=33, outputs=2
    ),
    "compacted to almost nothing": Architecture(
        window=35, channels=(1, 2, 1), kernels=(1, 5, 3), hidden=1, target_index=30
    ),
    "one tap": Architecture(window=11, channels=(2, 3), kernels=(7, 5), hidden=5),
    "a rank": Architecture(window=63, hidden=40, rank=5),
    "more convolutions than the kernels take": Architecture(
        window=39, channels=(2,) * 18, kernels=(2,) * 18, hidden=20
    ),
}
TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-10}


def build_with_biases(shape: Architecture, seed: int) -> Seq2Point:
    """Return a network with biases: no unit is exactly at the ReLU's kink, where the gradient is
    anyone's choice.
    """
    torch.manual_seed(seed)
    network = shape.build()
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter, std=0.1)
    return network


def relative(prediction: torch.Tensor, reference: torch.Tensor) -> float:
    assert prediction.shape == reference.shape
    return float(
        (prediction - reference).detach().abs().max()
        / (float(reference.detach().abs().max()) or 1.0)
    )


@pytest.fixture(params=SHAPES.values(), ids=SHAPES.keys())
def shape(request: pytest.FixtureRequest) -> Architecture:
    return request.param


@pytest.fixture(params=["torch", "native"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Sliding evaluation by torch alone, and by the C kernels."""
    if request.param == "native" and kernels.load_kernels() is None:
        pytest.skip("no C compiler here")
    if request.param == "torch":
        monkeypatch.setattr(native_backend, "supports", lambda _: False)
    return str(request.param)


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_sliding_equals_window_by_window(shape: Architecture, dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    network, series = build_with_biases(shape, 1).to(dtype).eval(), torch.randn(5000, dtype=dtype)
    assert (
        relative(sliding.predict(network, series), sliding.predict_windows(network, series))
        < TOLERANCE[dtype]
    )


@pytest.mark.usefixtures("backend")
@given(
    length=st.integers(63, 6000),
    memory_mb=st.sampled_from([1.0, 20.0, 512.0]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_every_length_and_memory_gives_the_same_predictions(
    length: int, memory_mb: float, dtype: torch.dtype
) -> None:
    torch.manual_seed(length)
    network, series = (
        SHAPES["default in small"].build().to(dtype).eval(),
        torch.randn(length, dtype=dtype),
    )
    prediction = sliding.predict(network, series, memory_mb)
    assert relative(prediction, sliding.predict_windows(network, series)) < TOLERANCE[dtype]


@st.composite
def shapes(draw: st.DrawFn) -> Architecture:
    """Any small architecture, compacted ones among them."""
    sizes = draw(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 7)), min_size=1, max_size=4))
    kernels = tuple(kernel for _, kernel in sizes)
    window = sum(k - 1 for k in kernels) + draw(st.integers(1, 60))
    hidden, outputs = draw(st.integers(1, 70)), draw(st.integers(1, 3))
    return Architecture(
        window=window,
        channels=tuple(c for c, _ in sizes),
        kernels=kernels,
        hidden=hidden,
        outputs=outputs,
    )


@pytest.mark.usefixtures("backend")
@given(shape=shapes(), extra=st.integers(0, 3000))
def test_any_architecture_and_length_equals_window_by_window(
    shape: Architecture, extra: int
) -> None:
    network, series = build_with_biases(shape, extra).eval(), torch.randn(shape.window + extra)
    assert (
        relative(sliding.predict(network, series), sliding.predict_windows(network, series)) < 1e-4
    )


@given(shape=shapes(), chunks=st.integers(1, 35), windows=st.integers(1, 150))
def test_the_kernels_give_the_gradients_of_the_torch_backend(
    shape: Architecture, chunks: int, windows: int
) -> None:
    if kernels.load_kernels() is None:
        pytest.skip("no C compiler here")
    torch.manual_seed(windows)
    sizes = (
        (chunks, shape.channels[-1], windows + shape.taps - 1),
        (shape.hidden, shape.channels[-1], shape.taps),
        (shape.hidden,),
    )
    inputs = [
        torch.randn(*size, requires_grad=True) for size in (*sizes, (shape.outputs, shape.hidden))
    ]
    exact = [t.detach().double().requires_grad_() for t in inputs]
    prediction, reference = (
        e.HiddenAndOutput.apply(*t, 0.0)
        for e, t in ((native_backend, inputs), (torch_backend, exact))
    )
    assert relative(prediction, reference) < 1e-4
    # a unit within rounding of the ReLU's kink may fall on either side: its window has
    # no one gradient
    clear = (torch.nn.functional.conv1d(*exact[:3]).detach().abs() > 1e-4).all(1)
    weight = torch.randn_like(prediction) * clear
    ours = torch.autograd.grad((prediction * weight).sum(), inputs)
    theirs = torch.autograd.grad((reference * weight).sum(), exact)
    for mine, other in zip(ours, theirs, strict=True):
        assert float((mine - other).norm()) <= 2e-3 * float(other.norm()) + 1e-6


@pytest.mark.usefixtures("backend")
def test_what_is_no_number_stays_so_in_the_windows_that_hold_it() -> None:
    network, series = SHAPES["default in small"].build().eval(), torch.randn(3000)
    series[1500] = torch.nan
    assert sliding.predict(network, series)[1400:1500].isnan().any()


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_number_of_threads_changes_nothing_but_rounding(threads: int) -> None:
    network, chunks = build_with_biases(SHAPES["default in small"], 6), torch.randn(5, 163)
    reference = torch.autograd.grad(
        sliding.predict_chunks(network, chunks).sum(), list(network.parameters())
    )
    torch.set_num_threads(threads)
    ours = torch.autograd.grad(
        sliding.predict_chunks(network, chunks).sum(), list(network.parameters())
    )
    torch.set_num_threads(1)
    for mine, other in zip(ours, reference, strict=True):
        assert relative(mine, other) < 1e-4


@pytest.mark.usefixtures("backend")
def test_the_full_network_agrees_in_float32() -> None:
    torch.manual_seed(0)
    network, series = NETWORKS["seq2point"].build().eval(), torch.randn(4000)
    reference = sliding.predict_windows(network, series[:900])
    assert relative(sliding.predict(network, series)[: len(reference)], reference) < 1e-4


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_gradients_of_chunks_equal_those_of_their_windows(
    shape: Architecture, dtype: torch.dtype
) -> None:
    network = build_with_biases(shape, 2).to(dtype)
    chunks = torch.randn(3, shape.window + 50, dtype=dtype)
    prediction = sliding.predict_chunks(network, chunks)
    reference = network(chunks.unfold(1, shape.window, 1).flatten(0, 1)).view(3, 51, shape.outputs)
    assert relative(prediction, reference) < TOLERANCE[dtype]
    weight = torch.randn_like(prediction)
    ours = torch.autograd.grad((prediction * weight).sum(), list(network.parameters()))
    theirs = torch.autograd.grad((reference * weight).sum(), list(network.parameters()))
    for mine, other in zip(ours, theirs, strict=True):
        assert relative(mine, other) < TOLERANCE[dtype]


def test_the_own_backward_pass_passes_gradcheck() -> None:
    torch.manual_seed(3)
    sizes = ((2, 3, 20), (21, 3, 6), (21,), (2, 21))
    inputs = [torch.randn(*size, dtype=torch.float64, requires_grad=True) for size in sizes]
    assert torch.autograd.gradcheck(
        lambda *tensors: torch_backend.HiddenAndOutput.apply(*tensors, 0.0), inputs
    )


def test_dropout_keeps_the_expected_prediction_and_the_gradients_of_what_was_kept(
    backend: str,
) -> None:
    shape = Architecture(window=21, channels=(4,), kernels=(3,), hidden=512, dropout=0.5)
    dtype, function = (
        (torch.float64, torch_backend.HiddenAndOutput)
        if backend == "torch"
        else (torch.float32, native_backend.HiddenAndOutput)
    )
    torch.manual_seed(4)
    network, chunks = shape.build().to(dtype), torch.randn(2, 200, dtype=dtype)
    features = network.extract_features(chunks).detach()
    weight = network.hidden.weight.view(shape.hidden, 4, shape.taps)
    rest = (network.hidden.bias, network.output.weight)
    with torch.no_grad():
        expected = function.apply(features, weight, *rest, 0.0)
        drawn = torch.stack([function.apply(features, weight, *rest, 0.5) for _ in range(200)])
    assert float(drawn.std(0).mean()) > 0
    assert relative(drawn.mean(0), expected) < 0.1
    torch.manual_seed(5)
    prediction = function.apply(features, weight, *rest, 0.5)
    torch.manual_seed(5)
    assert torch.equal(function.apply(features, weight, *rest, 0.5), prediction)
    gradient = torch.autograd.grad(prediction.sum(), network.output.weight)[0]
    assert torch.allclose((gradient * network.output.weight).sum(), prediction.sum(), rtol=1e-4)


def test_no_dropout_when_the_network_is_evaluated() -> None:
    network = (
        Architecture(window=21, channels=(4,), kernels=(3,), hidden=8, dropout=0.5).build().eval()
    )
    chunks = torch.randn(2, 60)
    assert torch.equal(
        sliding.predict_chunks(network, chunks), sliding.predict_chunks(network, chunks)
    )


@given(st.integers(1, 5000))
def test_fft_lengths_are_even_five_smooth_and_no_shorter(least: int) -> None:
    length = find_fast_length(least)
    rest = length
    for factor in (2, 3, 5):
        while rest % factor == 0:
            rest //= factor
    assert rest == 1
    assert length % 2 == 0
    assert least <= length <= 1.35 * least + 3


def gappy_recording() -> Recording:
    random = np.random.default_rng(0)
    mains, kettle = (random.uniform(0, 2000, 1000).astype(np.float32) for _ in range(2))
    mains[300:310] = np.nan
    kettle[500:520] = np.nan
    return Recording("gappy", 6.0, mains, {"kettle": kettle}, jumps=(Jump(700, None),))  # type: ignore[arg-type]


def chunk_batches(
    recordings: list[Recording],
    shape: Architecture,
    chunk: int = 60,
    chunks: int = 3,
    active: float = 0.0,
) -> ChunkBatches:
    scale = Scale.published([APPLIANCES["kettle"]])
    return ChunkBatches(
        Houses(recordings, ["kettle"], shape, scale, torch.device("cpu")),
        chunk,
        chunks,
        seed=1,
        active=active,
    )


def test_an_epoch_of_chunks_visits_every_usable_window_and_no_other() -> None:
    shape, recordings = (
        Architecture(window=33, channels=(2,), kernels=(3,), hidden=3),
        [
            gappy_recording(),
            gappy_recording(),
        ],
    )
    batches = chunk_batches(recordings, shape, chunks=1)
    usable = [find_window_runs(r, shape.window, None, ["kettle"]).flags(0, 968) for r in recordings]
    visits = [np.zeros(968, dtype=int) for _ in recordings]
    for step in range(batches.steps_per_epoch):
        drawn = batches.draw(step)
        flags = batches.gather(drawn)[2]
        for (house, start), flag in zip(drawn.tolist(), flags, strict=True):
            for window in (start + torch.nonzero(flag)[:, 0]).tolist():
                visits[house][window] += 1
    for house in range(2):
        assert not visits[house][~usable[house]].any()
        assert (visits[house][usable[house]] >= 1).mean() > 0.9


def test_the_loss_of_chunks_is_that_of_their_usable_windows() -> None:
    shape = Architecture(window=33, channels=(2,), kernels=(3,), hidden=3)
    recording = gappy_recording()
    batches = chunk_batches([recording], shape)
    torch.manual_seed(0)
    network = shape.build()
    drawn = batches.draw(2)
    errors = []
    for _, start in drawn.tolist():
        for window in range(start, start + batches.hop):
            if (
                0 <= window < 968
                and find_window_runs(recording, 33, None, ["kettle"]).flags(window, 1)[0]
            ):
                mains = (
                    torch.from_numpy(recording.filled_mains_w[window : window + 33]) - 522
                ) / 814
                target = (recording.appliances_w["kettle"][window + 16] - 700) / 1000
                errors.append((network(mains[None])[0, 0] - target) ** 2)
    expected = torch.stack(errors).mean()
    assert torch.allclose(batches.loss(network, drawn), expected, rtol=1e-5)


def rare_kettle() -> Recording:
    """Two long stretches without the kettle, and one with it."""
    kettle = np.zeros(20_000, dtype=np.float32)
    kettle[9_000:9_200] = 2000
    return Recording("rare", 6.0, kettle + 100, {"kettle": kettle})


def test_chunks_in_which_the_power_varies_come_often_and_count_less_in_the_same_loss() -> None:
    shape = Architecture(window=33, channels=(2,), kernels=(3,), hidden=3)
    houses = Houses(
        [rare_kettle()],
        ["kettle"],
        shape,
        Scale.published([APPLIANCES["kettle"]]),
        torch.device("cpu"),
    )
    batches = ChunkBatches(houses, 100, 10, seed=1, active=0.5)
    drawn = torch.cat([batches.draw(step) for step in range(400)])
    weights = batches.weigh(drawn)
    active = torch.tensor([bool(batches.gather(row[None])[1].max() > 0) for row in drawn])
    assert active.double().mean() > 0.2
    tiles = 20_000 / 100
    assert weights[active].sum() / len(drawn) == pytest.approx(3 / tiles, rel=0.2)
    assert weights.mean() == pytest.approx(1, abs=0.05)
    assert weights.max() <= 2


def test_a_house_whose_appliance_never_varies_is_tiled_evenly() -> None:
    shape = Architecture(window=33, channels=(2,), kernels=(3,), hidden=3)
    steady = Recording(
        "steady", 6.0, np.ones(2000, dtype=np.float32), {"kettle": np.zeros(2000, dtype=np.float32)}
    )
    houses = Houses(
        [steady], ["kettle"], shape, Scale.published([APPLIANCES["kettle"]]), torch.device("cpu")
    )
    batches = ChunkBatches(houses, 100, 10, seed=1, active=0.5)
    assert torch.equal(batches.weigh(batches.draw(0)), torch.ones(10))


@pytest.mark.parametrize("active", [0.0, 0.5])
def test_draws_depend_on_seed_and_step_alone(active: float) -> None:
    shape = Architecture(window=33, channels=(2,), kernels=(3,), hidden=3)
    first, other = (chunk_batches([gappy_recording()], shape, active=active) for _ in range(2))
    later = [other.draw(step) for step in (9, 3, 0)]
    assert all(torch.equal(a, first.draw(step)) for a, step in zip(later, (9, 3, 0), strict=True))
    assert not torch.equal(first.draw(0), first.draw(first.steps_per_epoch))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_cuda_agrees_with_the_cpu() -> None:
    torch.manual_seed(0)
    network, series = NETWORKS["seq2point"].build().eval(), torch.randn(6000)
    reference = sliding.predict(network, series)
    assert relative(sliding.predict(network.cuda(), series.cuda()).cpu(), reference) < 1e-4


def test_without_a_compiler_or_where_it_fails_torch_computes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SEQ2POINT_CACHE", str(tmp_path))
    broken = tmp_path / "cc"
    broken.write_text("#!/bin/sh\necho no such target >&2; exit 1\n")
    broken.chmod(0o755)
    for name, value in (
        ("SEQ2POINT_NATIVE", "0"),
        ("PATH", str(tmp_path / "nothing")),
        ("CC", str(broken)),
    ):
        with monkeypatch.context() as here:
            here.setenv(name, value)
            kernels.load_kernels.cache_clear()
            assert kernels.load_kernels() is None
            assert sliding.predict(SHAPES["one tap"].build().eval(), torch.randn(100)).shape == (
                90,
            )
    kernels.load_kernels.cache_clear()
    assert list(tmp_path.iterdir()) == [broken]


def test_every_kernel_file_is_compiled_packed_and_hashed() -> None:
    folder = kernels.SOURCE.parent
    files = {path.name for path in folder.iterdir() if path.suffix not in {".py", ""}}
    assert files == {path.name for path in c_compiler.source_files(kernels.SOURCE)}
    root = Path(__file__).parents[2]
    settings = tomllib.loads((root / "pyproject.toml").read_text())
    globs = settings["tool"]["setuptools"]["package-data"]["seq2point"]
    packed = {path for glob in globs for path in (root / "src" / "seq2point").glob(glob)}
    assert files <= {path.name for path in packed if path.parent.name == "kernels"}
    assert {Path(name).suffix for name in files} == {".c"}  # the source hash of a store reads *.c


def test_a_cache_folder_that_cannot_be_written_costs_a_build_and_no_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if kernels.load_kernels() is None:
        pytest.skip("no C compiler here")
    (tmp_path / "file").touch()
    monkeypatch.setenv("SEQ2POINT_CACHE", str(tmp_path / "file"))
    kernels.load_kernels.cache_clear()
    assert kernels.load_kernels() is not None
    kernels.load_kernels.cache_clear()
