import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seq2point import sliding
from seq2point.appliances import APPLIANCES
from seq2point.network import NETWORKS, Architecture, Seq2Point
from seq2point.recording import Jump, Recording
from seq2point.training.batches import ChunkBatches, Houses
from seq2point.windows import Scale, window_runs

SHAPES = {
    "default in small": Architecture(window=63, hidden=40),
    "one convolution": Architecture(window=41, channels=(3,), kernels=(4,), hidden=17),
    "two appliances": Architecture(window=129, channels=(4, 5), kernels=(3, 2), hidden=33, outputs=2),
    "compacted to almost nothing": Architecture(window=35, channels=(1, 2, 1), kernels=(1, 5, 3), hidden=1, target_index=30),
    "one tap": Architecture(window=11, channels=(2, 3), kernels=(7, 5), hidden=5),
}
TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-10}


def built(shape: Architecture, seed: int) -> Seq2Point:
    """A network with biases, so that no unit stands exactly at the ReLU's kink where the gradient is anyone's choice."""
    torch.manual_seed(seed)
    network = shape.build()
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter, std=0.1)
    return network


def relative(answer: torch.Tensor, reference: torch.Tensor) -> float:
    assert answer.shape == reference.shape
    return float((answer - reference).detach().abs().max() / reference.detach().abs().max())


