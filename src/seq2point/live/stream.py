"""Stream: readings in as they come, the predictions of one model out as soon as they can be."""

import base64
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2point.configuration.columns import FILL
from seq2point.data.grid import Times
from seq2point.data.table import COARSEST
from seq2point.errors import DataError
from seq2point.live.arrivals import Arrivals
from seq2point.live.pace import Pace
from seq2point.live.sampling import Sampler, Samples
from seq2point.predictor import Predictor
from seq2point.recording import Jump, Recording, Watts
from seq2point.recording.gaps import fill_forward
from seq2point.wording import format_seconds

SOME_TIME = datetime(1970, 1, 1, tzinfo=UTC)


class Rows(NamedTuple):
    """Predictions that are due: times f64[N], filled mains f32[N] and power f32[N, A] in watts.

    NaN is unknown. `jumps` says whether time jumps just before a row.
    """

    times_s: Times
    mains_w: Watts
    power_w: Watts
    jumps: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.times_s)

    def join(self, later: "Rows") -> "Rows":
        """Return these rows and later ones."""
        return Rows(
            np.concatenate((self.times_s, later.times_s)),
            np.concatenate((self.mains_w, later.mains_w)),
            np.concatenate((self.power_w, later.power_w)),
            np.concatenate((self.jumps, later.jumps)),
        )

    def slice(self, first: int) -> "Rows":
        """Return the rows from `first` on."""
        return Rows(
            self.times_s[first:], self.mains_w[first:], self.power_w[first:], self.jumps[first:]
        )


