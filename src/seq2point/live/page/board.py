"""Board: all that the page shows, kept as updates come, and given out as JSON."""

import math
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from seq2point.household.always_on import LEAST_HOURS
from seq2point.household.plain_words import describe_worth, list_plain_limits
from seq2point.household.tariff import Tariff
from seq2point.live.history import QUARTER_S, SHOWN_MINUTES_S, SHOWN_QUARTERS_S, EnergyRow, History
from seq2point.live.mains_parts import ALWAYS_ON, MAINS, OTHER, Answers
from seq2point.live.pace import MANY_READINGS
from seq2point.live.page.days import DaySums, list_days
from seq2point.live.page.runs import Runs
from seq2point.live.page.time_sums import TimeSums
from seq2point.live.readings import Reading
from seq2point.live.sinks.jsonl import known_parts
from seq2point.live.store import DAY_S, HOUR_S, MINUTE_S
from seq2point.live.updates import HomeDescription, Update
from seq2point.model.pretrained.card import Card
from seq2point.recording import Watts

MEASURED = "measured"
"""The mains as they are read, beside those that are answered."""

SPANS_S = {6: 60, 24: 300}
"""The hours that a chart may show, and the step of each."""

STALE_S, STALE_STEPS = 120.0, 5
"""Readings are stale when none came for so long, and for so many of their usual steps."""

LEAST_SHOWN_W = 0.5
"""Less than this is shown as 0 W."""

RECENT = 20
"""So many readings show their usual step."""


class BoardOptions(NamedTuple):
    """The home's name and time zone, its tariff, and the cards of its models by appliance."""

    home: str
    zone: str
    tariff: Tariff | None = None
    cards: Mapping[str, Card] = {}


