"""Stream: readings in as they come, what models of one period say of them out once it is due."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from seq2point.configuration.columns import FILL
from seq2point.data.grid import JUMP_S, Times
from seq2point.events import CausalDecider, EventSettings
from seq2point.events.segmentation import LOOK_AHEAD
from seq2point.live.arrivals import Arrivals
from seq2point.live.pace import Pace
from seq2point.live.rows import Rows
from seq2point.live.sampling import Sampler, Samples
from seq2point.live.targets import count_after, find_target_index, require_pace
from seq2point.live.text_arrays import decode, encode
from seq2point.predictor import Predictor
from seq2point.recording import Jump, Recording, Watts
from seq2point.recording.gaps import fill_forward
from seq2point.recording.on_off import count_samples

SOME_TIME = datetime(1970, 1, 1, tzinfo=UTC)


class Stream:
    """Predicts with models of one period as readings come, and decides by event.

    It gives what `predict_w` gives for all readings at once, cut at each appliance's highest power,
    and decided by event for appliances with `settings`: `decide_recording(causal=True)`.
    Readings come at any cadence, in batches of any size, up to `late_s` late. They are placed on
    the grid of the models' period, and up to `fill` samples in a row are filled, as batch reading
    does. Each row is due `delay_s` after its time. Memory is bounded by the models' windows.
    Raises DataError where readings at this pace are too far apart for the models.
    """

    def __init__(
        self,
        predictors: Sequence[Predictor],
        pace: Pace,
        *,
        fill: int = FILL,
        late_s: float = 0.0,
        settings: Mapping[str, EventSettings] | None = None,
    ):
        for predictor in predictors:
            require_pace(predictor, pace)
        self.predictors, self.fill, self.pace = [*predictors], fill, pace
        self.period_s = predictors[0].period_s
        self.appliances = tuple(a for predictor in predictors for a in predictor.appliances)
        self.arrivals = Arrivals(late_s)
        self.sampler = Sampler(self.period_s, pace.step_s, pace.hold_s)
        self._targets = [find_target_index(predictor) for predictor in predictors]
        self._after = max(map(count_after, predictors, self._targets))
        self._decider = None
        if settings:
            by_name = {appliance.name: appliance for appliance in self.appliances}
            self._decider = CausalDecider(settings, by_name, self.period_s, share=False)
        self._highest_w = np.array([a.max_power_w for a in self.appliances], np.float32)
        self._samples = Samples.empty()
        self._filled_w: Watts = np.empty(0, np.float32)
        self._owed = 0
        """How many of the last samples have no prediction yet."""
        self._undecided = 0
        """How many before those are not decided yet."""
        self.history = 0
        """How many samples to keep beyond those that the next rows need."""

    @property
    def delay_s(self) -> float:
        """How long after its time a row is due, where readings come as usual."""
        waits = self._after
        if self._decider is not None:
            waits = max(self._after, LOOK_AHEAD) + self._decider.delay
        return (waits + 1) * self.period_s + self.arrivals.late_s

    def feed(self, times_s: Times, watts: Watts) -> Rows:
        """Return the rows that are due after further readings, in watts and seconds since 1970."""
        return self._take(self.sampler.feed(*self.arrivals.feed(times_s, watts)))

    def advance(self, until_s: float) -> Rows:
        """Return the rows that are due since no reading has come up to a time.

        After the longest time without a reading all rows are due.
        """
        rows = self._take(self.sampler.feed(*self.arrivals.advance(until_s)))
        if not self.sampler.is_open:
            return rows
        rows = rows.join(self._take(self.sampler.advance(until_s)))
        return rows if self.sampler.is_open else rows.join(self._finish())

    def flush(self) -> Rows:
        """Return all rows up to the last reading: those without a full window are unknown."""
        parts = [self.sampler.feed(*self.arrivals.flush()), self.sampler.flush()]
        rows = self._take(Samples.concatenate(parts))
        return rows.join(self._finish())

    def _take(self, samples: Samples) -> Rows:
        """Return the rows that are due with further samples, piece by piece between jumps."""
        rows = self._pick(0)
        starts = np.flatnonzero(samples.jumps)
        for first, end in pairwise([0, *starts[starts > 0].tolist(), len(samples.times_s)]):
            if first == end:
                continue
            if samples.jumps[first]:
                rows = rows.join(self._finish())
            filled_w = self._append(samples.slice(first, end))
            rows = rows.join(self._make_rows(filled_w, self._after))
        self._forget()
        return rows

    def _make_rows(self, new_w: Watts, after: int) -> Rows:
        """Return the rows that are due once so many samples came after them.

        `new_w` are the filled mains since the last call.
        """
        due = max(self._owed - after, 0)
        power_w = self._predict(len(self._filled_w) - self._owed, due)
        self._owed -= due
        self._undecided += due
        if self._decider is not None:
            power_w = self._decider.feed(new_w, power_w)
        return self._pick(len(power_w), power_w)

    def _finish(self) -> Rows:
        """Return all rows that are left of a piece of the grid."""
        rows = self._make_rows(self._filled_w[:0], 0)
        if self._decider is not None:
            power_w = self._decider.flush()
            self._decider.skip(count_samples(JUMP_S, self.period_s))
            rows = rows.join(self._pick(len(power_w), power_w))
        return rows

    def _pick(self, count: int, power_w: Watts | None = None) -> Rows:
        """Return the first rows that are not decided yet, with their power."""
        first = len(self._filled_w) - self._owed - self._undecided
        rows = slice(first, first + count)
        self._undecided -= count
        if power_w is None:
            power_w = np.empty((0, len(self.appliances)), np.float32)
        samples = self._samples
        return Rows(samples.times_s[rows], samples.watts[rows], power_w, samples.jumps[rows])

    def _append(self, samples: Samples) -> Watts:
        """Keep samples of one piece, and return them filled."""
        filled_w = samples.watts.copy()
        before = None if samples.jumps[0] else self._before()
        fill_forward(filled_w, np.isnan(samples.watts), self.fill, before)
        self._samples = Samples.concatenate([self._samples, samples])
        self._filled_w = np.concatenate((self._filled_w, filled_w))
        self._owed += len(filled_w)
        return filled_w

    def _before(self) -> tuple[Watts, npt.NDArray[np.bool_]] | None:
        """Return the last samples of the same piece, for filling."""
        if not self.fill:
            return None
        watts, jumps = self._samples.watts[-self.fill :], self._samples.jumps[-self.fill :]
        starts = np.flatnonzero(jumps)
        watts = watts[starts[-1] :] if len(starts) else watts
        if len(watts) < self.fill:
            watts = np.concatenate((np.full(self.fill - len(watts), np.nan, np.float32), watts))
        return watts, np.isnan(watts)

    def _predict(self, first: int, due: int) -> Watts:
        """Return the predictions f32[due, A] of the rows from sample `first` on that is kept."""
        power_w = np.full((due, len(self.appliances)), np.nan, np.float32)
        column = 0
        for predictor, target in zip(self.predictors, self._targets, strict=True):
            columns = slice(column, column + len(predictor.appliances))
            column = columns.stop
            begin = max(first - target, 0)
            end = min(first + due + count_after(predictor, target), len(self._filled_w))
            window_w = self._filled_w[begin:end]
            if not due or len(window_w) < predictor.window or np.isnan(window_w).all():
                continue
            jumps = np.flatnonzero(self._samples.jumps[begin + 1 : end]) + 1
            recording = Recording(
                "live",
                self.period_s,
                window_w,
                start=SOME_TIME,
                jumps=tuple(Jump(int(jump), SOME_TIME) for jump in jumps),
                fill=0,
            )
            known_w = predictor.predict_w(recording)[first - begin : first - begin + due]
            power_w[:, columns] = np.clip(known_w, 0, self._highest_w[columns])
        return power_w

    def _forget(self) -> None:
        waiting = max(self._targets) + self._owed + self._undecided + self.history
        keep = max(waiting, self.fill) + 1
        self._samples = self._samples.slice(-keep)
        self._filled_w = self._filled_w[-keep:]

    @property
    def length(self) -> int:
        """How many samples it keeps."""
        return len(self._filled_w)

    @property
    def _models(self) -> list[list[Any]]:
        """What the models are, as JSON."""
        return [
            [predictor.window, target, *(a.name for a in predictor.appliances)]
            for predictor, target in zip(self.predictors, self._targets, strict=True)
        ]

    def as_json(self) -> dict[str, Any]:
        """Return what a later start goes on from, as JSON: a few kilobytes."""
        starts = sorted({0, *np.flatnonzero(self._samples.jumps).tolist()} if self.length else [])
        return {
            "period_s": self.period_s,
            "models": self._models,
            "arrivals": self.arrivals.as_json(),
            "sampler": self.sampler.as_json(),
            "starts": [[start, float(self._samples.times_s[start])] for start in starts],
            "jumps": np.flatnonzero(self._samples.jumps).tolist(),
            "watts": encode(self._samples.watts),
            "filled_w": encode(self._filled_w),
            "owed": self._owed,
            "undecided": self._undecided,
            "decider": None if self._decider is None else self._decider.as_json(),
        }

    def can_go_on(self, state: Mapping[str, Any]) -> bool:
        """Return whether a state was kept by a stream of the same models."""
        kept = state["decider"]
        if kept is None or self._decider is None:
            return state["models"] == self._models and kept is self._decider
        return state["models"] == self._models and self._decider.can_go_on(kept)

    def learn(self, rated: Mapping[str, Any]) -> None:
        """Take in what was kept of the power that the home's appliances draw."""
        if self._decider is not None:
            self._decider.attribution.restore(rated)

    def restore(self, state: Mapping[str, Any], due_s: float | None = None) -> None:
        """Go on from what a stream of the same period and pace has kept.

        With `due_s` the models may have been others: the next row that is due is the first from
        then on, and events begin anew.
        """
        self.arrivals.restore(state["arrivals"])
        self.sampler.restore(state["sampler"])
        watts = decode(state["watts"])
        times_s, jumps = np.empty(len(watts)), np.zeros(len(watts), bool)
        starts = [*state["starts"], [len(watts), 0.0]]
        for (first, start_s), (end, _) in pairwise(starts):
            times_s[first:end] = start_s + np.arange(end - first) * state["period_s"]
        jumps[state["jumps"]] = True
        self._samples = Samples(times_s, watts, jumps)
        self._filled_w = decode(state["filled_w"])
        if due_s is None:
            self._owed, self._undecided = state["owed"], state["undecided"]
            if self._decider is not None:
                self._decider.restore(state["decider"])
            return
        self._owed = int(np.count_nonzero(times_s >= due_s))
        if self._decider is not None:
            self._decider.begin(self._filled_w, len(watts) - self._owed)
