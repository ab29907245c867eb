"""How much is pruned, and when: sparsity against the training step."""

from dataclasses import dataclass
from typing import Protocol

from seq2point.errors import UsageError


class Schedule(Protocol):
    """A sparsity for every step, and the steps that update the mask; the first batch is step 1."""

    def sparsity_at(self, step: int) -> float:
        """Return the sparsity at a step, 0 to 1."""
        ...

    def updates_at(self, step: int) -> bool:
        """Return whether a step updates the mask."""
        ...

    @property
    def final_sparsity(self) -> float:
        """Return the sparsity at the end."""
        ...


def _check_span(sparsities: tuple[float, ...], begin: int, end: int, frequency: int) -> None:
    for sparsity in sparsities:
        if not 0 <= sparsity < 1:
            raise UsageError(
                f"sparsity {sparsity} is out of range: give the fraction removed, from 0 to below 1"
            )
    if frequency < 1:
        raise UsageError(f"frequency {frequency} is out of range: give at least 1 step")
    if begin < 0 or (end != -1 and end < begin):
        raise UsageError(
            f"begin {begin} and end {end} are not a span of steps: give an end after the begin, or"
            " -1 for the last step"
        )


@dataclass(frozen=True)
class ConstantSparsity:
    """The full sparsity from the first update on.

    Source: ConstantSparsity of the TensorFlow Model Optimization Toolkit. Every `frequency`-th step
    from `begin` to `end` updates the mask. An `end` of -1 is the last step. Raises UsageError for
    numbers out of range.
    """

    target: float = 0.5
    begin: int = 0
    end: int = -1
    frequency: int = 100

    def __post_init__(self) -> None:
        _check_span((self.target,), self.begin, self.end, self.frequency)

    def sparsity_at(self, step: int) -> float:
        """Return the target from `begin` on, 0 before."""
        return self.target if step >= self.begin else 0.0

    def updates_at(self, step: int) -> bool:
        """Return whether a step is a `frequency`-th one from `begin` to `end`."""
        inside = self.begin <= step and (self.end == -1 or step <= self.end)
        return inside and (step - self.begin) % self.frequency == 0

    @property
    def final_sparsity(self) -> float:
        """Return the target."""
        return self.target


@dataclass(frozen=True)
class PolynomialDecay:
    """A sparsity that grows from `initial` to `final`, fast at first.

    s = final + (initial - final) (1 - p)^power with p = (step - begin) / (end - begin) in 0 to 1
    (Zhu and Gupta 2017, arXiv 1710.01878, equation 1). Every `frequency`-th step from `begin`
    updates the mask, and so does `end`. The TensorFlow toolkit omits `end` where the span is not a
    multiple of the frequency, and then never reaches the final sparsity. Raises UsageError for
    numbers out of range.
    """

    initial: float
    final: float
    begin: int
    end: int
    power: float = 3.0
    frequency: int = 100

    def __post_init__(self) -> None:
        _check_span((self.initial, self.final), self.begin, self.end, self.frequency)
        if self.end <= self.begin:
            raise UsageError(
                f"end {self.end} of a polynomial schedule is not after its begin {self.begin}: give"
                " a later end"
            )
        if not self.power > 0:
            raise UsageError(f"power {self.power} is out of range: give a number above 0")

    def sparsity_at(self, step: int) -> float:
        """Return the formula's value, `initial` before `begin` and `final` after `end`."""
        p = min(max((step - self.begin) / (self.end - self.begin), 0.0), 1.0)
        left: float = (1 - p) ** self.power
        return self.final + (self.initial - self.final) * left

    def updates_at(self, step: int) -> bool:
        """Return whether a step is `end`, or a `frequency`-th one from `begin`."""
        if step == self.end:
            return True
        return self.begin <= step < self.end and (step - self.begin) % self.frequency == 0

    @property
    def final_sparsity(self) -> float:
        """Return the sparsity from `end` on."""
        return self.final