class Board:
    """Follows a home's updates, in bounded memory. `version` grows with each of them.

    Times are in seconds since 1970, powers in watts, energy in kWh; None is unknown.
    """

    def __init__(self, options: BoardOptions):
        self.options, self.version, self.readings, self.lost = options, 0, 0, 0
        self._description: HomeDescription | None = None
        self._minutes = TimeSums(MINUTE_S, 2 * SHOWN_MINUTES_S // MINUTE_S)
        self._quarters = TimeSums(QUARTER_S, SHOWN_QUARTERS_S // QUARTER_S)
        self._runs = Runs()
        self._latest: Answers | None = None
        self._answered_s: float | None = None
        self._recent: deque[Reading] = deque(maxlen=RECENT)
        self._first_reading_s: float | None = None
        self._arrived_at = -math.inf

    def take(self, update: Update) -> None:
        """Take in an update."""
        self.version += 1
        if update.description is not None:
            self._description = update.description
        if update.history is not None:
            self._restore(update.history)
        if update.readings:
            self._take_readings(update.readings)
        self.lost = max(self.lost, update.lost)
        self._runs.take(update)
        if update.answers is not None:
            self._take_answers(update.answers)

    def _restore(self, history: History) -> None:
        for sums, rows in ((self._minutes, history.minutes), (self._quarters, history.quarters)):
            _add_rows(sums, rows)
        self._runs.restore(history)
        self._answered_s = history.answered_s

    def _take_readings(self, readings: Sequence[Reading]) -> None:
        table = np.array(readings, np.float64).reshape(-1, 2)
        known = table[np.isfinite(table[:, 1])]
        self._minutes.add(MEASURED, known[:, 0], known[:, 1], np.ones(len(known)))
        self.readings += len(readings)
        self._recent.extend(readings[-RECENT:])
        self._first_reading_s = self._first_reading_s or readings[0].time_s
        self._arrived_at = time.monotonic()

    def _take_answers(self, answers: Answers) -> None:
        if self._answered_s is not None:
            first = int(np.searchsorted(answers.times_s, self._answered_s - 1e-3))
            answers = answers.slice(first)
        if not len(answers):
            return
        for name, power_w in {MAINS: answers.mains_w, **known_parts(answers)}.items():
            known = ~np.isnan(power_w)
            seconds = known * answers.period_s
            joules = np.where(known, np.maximum(power_w, 0), 0).astype(np.float64) * seconds
            for sums in (self._minutes, self._quarters):
                sums.add(name, answers.times_s, joules, seconds)
        self._answered_s = answers.end_s
        self._latest = answers.slice(len(answers) - 1)

    @property
    def parts(self) -> list[dict[str, str]]:
        """What the mains are made of, from the bottom of a stack to its top."""
        appliances = self._description.appliances if self._description else ()
        return [
            {"name": ALWAYS_ON, "label": "always on", "style": "always-on"},
            *(
                {"name": each.name, "label": each.label, "style": f"p{i % 8}"}
                for i, each in enumerate(appliances)
            ),
            {"name": OTHER, "label": "other", "style": "other"},
        ]

    @property
    def names(self) -> list[str]:
        """The names of the parts, from the bottom of a stack to its top."""
        return [part["name"] for part in self.parts]

    def describe_now(self) -> dict[str, Any]:
        """Return what is now: mains, the last answer, what runs, and the source's health."""
        description, latest, last = self._description, self._latest, self._find_last_reading()
        parts_w: dict[str, Watts] = known_parts(latest) if latest else {}
        first_answer_s = None
        if description and self._first_reading_s is not None:
            first_answer_s = self._first_reading_s + description.window_s
        return {
            "version": self.version,
            "home": self.options.home,
            "zone": self.options.zone,
            "currency": self.options.tariff.currency if self.options.tariff else None,
            "parts": self.parts,
            "is_described": description is not None,
            "delay_s": description.delay_s if description else None,
            "first_answer_s": first_answer_s,
            "readings_needed": MANY_READINGS,
            "mains_w": _round(last.watts) if last else None,
            "reading_s": last.time_s if last else None,
            "answered_s": self._answered_s,
            "parts_w": {n: _round(float(w[0])) for n, w in parts_w.items()},
            "answered_mains_w": _round(float(latest.mains_w[0])) if latest else None,
            "always_on_after_h": round(LEAST_HOURS),
            "not_on": self._describe_not_on(),
            "running": self._runs.describe_running(self._measure_wh),
            "told": self._runs.describe_told(),
            "health": self._describe_health(),
        }

    def _describe_not_on(self) -> dict[str, dict[str, float]]:
        """Return why appliances that draw power do not count as on: the limit that is not reached.

        That is a power in watts, or a time in seconds. A run that is over already has its end.
        """
        latest, description = self._latest, self._description
        if latest is None or description is None:
            return {}
        reasons: dict[str, dict[str, float]] = {}
        for each in description.appliances:
            draws = float(latest.parts_w[each.name][0]) >= LEAST_SHOWN_W
            if not draws or self._runs.is_on(each.name):
                continue
            end_s = self._runs.find_end_s(each.name, float(latest.times_s[0]))
            if end_s is not None:
                reasons[each.name] = {"until_s": end_s}
            elif float(latest.predicted_w[each.name][0]) > each.on_power_w:
                reasons[each.name] = {"after_s": each.min_on_s}
            else:
                reasons[each.name] = {"from_w": each.on_power_w}
        return reasons

    def _find_last_reading(self) -> Reading | None:
        return max(self._recent, key=lambda reading: reading.time_s, default=None)

    def _measure_wh(self, name: str, since_s: float) -> float:
        end_s = self._answered_s or since_s
        joules, _ = self._minutes.read(name, *_round_out(since_s, end_s, MINUTE_S))
        return float(joules.sum()) / HOUR_S

    def _describe_health(self) -> dict[str, Any]:
        times_s = sorted({reading.time_s for reading in self._recent})
        step_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else None
        age_s = time.monotonic() - self._arrived_at if self._recent else None
        patience_s = max(STALE_S, STALE_STEPS * (step_s or 0.0))
        return {
            "readings": self.readings,
            "lost": self.lost,
            "step_s": step_s,
            "age_s": None if age_s is None else round(age_s, 1),
            "is_stale": age_s is not None and age_s > patience_s,
            "patience_s": patience_s,
            "coverage": self._find_coverage(),
        }

    def _find_coverage(self) -> float | None:
        """Return the share of the last day, or of what there is of it, with known mains."""
        if self._answered_s is None:
            return None
        first_s, end_s = _round_out(self._answered_s - DAY_S, self._answered_s, MINUTE_S)
        _, known_s = self._minutes.read(MAINS, first_s, end_s)
        since = np.flatnonzero(known_s)
        if not len(since):
            return None
        whole_s = max(self._answered_s - first_s - float(since[0]) * MINUTE_S, MINUTE_S)
        return round(min(float(known_s.sum()) / whole_s, 1.0), 3)

    def describe_hours(self, hours: int) -> dict[str, Any]:
        """Return the mean power of the last hours in steps: what is measured, and each part.

        `hours` is one of SPANS_S.
        """
        last = self._find_last_reading()
        end_s = max(last.time_s if last else 0.0, self._answered_s or 0.0)
        period_s = self._description.period_s if self._description else 0.0
        step_s = max(SPANS_S[hours], math.ceil(period_s / MINUTE_S) * MINUTE_S)
        first_s, end_s = _round_out(end_s - hours * HOUR_S, end_s, step_s)
        mains, known_s = self._read_steps(MAINS, first_s, end_s, step_s)
        mean = {}
        for name in self.names:
            joules, seconds = self._read_steps(name, first_s, end_s, step_s)
            mean[name] = _divide(joules, np.where(seconds > 0, known_s, 0))
        return {
            "first_s": first_s,
            "step_s": step_s,
            "mains": _divide(mains, known_s),
            "measured": _divide(*self._read_steps(MEASURED, first_s, end_s, step_s)),
            "parts": mean,
        }

    def _read_steps(
        self, name: str, first_s: float, end_s: float, step_s: int
    ) -> tuple[Watts, Watts]:
        """Return sums and weights of minutes, added up by steps."""
        sums, weights = self._minutes.read(name, first_s, end_s)
        width = step_s // MINUTE_S
        return sums.reshape(-1, width).sum(axis=1), weights.reshape(-1, width).sum(axis=1)

    def describe_days(self) -> list[dict[str, Any]]:
        """Return the last days in kWh and money, by part; the last one is not over."""
        if self._answered_s is None:
            return []
        sums = DaySums(self._quarters, self._answered_s)
        return list_days(sums, [MAINS, *self.names], self.options.zone, self.options.tariff)

    def describe_runs(self) -> list[dict[str, Any]]:
        """Return the last runs of each appliance, the latest first."""
        return self._runs.describe_last()

    def describe_models(self) -> list[dict[str, Any]]:
        """Return what each model is worth, by its card; None where it has none."""
        appliances = self._description.appliances if self._description else ()
        return [_describe_model(each, self.options.cards.get(each.name)) for each in appliances]


def _describe_model(appliance: Any, card: Card | None) -> dict[str, Any]:
    return {
        "name": appliance.name,
        "label": appliance.label,
        "model": card.name if card else None,
        "verdict": str(card.verdict) if card else None,
        "promise": describe_worth(card) if card else None,
        "limits": list_plain_limits(card) if card else [],
    }


def _add_rows(sums: TimeSums, rows: Sequence[EnergyRow]) -> None:
    for name in {row[1] for row in rows}:
        table = np.array([(start, wh, s) for start, each, wh, s in rows if each == name], float)
        sums.add(name, table[:, 0], table[:, 1] * HOUR_S, table[:, 2])


def _round_out(first_s: float, end_s: float, step_s: int) -> tuple[float, float]:
    """Return a span with edges on whole steps, no shorter than it was."""
    return math.floor(first_s / step_s) * step_s, math.ceil(end_s / step_s) * step_s


def _round(watts: float) -> float | None:
    return round(watts, 1) if math.isfinite(watts) else None


def _divide(sums: Watts, weights: Watts) -> list[int | None]:
    return [
        round(value / weight) if weight > 0 else None
        for value, weight in zip(sums.tolist(), weights.tolist(), strict=True)
    ]
