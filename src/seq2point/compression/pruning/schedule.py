"""How much is pruned, and when: sparsity against the training step."""

from dataclasses import dataclass
from typing import Protocol

from seq2point.errors import UsageError


class Schedule(Protocol):
    """A sparsity for every step, and the steps at which the mask is updated; the first batch is
    step 1.
    """

    def sparsity_at(self, step: int) -> float:
        """The sparsity that holds at a step, 0 to 1."""
        ...

    def updates_at(self, step: int) -> bool:
        """Whether the mask is computed anew at a step."""
        ...

    @property
    def final_sparsity(self) -> float:
        """The sparsity at the end."""
        ...


def _check(sparsities: tuple[float, ...], begin: int, end: int, frequency: int) -> None:
    for sparsity in sparsities:
        if not 0 <= sparsity < 1:
            raise UsageError(
                f"a sparsity of {sparsity} is out of range: the fraction removed, from 0 to below 1"
            )
    if frequency < 1:
        raise UsageError(f"a pruning frequency of {frequency} steps is out of range: at least 1")
    if begin < 0 or (end != -1 and end < begin):
        raise UsageError(
            f"pruning from step {begin} to step {end} is no span (an end of -1 means until the last"
            " step)"
        )


@dataclass(frozen=True)
class ConstantSparsity:
    """The full sparsity from the first update on (TensorFlow Model Optimization Toolkit,
    ConstantSparsity).

    The mask is updated at every `frequency`-th step from `begin` to `end`; an `end` of -1 means
    until the last step.
    Raises UsageError for numbers out of range.
    """

    target: float = 0.5
    begin: int = 0
    end: int = -1
    frequency: int = 100

    def __post_init__(self) -> None:
        _check((self.target,), self.begin, self.end, self.frequency)

    def sparsity_at(self, step: int) -> float:
        """The target from `begin` on, nothing before."""
        return self.target if step >= self.begin else 0.0

    def updates_at(self, step: int) -> bool:
        """Every `frequency`-th step from `begin` to `end`."""
        inside = self.begin <= step and (self.end == -1 or step <= self.end)
        return inside and (step - self.begin) % self.frequency == 0

    @property
    def final_sparsity(self) -> float:
        """The target."""
        return self.target


@dataclass(frozen=True)
class PolynomialDecay:
    """Sparsity that grows from `initial` to `final`, fast at first (Zhu and Gupta 2017, arXiv
    1710.01878, equation 1).

    s = final + (initial - final) (1 - p)^power with p = (step - begin) / (end - begin) in 0 to 1;
    the mask is updated at every `frequency`-th step from `begin`, and also at `end`, which the
    TensorFlow toolkit omits when the span is no multiple of the frequency, so that it never reaches
    the final sparsity.
    Raises UsageError for numbers out of range.
    """

    initial: float
    final: float
    begin: int
    end: int
    power: float = 3.0
    frequency: int = 100

    def __post_init__(self) -> None:
        _check((self.initial, self.final), self.begin, self.end, self.frequency)
        if self.end <= self.begin:
            raise UsageError(
                f"a polynomial schedule needs an end after its begin, not {self.begin} to"
                f" {self.end}"
            )
        if not self.power > 0:
            raise UsageError(f"a power of {self.power} is out of range: above 0")

    def sparsity_at(self, step: int) -> float:
        """The formula's value; `initial` before `begin`, `final` after `end`."""
        p = min(max((step - self.begin) / (self.end - self.begin), 0.0), 1.0)
        left: float = (1 - p) ** self.power
        return self.final + (self.initial - self.final) * left

    def updates_at(self, step: int) -> bool:
        """Every `frequency`-th step from `begin`, and `end`."""
        if step == self.end:
            return True
        return self.begin <= step < self.end and (step - self.begin) % self.frequency == 0

    @property
    def final_sparsity(self) -> float:
        """The sparsity from `end` on."""
        return self.final
