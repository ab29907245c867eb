"""Material: what a training learns from beside its recordings.

Traces are recordings of appliances alone. Those of the appliance are transplanted; a machine's
uses become a house without mains, in which it runs now and then. Those of other appliances are
distractors: their power is added to the mains, and the target stays. Simulated houses are drawn
while the training goes on (simulated_houses.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from seq2point.appliances import Appliance
from seq2point.configuration import TrainingConfig
from seq2point.datasets.traces import Trace, group_by_device
from seq2point.errors import UsageError
from seq2point.recording import Recording, Watts
from seq2point.recording.coverage import DAY_S

TRACE_DAYS = 28.0
"""Days of the house that a machine's uses become; a longer trace stands as it is."""
LONG_S = DAY_S / 2
"""A trace of this length or more holds many uses, and the pauses between them."""
USES_PER_DAY: Mapping[str, tuple[float, float]] = {
    "kettle": (3.0, 10.0),
    "microwave": (2.0, 8.0),
    "dishwasher": (0.3, 1.2),
    "washing_machine": (0.3, 1.2),
}
"""The least and the most uses a day of the machines of traces."""
OTHER_USES_PER_DAY = (1.0, 3.0)


class Distractors:
    """Other appliances' power, each a series f32[N] in watts without gaps, to add to the mains."""

    def __init__(self, series_w: Sequence[Watts], per_day: float):
        self._series_w, self._per_day = series_w, per_day

    @cached_property
    def _summed(self) -> list[npt.NDArray[np.float64]]:
        return [np.cumsum(power_w + 1e-3, dtype=np.float64) for power_w in self._series_w]

    def draw_w(self, seed: int, samples: int, period_s: float) -> Watts:
        """Return the sum of stretches of the series, f32[samples]: `per_day` a day on average.

        A stretch is placed where its appliance is likely on.
        """
        random = np.random.default_rng((seed, 2))
        total_w = np.zeros(samples, np.float32)
        for _ in range(random.poisson(self._per_day * samples * period_s / DAY_S)):
            number = int(random.integers(len(self._series_w)))
            series_w, summed = self._series_w[number], self._summed[number]
            on = int(np.searchsorted(summed, random.random() * summed[-1]))
            first = on - int(random.integers(samples))
            begin, end = max(first, 0), min(first + samples, len(series_w))
            total_w[begin - first : end - first] += series_w[begin:end]
        return total_w


@dataclass(frozen=True)
class Material:
    """What a training learns from beside its recordings, and the share of each.

    `simulated` and `traced` are the shares of chunks whose appliance is of a simulated house and of
    a trace, `simulated_mains` that of transplants whose mains are of a simulated house.
    """

    simulated: float
    simulated_mains: float
    traced: float
    trace_houses: Sequence[Recording]
    distractors: Distractors | None

    @classmethod
    def choose(
        cls, config: TrainingConfig, traces: Sequence[Trace], appliance: Appliance, period_s: float
    ) -> Self:
        """Return the material of a training's options and traces.

        Raises UsageError for a share of traces without a trace of the appliance.
        """
        own = [trace for trace in traces if trace.appliance == appliance.name]
        others = [trace for trace in traces if not trace.may_be_of(appliance.name)]
        if config.traced and not own:
            raise UsageError(
                f"`traced` {config.traced:g}: there is no trace of the {appliance.label}; give some"
                " with `traces`"
            )
        traced = config.traced_share if own else 0.0
        if config.simulated + traced >= 1:
            raise UsageError(
                f"`simulated` {config.simulated:g} and `traced` {traced:g} together are all: leave"
                " some for the houses"
            )
        per_day = config.distractors_per_day if others else 0.0
        series_w = [trace.average(period_s) for trace in others] if per_day else []
        return cls(
            config.simulated,
            config.simulated_mains_share,
            traced,
            make_trace_houses(own, appliance, period_s, config.seed),
            Distractors(series_w, per_day) if series_w else None,
        )

    def __bool__(self) -> bool:
        return bool(self.simulated or self.simulated_mains or self.traced or self.distractors)


def make_trace_houses(
    traces: Sequence[Trace], appliance: Appliance, period_s: float, seed: int
) -> list[Recording]:
    """Return a recording of each machine of an appliance, whose mains are unknown throughout.

    Short traces are placed now and then, at random. A long one is a recording of its own.
    """
    series: list[tuple[str, Watts]] = []
    for number, uses in enumerate(group_by_device(traces)):
        long = [use for use in uses if len(use.power_w) * use.period_s >= LONG_S]
        series += [(use.device, use.average(period_s)) for use in long]
        short_w = [use.average(period_s) for use in uses if use not in long]
        if short_w:
            random = np.random.default_rng((seed, number, 77))
            rate = USES_PER_DAY.get(appliance.name, OTHER_USES_PER_DAY)
            series.append((uses[0].device, _place_uses_w(short_w, rate, period_s, random)))
    return [
        Recording(
            f"trace {device}",
            period_s,
            np.full(len(power_w), np.nan, np.float32),
            {appliance.name: power_w},
        )
        for device, power_w in series
    ]


def _place_uses_w(
    uses_w: Sequence[Watts],
    per_day: tuple[float, float],
    period_s: float,
    random: np.random.Generator,
) -> Watts:
    power_w = np.zeros(round(TRACE_DAYS * DAY_S / period_s), np.float32)
    pause = DAY_S / random.uniform(*per_day) / period_s
    first = int(random.exponential(pause))
    while first < len(power_w):
        use_w = uses_w[int(random.integers(len(uses_w)))]
        room_w = power_w[first : first + len(use_w)]
        room_w[:] = use_w[: len(room_w)]
        first += len(use_w) + int(random.exponential(pause))
    return power_w


def describe_traces(traces: Sequence[Trace]) -> list[str]:
    """Return what decides the weights of a training with traces, as JSON."""
    return [trace.digest() for trace in traces]


def as_traces(given: Any) -> list[Trace]:
    """Return traces as a list.

    Raises UsageError for what are none.
    """
    traces = [] if given is None else list(given)
    if strange := next((each for each in traces if not isinstance(each, Trace)), None):
        raise UsageError(
            f"`traces` holds a {type(strange).__name__}: give what"
            " seq2point.datasets.traces.read_traces returns"
        )
    return traces