class Stream:
    """Predicts with a model as readings come: what `predict_w` gives for all of them at once.

    Readings come at any cadence, in batches of any size, up to `late_s` late. They are placed on
    the grid of the model's period, and up to `fill` samples in a row are filled, as batch reading
    does. Each row is due `delay_s` after its time. Memory is bounded by the model's window.
    Raises DataError where readings at this pace are too far apart for the model.
    """

    def __init__(self, predictor: Predictor, pace: Pace, *, fill: int = FILL, late_s: float = 0.0):
        require_pace(predictor, pace)
        self.predictor, self.fill, self.pace = predictor, fill, pace
        self.arrivals = Arrivals(late_s)
        self.sampler = Sampler(predictor.period_s, pace.step_s, pace.hold_s)
        self._target = find_target_index(predictor)
        self._after = predictor.window - 1 - self._target
        self._samples = Samples.empty()
        self._filled_w: Watts = np.empty(0, np.float32)
        self._owed = 0
        self.history = 0
        """How many samples to keep beyond those that the next rows need."""

    @property
    def delay_s(self) -> float:
        """How long after its time a row is due, where readings come as usual."""
        return (self._after + 1) * self.predictor.period_s + self.arrivals.late_s

    def feed(self, times_s: Times, watts: Watts) -> Rows:
        """Return the rows that are due after further readings, in watts and seconds since 1970."""
        return self._take(self.sampler.feed(*self.arrivals.feed(times_s, watts)), self._after)

    def flush(self) -> Rows:
        """Return all rows up to the last reading: those without a full window are unknown."""
        parts = [self.sampler.feed(*self.arrivals.flush()), self.sampler.flush()]
        return self._take(Samples.concatenate(parts), 0)

    def _take(self, samples: Samples, after: int) -> Rows:
        """Return the rows that are due once so many samples came after them."""
        if len(samples.times_s):
            self._append(samples)
        due = max(self._owed - after, 0)
        length = len(self._filled_w)
        first = length - self._owed
        rows = slice(first, first + due)
        self._owed -= due
        power_w = self._predict(first, due)
        result = Rows(
            self._samples.times_s[rows], self._filled_w[rows], power_w, self._samples.jumps[rows]
        )
        self._forget()
        return result

    def _append(self, samples: Samples) -> None:
        filled_w = samples.watts.copy()
        starts = np.flatnonzero(samples.jumps)
        for first, end in pairwise([0, *starts[starts > 0].tolist(), len(filled_w)]):
            missing = np.isnan(samples.watts[first:end])
            before = None if samples.jumps[first] else self._before(first)
            fill_forward(filled_w[first:end], missing, self.fill, before)
        self._samples = Samples.concatenate([self._samples, samples])
        self._filled_w = np.concatenate((self._filled_w, filled_w))
        self._owed += len(filled_w)

    def _before(self, first: int) -> tuple[Watts, npt.NDArray[np.bool_]] | None:
        """Return the samples before the first new one, of the same piece, for filling."""
        if first or not self.fill:
            return None
        watts, jumps = self._samples.watts[-self.fill :], self._samples.jumps[-self.fill :]
        starts = np.flatnonzero(jumps)
        watts = watts[starts[-1] :] if len(starts) else watts
        if len(watts) < self.fill:
            watts = np.concatenate((np.full(self.fill - len(watts), np.nan, np.float32), watts))
        return watts, np.isnan(watts)

    def _predict(self, first: int, due: int) -> Watts:
        """Return the predictions f32[due, A] of the rows from sample `first` on that is kept."""
        outputs = len(self.predictor.appliances)
        if not due:
            return np.empty((0, outputs), np.float32)
        begin = max(first - self._target, 0)
        end = min(first + due + self._after, len(self._filled_w))
        if end - begin < self.predictor.window or np.isnan(self._filled_w[begin:end]).all():
            return np.full((due, outputs), np.nan, np.float32)
        jumps = np.flatnonzero(self._samples.jumps[begin + 1 : end]) + 1
        recording = Recording(
            "live",
            self.predictor.period_s,
            self._filled_w[begin:end],
            start=SOME_TIME,
            jumps=tuple(Jump(int(jump), SOME_TIME) for jump in jumps),
            fill=0,
        )
        power_w = self.predictor.predict_w(recording)
        return power_w[first - begin : first - begin + due]

    def _forget(self) -> None:
        keep = max(self._target + self._owed + self.history, self.fill) + 1
        self._samples = self._samples.slice(-keep)
        self._filled_w = self._filled_w[-keep:]

    @property
    def length(self) -> int:
        """How many samples it keeps."""
        return len(self._filled_w)

    def as_json(self) -> dict[str, Any]:
        """Return what a later start goes on from, as JSON: a few kilobytes."""
        starts = sorted({0, *np.flatnonzero(self._samples.jumps).tolist()} if self.length else [])
        return {
            "period_s": self.predictor.period_s,
            "arrivals": self.arrivals.as_json(),
            "sampler": self.sampler.as_json(),
            "starts": [[start, float(self._samples.times_s[start])] for start in starts],
            "jumps": np.flatnonzero(self._samples.jumps).tolist(),
            "watts": _encode(self._samples.watts),
            "filled_w": _encode(self._filled_w),
        }

    def restore(self, state: dict[str, Any], due_s: float | None = None) -> None:
        """Go on from what a stream of the same period and pace has kept, whatever its model was.

        The next row that is due is the first from `due_s` on; by default it is the one that was due
        when the state was kept, by this model's own delay.
        """
        self.arrivals.restore(state["arrivals"])
        self.sampler.restore(state["sampler"])
        watts = _decode(state["watts"])
        times_s, jumps = np.empty(len(watts)), np.zeros(len(watts), bool)
        starts = [*state["starts"], [len(watts), 0.0]]
        for (first, start_s), (end, _) in pairwise(starts):
            times_s[first:end] = start_s + np.arange(end - first) * state["period_s"]
        jumps[state["jumps"]] = True
        self._samples = Samples(times_s, watts, jumps)
        self._filled_w = _decode(state["filled_w"])
        self._owed = min(self._after, len(watts))
        if due_s is not None:
            self._owed = int(np.count_nonzero(times_s >= due_s))


def find_target_index(predictor: Predictor) -> int:
    """Return which sample of its window a model predicts, by what it does with one window."""
    nothing_w = np.zeros(predictor.window, np.float32)
    power_w = predictor.predict_w(Recording("probe", predictor.period_s, nothing_w, fill=0))
    return int(np.flatnonzero(~np.isnan(power_w[:, 0]))[0])


def require_pace(predictor: Predictor, pace: Pace) -> None:
    """Raise DataError where readings at a pace are too far apart for a model."""
    if pace.hold_s is None and pace.step_s > COARSEST * predictor.period_s:
        names = ", ".join(appliance.label for appliance in predictor.appliances)
        raise DataError(
            f"a reading every {format_seconds(pace.step_s)} is too seldom for the model of {names},"
            f" which needs one every {format_seconds(predictor.period_s)}: take a model for a"
            " longer period; or, if the meter reports changes alone, set `hold_s` to how long a"
            " reading holds"
        )


def _encode(values: Watts) -> str:
    return base64.b64encode(values.astype("<f4").tobytes()).decode()


def _decode(text: str) -> Watts:
    return np.frombuffer(base64.b64decode(text), "<f4").astype(np.float32)
