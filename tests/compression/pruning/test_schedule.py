"""Schedules against their formulas, written out here a second time, at every step."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2point.compression.pruning.schedule import ConstantSparsity, PolynomialDecay
from seq2point.errors import UsageError

SPARSITIES = st.floats(0, 0.99)


@st.composite
def decays(draw: st.DrawFn) -> PolynomialDecay:
    begin = draw(st.integers(0, 50))
    end = begin + draw(st.integers(1, 200))
    power = draw(st.sampled_from([1.0, 2.0, 3.0]))
    return PolynomialDecay(
        draw(SPARSITIES), draw(SPARSITIES), begin, end, power, draw(st.integers(1, 60))
    )


def test_the_defaults_are_the_toolkits():
    constant, decay = ConstantSparsity(), PolynomialDecay(0.0, 0.5, 0, 1000)
    assert (constant.target, constant.begin, constant.end, constant.frequency) == (0.5, 0, -1, 100)
    assert (decay.power, decay.frequency) == (3, 100)


@given(
    target=SPARSITIES,
    begin=st.integers(0, 30),
    frequency=st.integers(1, 40),
    span=st.none() | st.integers(0, 90),
)
def test_constant_sparsity_updates_every_frequency_steps_from_begin_to_end(
    target: float, begin: int, frequency: int, span: int | None
):
    end = -1 if span is None else begin + span
    schedule = ConstantSparsity(target, begin, end, frequency)
    last = 150 if span is None else end
    assert [s for s in range(1, 151) if schedule.updates_at(s)] == [
        s for s in range(begin, last + 1, frequency) if 1 <= s <= 150
    ]
    assert all(schedule.sparsity_at(s) == (target if s >= begin else 0) for s in range(150))
    assert schedule.final_sparsity == target


def test_by_default_the_hundredth_batch_is_the_first_that_prunes():
    schedule = ConstantSparsity()
    assert [step for step in range(1, 301) if schedule.updates_at(step)] == [100, 200, 300]


@given(decays())
def test_polynomial_decay_follows_the_formula(schedule: PolynomialDecay):
    initial, final = Fraction(schedule.initial), Fraction(schedule.final)
    for step in range(schedule.end + 20):
        p = min(
            max(Fraction(step - schedule.begin, schedule.end - schedule.begin), Fraction(0)),
            Fraction(1),
        )
        expected = final + (initial - final) * (1 - p) ** int(schedule.power)
        assert schedule.sparsity_at(step) == pytest.approx(float(expected), abs=1e-12)


@given(decays())
def test_polynomial_decay_updates_every_frequency_steps_and_once_more_at_its_end(
    schedule: PolynomialDecay,
):
    steps = [step for step in range(schedule.end + 100) if schedule.updates_at(step)]
    assert steps == sorted({*range(schedule.begin, schedule.end, schedule.frequency), schedule.end})


@given(decays())
def test_polynomial_decay_ends_at_exactly_its_final_sparsity(schedule: PolynomialDecay):
    assert schedule.updates_at(schedule.end)
    assert schedule.sparsity_at(schedule.end) == schedule.final == schedule.final_sparsity
    assert schedule.sparsity_at(schedule.begin) == pytest.approx(schedule.initial, abs=1e-15)


def test_the_end_prunes_although_the_span_is_no_multiple_of_the_frequency():
    schedule = PolynomialDecay(0.0, 0.8, begin=10, end=260, frequency=100)
    assert [step for step in range(1, 400) if schedule.updates_at(step)] == [10, 110, 210, 260]
    assert schedule.sparsity_at(210) < 0.8
    assert schedule.sparsity_at(260) == 0.8


@pytest.mark.parametrize(
    ("schedule", "numbers", "message"),
    [
        (ConstantSparsity, {"target": 1.0}, "sparsity 1.0 is out of range"),
        (ConstantSparsity, {"target": -0.1}, "sparsity -0.1 is out of range"),
        (ConstantSparsity, {"target": float("nan")}, "sparsity nan is out of range"),
        (ConstantSparsity, {"frequency": 0}, "frequency 0 is out of range"),
        (ConstantSparsity, {"begin": -1}, "begin -1 and end -1 are not a span of steps"),
        (ConstantSparsity, {"begin": 5, "end": 4}, "begin 5 and end 4 are not a span of steps"),
        (
            PolynomialDecay,
            {"initial": 1.2, "final": 0.5, "begin": 0, "end": 10},
            "sparsity 1.2 is out of range",
        ),
        (
            PolynomialDecay,
            {"initial": 0, "final": 1, "begin": 0, "end": 10},
            "sparsity 1 is out of range",
        ),
        (
            PolynomialDecay,
            {"initial": 0, "final": 0.5, "begin": 10, "end": 10},
            "end 10 of a polynomial schedule is not after its begin 10",
        ),
        (
            PolynomialDecay,
            {"initial": 0, "final": 0.5, "begin": 10, "end": -1},
            "end -1 of a polynomial schedule is not after its begin 10",
        ),
        (
            PolynomialDecay,
            {"initial": 0, "final": 0.5, "begin": 0, "end": 9, "frequency": -3},
            "frequency -3 is out of range",
        ),
        (
            PolynomialDecay,
            {"initial": 0, "final": 0.5, "begin": 0, "end": 9, "power": 0},
            "power 0 is out of range",
        ),
        (
            PolynomialDecay,
            {"initial": 0, "final": 0.5, "begin": 0, "end": 9, "power": -1.0},
            "power -1.0 is out of range",
        ),
    ],
)
def test_numbers_out_of_range_are_refused(schedule: type, numbers: dict[str, float], message: str):
    with pytest.raises(UsageError, match=message):
        schedule(**numbers)
