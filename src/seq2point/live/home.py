"""Home: all models on one home's readings, as they come, and the answers that are due."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from seq2point.configuration.columns import FILL
from seq2point.data.grid import LEAST_KNOWN, Times
from seq2point.errors import UsageError
from seq2point.live.mains_parts import (
    Answers,
    BalanceParts,
    average_rows,
    cap_at_mains,
    split_always_on,
)
from seq2point.live.pace import Pace
from seq2point.live.stream import Rows, Stream
from seq2point.predictor import Predictor
from seq2point.recording import Watts, is_same_period

STATE_VERSION = 1


class Home:
    """Tells a home's appliances apart with several models, sample by sample.

    The samples are of the longest period among the models; finer predictions are averaged. A sample
    is due once the slowest model has answered. `balance` makes parts that add up to the mains, and
    `floor_w` of what is left is always on.
    Raises UsageError for two models of one appliance, and DataError where the readings are too far
    apart for a model.
    """

    def __init__(
        self,
        predictors: Sequence[Predictor],
        pace: Pace,
        *,
        fill: int = FILL,
        late_s: float = 0.0,
        balance: BalanceParts = cap_at_mains,
    ):
        self.names = [a.name for predictor in predictors for a in predictor.appliances]
        for name in self.names:
            if self.names.count(name) > 1:
                raise UsageError(f"two models predict the {name.replace('_', ' ')}: give one")
        if not predictors:
            raise UsageError("no model is given: name one at least")
        self.pace, self.balance, self.floor_w = pace, balance, 0.0
        self.streams = [Stream(each, pace, fill=fill, late_s=late_s) for each in predictors]
        self.period_s = max(stream.predictor.period_s for stream in self.streams)
        self._pending = [_no_rows(stream) for stream in self.streams]
        self._due_s: float | None = None
        for stream in self.streams:
            waits_s = self.delay_s - stream.delay_s + 2 * self.period_s
            stream.history = int(np.ceil(waits_s / stream.predictor.period_s)) + 1

    @property
    def delay_s(self) -> float:
        """How long after its time a sample is due, where readings come as usual."""
        return max(stream.delay_s for stream in self.streams)

    @property
    def counts(self) -> dict[str, int]:
        """How many readings were left out, by the reason."""
        return dict(vars(self.streams[0].arrivals.counts))

    def feed(self, times_s: Times, watts: Watts) -> Answers:
        """Return the samples that are due after further readings."""
        return self._answer([stream.feed(times_s, watts) for stream in self.streams], False)

    def flush(self) -> Answers:
        """Return all samples up to the last reading."""
        return self._answer([stream.flush() for stream in self.streams], True)

    def _answer(self, rows: Sequence[Rows], at_end: bool) -> Answers:
        self._pending = [
            pending.join(new) for pending, new in zip(self._pending, rows, strict=True)
        ]
        base = [
            i
            for i, stream in enumerate(self.streams)
            if is_same_period(stream.predictor.period_s, self.period_s)
        ]
        ready = min(len(self._pending[i]) for i in base)
        times_s = self._pending[base[0]].times_s[:ready]
        if not at_end:
            ready = min(
                ready,
                *(
                    int(np.searchsorted(times_s + self.period_s, self._find_progress_s(i), "right"))
                    for i in range(len(self.streams))
                    if i not in base
                ),
                ready,
            )
            times_s = times_s[:ready]
        first = self._pending[base[0]]
        mains_w, jumps = first.mains_w[:ready], first.jumps[:ready]
        predicted_w: dict[str, Watts] = {}
        for i, stream in enumerate(self.streams):
            power_w = self._take(i, i in base, times_s)
            for column, appliance in enumerate(stream.predictor.appliances):
                predicted_w[appliance.name] = power_w[:, column]
        if len(times_s):
            self._due_s = float(times_s[-1]) + self.period_s / 2
        parts_w = split_always_on(self.balance(mains_w, predicted_w), self.floor_w)
        return Answers(self.period_s, times_s, mains_w, predicted_w, parts_w, jumps)

    def _find_progress_s(self, index: int) -> float:
        """Return until when a model has answered."""
        pending, stream = self._pending[index], self.streams[index]
        return float(pending.times_s[-1]) + stream.predictor.period_s if len(pending) else -np.inf

    def _take(self, index: int, is_base: bool, times_s: Times) -> Watts:
        """Return a model's power f32[N, A] at samples, and forget what is past them."""
        pending, stream = self._pending[index], self.streams[index]
        if not len(times_s):
            return pending.power_w[:0]
        if is_base:
            self._pending[index] = pending.slice(len(times_s))
            return pending.power_w[: len(times_s)]
        period_s = stream.predictor.period_s
        power_w = average_rows(
            pending.times_s,
            pending.power_w,
            times_s,
            self.period_s,
            LEAST_KNOWN * self.period_s / period_s,
        )
        past = int(np.searchsorted(pending.times_s, times_s[-1] + self.period_s))
        self._pending[index] = pending.slice(past)
        return power_w

    def as_json(self) -> dict[str, Any]:
        """Return what a later start goes on from, as JSON: samples of each period, and the pace."""
        longest: dict[float, Stream] = {}
        for stream in self.streams:
            known = longest.get(stream.predictor.period_s)
            if known is None or stream.length > known.length:
                longest[stream.predictor.period_s] = stream
        return {
            "version": STATE_VERSION,
            "pace": list(self.pace),
            "due_s": self._due_s,
            "streams": [stream.as_json() for stream in longest.values()],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what a home has kept, whatever its models were."""
        if state.get("version") != STATE_VERSION:
            return
        self._due_s = state["due_s"]
        due_s = -np.inf if self._due_s is None else self._due_s
        for stream in self.streams:
            for kept in state["streams"]:
                if is_same_period(kept["period_s"], stream.predictor.period_s):
                    stream.restore(kept, due_s)


def _no_rows(stream: Stream) -> Rows:
    outputs = len(stream.predictor.appliances)
    nothing = np.empty(0, np.float32)
    return Rows(np.empty(0), nothing, np.empty((0, outputs), np.float32), np.empty(0, bool))
