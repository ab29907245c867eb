"""Home: all models on one home's readings, as they come, and the answers that are due."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seq2point.configuration.columns import FILL
from seq2point.data.grid import Times
from seq2point.errors import UsageError
from seq2point.household.balance import ALWAYS_ON, OTHER, balance
from seq2point.household.home_models import HomeModel, find_error_w
from seq2point.live.cycles import CycleWatch, Notice
from seq2point.live.floor import Floor, FloorSpan
from seq2point.live.home_state import STATE_VERSION, upgrade_state
from seq2point.live.mains_parts import Answers
from seq2point.live.pace import Pace
from seq2point.live.row_joining import RowJoiner
from seq2point.live.rows import Rows
from seq2point.live.stream import Stream
from seq2point.live.targets import count_after, find_target_index
from seq2point.model.event_decisions import find_event_settings
from seq2point.recording import Watts, is_same_period

GRACE_S = 30.0
"""A reading may be on its way for so long before its absence counts as silence."""


class Home:
    """Tells a home's appliances apart with several models, sample by sample.

    Models that answer at the same times are decided by event together. The samples are of the
    longest period among the models; finer predictions are averaged. A sample is due once the
    slowest model has answered. Its parts are those of `household.balance`: appliances, always on
    and other, which add up to the mains; what is unknown is in other. Days are the local ones of
    `zone`. Starts and finishes of an appliance are told as soon as its own model has answered.
    Raises UsageError for two models of one appliance, and DataError where the readings are too far
    apart for a model.
    """

    def __init__(
        self,
        models: Sequence[HomeModel],
        pace: Pace,
        *,
        fill: int = FILL,
        late_s: float = 0.0,
        zone: str = "UTC",
    ):
        if not models:
            raise UsageError("no model is given: name one at least")
        self.pace = pace
        self.streams = [
            Stream(
                [model.predictor for model in group],
                pace,
                fill=fill,
                late_s=late_s,
                settings=find_settings(group),
            )
            for group in group_models(models)
        ]
        self.appliances = tuple(a for stream in self.streams for a in stream.appliances)
        self.names = [appliance.name for appliance in self.appliances]
        for name in self.names:
            if self.names.count(name) > 1:
                raise UsageError(f"two models predict the {name.replace('_', ' ')}: give one")
        self.period_s = max(stream.period_s for stream in self.streams)
        self._errors_w = {
            a.name: find_error_w(model, a) for model in models for a in model.predictor.appliances
        }
        self.floor = Floor(self.period_s, zone)
        self.watches = {
            a.name: CycleWatch(a, stream.period_s)
            for stream in self.streams
            for a in stream.appliances
        }
        self._notices: list[Notice] = []
        self._joiner = RowJoiner(self.streams, self.period_s)
        self._due_s: float | None = None
        for stream in self.streams:
            waits_s = self.delay_s - stream.delay_s + 2 * self.period_s
            stream.history = int(np.ceil(waits_s / stream.period_s)) + 1

    @property
    def delay_s(self) -> float:
        """How long after its time a sample is due, where readings come as usual."""
        return max(stream.delay_s for stream in self.streams)

    @property
    def window_s(self) -> float:
        """How long the readings are that the first answer of all models needs."""
        return max(
            predictor.window * predictor.period_s
            for stream in self.streams
            for predictor in stream.predictors
        )

    @property
    def finished_within_s(self) -> dict[str, float]:
        """How long after an appliance's end its finish is told, by appliance."""
        return {
            a.name: stream.delay_s + self.watches[a.name].pause_s
            for stream in self.streams
            for a in stream.appliances
        }

    @property
    def newest_s(self) -> float:
        """The latest time of a reading; minus infinity before the first."""
        return self.streams[0].arrivals.newest_s

    @property
    def counts(self) -> dict[str, int]:
        """How many readings were left out, by the reason."""
        return dict(vars(self.streams[0].arrivals.counts))

    @property
    def running(self) -> dict[str, bool]:
        """Whether each appliance is in a cycle that was told."""
        return {name: watch.is_on for name, watch in self.watches.items()}

    @property
    def running_since_s(self) -> dict[str, float]:
        """Since when each appliance runs that is in a cycle that was told."""
        starts_s = {name: watch.start_s for name, watch in self.watches.items()}
        return {name: start_s for name, start_s in starts_s.items() if start_s is not None}

    def feed(self, times_s: Times, watts: Watts) -> Answers:
        """Return the samples that are due after further readings."""
        return self._answer([stream.feed(times_s, watts) for stream in self.streams])

    def advance(self, now_s: float) -> Answers:
        """Return the samples that are due because it is `now_s`, and no reading has come.

        Gaps are filled as far as `fill` says or the last reading holds. Then power is unknown.
        """
        until_s = now_s - self.streams[0].arrivals.late_s - GRACE_S
        rows = [stream.advance(until_s) for stream in self.streams]
        return self._answer(rows, not any(stream.sampler.is_open for stream in self.streams))

    def flush(self) -> Answers:
        """Return all samples up to the last reading."""
        return self._answer([stream.flush() for stream in self.streams], True)

    def take_notices(self) -> list[Notice]:
        """Return the starts and finishes since the last call."""
        notices, self._notices = self._notices, []
        return sorted(notices, key=lambda notice: notice.told_s)

    def _answer(self, rows: Sequence[Rows], at_end: bool = False) -> Answers:
        for stream, new in zip(self.streams, rows, strict=True):
            for column, appliance in enumerate(stream.appliances):
                watch = self.watches[appliance.name]
                self._notices += watch.feed(new.times_s, new.power_w[:, column], new.jumps)
        times_s, mains_w, predicted_w, jumps = self._joiner.join(rows, at_end)
        if len(times_s):
            self._due_s = float(times_s[-1]) + self.period_s / 2
        spans = [*self.floor.feed(times_s, mains_w)]
        floors_w = [np.full(span.end - span.first, span.floor_w, np.float32) for span in spans]
        predicted_w = {**predicted_w, ALWAYS_ON: np.concatenate([mains_w[:0], *floors_w])}
        mains_w, parts_w = self._balance(mains_w, predicted_w, spans)
        return Answers(self.period_s, times_s, mains_w, predicted_w, parts_w, jumps)

    def _balance(
        self, mains_w: Watts, predicted_w: Mapping[str, Watts], spans: Sequence[FloorSpan]
    ) -> tuple[Watts, dict[str, Watts]]:
        """Return the mains, and the parts that add up to them, span by span."""
        names = [*predicted_w, OTHER]
        pieces = [(mains_w[:0], dict.fromkeys(names, mains_w[:0]))]
        for first, end, _, error_w in spans:
            claims_w = {name: power_w[first:end] for name, power_w in predicted_w.items()}
            errors_w = self._errors_w | {ALWAYS_ON: error_w}
            balanced = balance(mains_w[first:end], claims_w, errors_w)
            pieces.append((balanced.mains_w, {**balanced.parts_w, OTHER: balanced.other_w}))
        return (
            np.concatenate([mains for mains, _ in pieces]),
            {n: np.concatenate([parts[n] for _, parts in pieces]) for n in names},
        )

    def as_json(self) -> dict[str, Any]:
        """Return what a later start goes on from, as JSON."""
        return {
            "version": STATE_VERSION,
            "pace": list(self.pace),
            "due_s": self._due_s,
            "streams": [stream.as_json() for stream in self.streams],
            "pending": self._joiner.as_json(),
            "floor": self.floor.as_json(),
            "cycles": {
                name: [watch.period_s, watch.as_json()] for name, watch in self.watches.items()
            },
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what a home has kept, whatever its models were."""
        state = upgrade_state(state)
        if state.get("version") != STATE_VERSION:
            return
        self._due_s = state["due_s"]
        self.floor.restore(state["floor"])
        for name, (period_s, run) in state["cycles"].items():
            if name in self.watches and is_same_period(period_s, self.watches[name].period_s):
                self.watches[name].restore(run)
        kept = state["streams"]
        if len(kept) == len(self.streams) and all(
            stream.can_go_on(each) for stream, each in zip(self.streams, kept, strict=True)
        ):
            for stream, each in zip(self.streams, kept, strict=True):
                stream.restore(each)
            self._joiner.restore(state["pending"])
            return
        due_s = -np.inf if self._due_s is None else self._due_s
        rated = {
            name: events
            for each in kept
            for name, events in (each["decider"] or {}).get("rated", {}).items()
        }
        for stream in self.streams:
            stream.learn(rated)
            same = [each for each in kept if is_same_period(each["period_s"], stream.period_s)]
            if same:
                stream.restore(max(same, key=lambda each: len(each["watts"])), due_s)


def group_models(models: Sequence[HomeModel]) -> list[list[HomeModel]]:
    """Return the models by their period and by how much their windows hold after their target."""
    groups: dict[tuple[float, int], list[HomeModel]] = {}
    for model in models:
        predictor = model.predictor
        period_s = next(
            (known for known, _ in groups if is_same_period(known, predictor.period_s)),
            predictor.period_s,
        )
        after = count_after(predictor, find_target_index(predictor))
        groups.setdefault((period_s, after), []).append(model)
    return [*groups.values()]


def find_settings(models: Sequence[HomeModel]) -> dict[str, Any]:
    """Return the event settings of models by appliance, by their cards or their provenance."""
    return {
        name: each
        for model in models
        for name, each in find_event_settings(model.predictor, model.card).items()
    }