@pytest.fixture(params=SHAPES.values(), ids=SHAPES.keys())
def shape(request: pytest.FixtureRequest) -> Architecture:
    return request.param


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_sliding_equals_window_by_window(shape: Architecture, dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    network, series = shape.build().to(dtype).eval(), torch.randn(5000, dtype=dtype)
    assert relative(sliding.predict(network, series), sliding.predict_windows(network, series)) < TOLERANCE[dtype]


@given(length=st.integers(63, 6000), memory_mb=st.sampled_from([1.0, 20.0, 512.0]))
def test_every_length_and_memory_gives_the_same_answers(length: int, memory_mb: float) -> None:
    torch.manual_seed(length)
    network, series = SHAPES["default in small"].build().double().eval(), torch.randn(length, dtype=torch.float64)
    answer = sliding.predict(network, series, memory_mb)
    assert relative(answer, sliding.predict_windows(network, series)) < 1e-10


def test_the_full_network_agrees_in_float32() -> None:
    torch.manual_seed(0)
    network, series = NETWORKS["seq2point"].build().eval(), torch.randn(4000)
    reference = sliding.predict_windows(network, series[:900])
    assert relative(sliding.predict(network, series)[: len(reference)], reference) < 1e-4


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_gradients_of_chunks_equal_those_of_their_windows(shape: Architecture, dtype: torch.dtype) -> None:
    network = built(shape, 2).to(dtype)
    chunks = torch.randn(3, shape.window + 50, dtype=dtype)
    answer = sliding.predict_chunks(network, chunks)
    reference = network(chunks.unfold(1, shape.window, 1).flatten(0, 1)).view(3, 51, shape.outputs)
    assert relative(answer, reference) < TOLERANCE[dtype]
    weight = torch.randn_like(answer)
    ours = torch.autograd.grad((answer * weight).sum(), list(network.parameters()))
    theirs = torch.autograd.grad((reference * weight).sum(), list(network.parameters()))
    for mine, other in zip(ours, theirs, strict=True):
        assert relative(mine, other) < TOLERANCE[dtype]


def test_the_own_backward_pass_passes_gradcheck() -> None:
    torch.manual_seed(3)
    sizes = ((2, 3, 20), (21, 3, 6), (21,), (2, 21), (2,))
    inputs = [torch.randn(*size, dtype=torch.float64, requires_grad=True) for size in sizes]
    assert torch.autograd.gradcheck(lambda *tensors: sliding.HiddenAndOutput.apply(*tensors, 0.0), inputs)


def test_dropout_keeps_the_expected_answer_and_the_gradients_of_what_was_kept() -> None:
    shape = Architecture(window=21, channels=(4,), kernels=(3,), hidden=512, dropout=0.5)
    torch.manual_seed(4)
    network, chunks = shape.build().double(), torch.randn(2, 200, dtype=torch.float64)
    features = network.features(chunks).detach()
    weight = network.hidden.weight.view(shape.hidden, 4, shape.taps)
    rest = (network.hidden.bias, network.output.weight, network.output.bias)
    with torch.no_grad():
        plain = sliding.HiddenAndOutput.apply(features, weight, *rest, 0.0)
        drawn = torch.stack([sliding.HiddenAndOutput.apply(features, weight, *rest, 0.5) for _ in range(200)])
    assert float(drawn.std(0).mean()) > 0
    assert relative(drawn.mean(0), plain) < 0.1
    torch.manual_seed(5)
    answer = sliding.HiddenAndOutput.apply(features, weight, *rest, 0.5)
    gradient = torch.autograd.grad(answer.sum(), network.output.weight)[0]
    assert torch.allclose((gradient * network.output.weight).sum(), (answer - network.output.bias).sum())


def test_no_dropout_when_the_network_is_evaluated() -> None:
    network = Architecture(window=21, channels=(4,), kernels=(3,), hidden=8, dropout=0.5).build().eval()
    chunks = torch.randn(2, 60)
    assert torch.equal(sliding.predict_chunks(network, chunks), sliding.predict_chunks(network, chunks))


@given(st.integers(1, 5000))
def test_fft_lengths_are_even_five_smooth_and_no_shorter(least: int) -> None:
    length = sliding.fast_length(least)
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


def chunk_batches(recordings: list[Recording], shape: Architecture, chunk: int = 60, chunks: int = 3) -> ChunkBatches:
    scale = Scale.lineage([APPLIANCES["kettle"]])
    return ChunkBatches(Houses(recordings, ["kettle"], shape, scale, torch.device("cpu")), chunk, chunks, seed=1)


def test_an_epoch_of_chunks_visits_every_usable_window_and_no_other() -> None:
    shape, recordings = Architecture(window=33, channels=(2,), kernels=(3,), hidden=3), [gappy_recording(), gappy_recording()]
    batches = chunk_batches(recordings, shape, chunks=1)
    usable = [window_runs(r, shape.window, None, ["kettle"]).flags(0, 968) for r in recordings]
    seen = [np.zeros(968, dtype=int) for _ in recordings]
    for step in range(batches.steps_per_epoch):
        drawn = batches.draw(step)
        flags = batches.gather(drawn)[2]
        for (house, start), flag in zip(drawn.tolist(), flags, strict=True):
            for window in (start + torch.nonzero(flag)[:, 0]).tolist():
                seen[house][window] += 1
    for house in range(2):
        assert not seen[house][~usable[house]].any()
        assert (seen[house][usable[house]] >= 1).mean() > 0.9


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
            if 0 <= window < 968 and window_runs(recording, 33, None, ["kettle"]).flags(window, 1)[0]:
                mains = (torch.from_numpy(recording.mains_w[window : window + 33]) - 522) / 814
                target = (recording.appliances_w["kettle"][window + 16] - 700) / 1000
                errors.append((network(mains[None])[0, 0] - target) ** 2)
    expected = torch.stack(errors).mean()
    assert torch.allclose(batches.loss(network, drawn), expected, rtol=1e-5)


def test_draws_depend_on_seed_and_step_alone() -> None:
    shape = Architecture(window=33, channels=(2,), kernels=(3,), hidden=3)
    one, other = chunk_batches([gappy_recording()], shape), chunk_batches([gappy_recording()], shape)
    later = [other.draw(step) for step in (9, 3, 0)]
    assert all(torch.equal(a, one.draw(step)) for a, step in zip(later, (9, 3, 0), strict=True))
    assert not torch.equal(one.draw(0), one.draw(one.steps_per_epoch))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_cuda_agrees_with_the_cpu() -> None:
    torch.manual_seed(0)
    network, series = NETWORKS["seq2point"].build().eval(), torch.randn(6000)
    reference = sliding.predict(network, series)
    assert relative(sliding.predict(network.cuda(), series.cuda()).cpu(), reference) < 1e-4
