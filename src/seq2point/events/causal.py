"""Decisions by event as samples come, each with five minutes of what follows."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from seq2point.appliances import Appliance
from seq2point.events.base_power import count_reach, find_base_w
from seq2point.events.capping import cap_at_mains, clip_predictions
from seq2point.events.causal_attribution import CausalAttribution
from seq2point.events.causal_load import CausalLoad, end_loads
from seq2point.events.segmentation import LOOK_AHEAD, STEP_W, choose_ended
from seq2point.events.settings import EventSettings
from seq2point.events.step_finder import StepFinder
from seq2point.recording import Watts
from seq2point.recording.on_off import count_samples

DELAY_S = 300.0
"""How much of an event's future a causal decision waits for."""


class CausalDecider:
    """Decides by event sample by sample: what `decide(causal=True)` gives for all samples at once.

    `appliances` are the columns of the predictions; those with `settings` are decided by event. The
    mains may be fed ahead of the predictions. A decision waits for `delay` more predictions, and
    for `segmentation.LOOK_AHEAD` more samples of the mains than that.
    What the home's own events tell of an appliance's power is learned as they end. Memory is
    bounded by the loads that are on at once.
    """

    def __init__(
        self,
        settings: Mapping[str, EventSettings],
        appliances: Mapping[str, Appliance],
        period_s: float,
        share: bool = True,
    ):
        self.appliances, self.period_s, self.share = appliances, period_s, share
        self.names = [name for name in appliances if name in settings]
        self.delay = count_samples(DELAY_S, period_s)
        self._settings = [settings[name] for name in self.names]
        self._columns = [[*appliances].index(name) for name in self.names]
        self._bridges = [count_samples(each.bridge_s, period_s) for each in self._settings]
        self._reach = count_reach(period_s)
        self.attribution = CausalAttribution(
            {name: settings[name] for name in self.names}, self.delay
        )
        self._steps = StepFinder(STEP_W)
        self._near = [0] * len(self.names)
        self._begin()

    def _begin(self) -> None:
        """Begin anew; what is known of cycles and of the home stays."""
        self._history_w: Watts = np.empty(0, np.float32)
        self._mains_w: list[float] = []
        self._base_w: list[float] = []
        self._answers_w: Watts = np.empty((0, len(self.appliances)), np.float32)
        self._predictions_w: list[list[float]] = []
        self._found: dict[int, tuple[float, float]] = {}
        self._loads: list[CausalLoad] = []
        self._first = 0
        """The sample that is decided next; what is kept begins there."""
        self._powered = 0
        """Until here the loads' power is known."""

    def feed(self, mains_w: Watts, answers_w: Watts) -> Watts:
        """Return the power f32[K, A] in watts of the samples that are due, in order.

        `mains_w` f32[N] and `answers_w` f32[M, A] are further samples, NaN where unknown.
        """
        self._take(mains_w, answers_w)
        self._share_power(self._first + len(self._mains_w) - LOOK_AHEAD)
        known = min(self._powered, self._first + len(self._answers_w))
        return self._decide(known - self.delay)

    def flush(self) -> Watts:
        """Return the power of all samples that are left; the next one begins anew.

        As many predictions as mains must have come.
        """
        if step := self._steps.end():
            self._found[step.sample] = step.before_w, step.after_w
        self._share_power(self._first + len(self._mains_w))
        for load in self._loads:
            if load.end is None:
                load.end = self._powered
        power_w = self._decide(self._first + len(self._answers_w))
        self._begin()
        return power_w

    def skip(self, samples: int) -> None:
        """Say that so many samples without readings pass, after `flush`."""
        self._near = [max(left - samples, 0) for left in self._near]

    def begin(self, mains_w: Watts, sample: int) -> None:
        """Begin at a sample of mains f32[N] that are known, with what was before it as history."""
        self._begin()
        self._history_w = mains_w[:sample][-self._reach :]
        self._take(mains_w[sample:], np.empty((0, len(self.appliances)), np.float32))

    def as_json(self) -> dict[str, Any]:
        """Return what a later start goes on from, as JSON that may hold NaN."""
        kept = min(self._reach, len(self._history_w))
        return {
            "names": [*self.appliances],
            "settings": [each.model_dump() for each in self._settings],
            "before_w": self._history_w[len(self._history_w) - kept :].tolist(),
            "mains_w": self._mains_w,
            "base_w": self._base_w,
            "answers_w": self._answers_w.tolist(),
            "found": [[sample, *levels_w] for sample, levels_w in self._found.items()],
            "loads": [vars(load) for load in self._loads],
            "first": self._first,
            "powered": self._powered,
            "near": self._near,
            "rated": self.attribution.as_json(),
            "steps": self._steps.as_json(),
        }

    def can_go_on(self, state: Mapping[str, Any]) -> bool:
        """Return whether a state was kept by a decider of the same appliances and settings."""
        settings = [each.model_dump() for each in self._settings]
        return bool([*self.appliances] == state["names"] and settings == state["settings"])

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `as_json` returned."""
        self._begin()
        self._history_w = np.array(state["before_w"], np.float32)
        self._mains_w, self._base_w = [*state["mains_w"]], [*state["base_w"]]
        answers_w = np.array(state["answers_w"], np.float32).reshape(-1, len(self.appliances))
        self._take(self._history_w[:0], answers_w)
        self._found = {sample: (before_w, after_w) for sample, before_w, after_w in state["found"]}
        self._loads = [CausalLoad(**load) for load in state["loads"]]
        self.attribution.restore(state["rated"])
        self._first, self._powered = state["first"], state["powered"]
        self._near = [*state["near"]]
        self._steps.restore(state["steps"])

    def _take(self, mains_w: Watts, answers_w: Watts) -> None:
        if len(mains_w):
            known = len(self._history_w)
            joined_w = np.concatenate((self._history_w, mains_w))
            base_w = find_base_w(joined_w, self.period_s, True, known)
            self._history_w = joined_w[-self._reach :]
            sample = self._first + len(self._mains_w)
            for power_w, low_w in zip(mains_w.tolist(), base_w.tolist(), strict=True):
                is_known = power_w == power_w and low_w == low_w
                step = self._steps.add(sample, power_w) if is_known else self._steps.end()
                if step is not None:
                    self._found[step.sample] = step.before_w, step.after_w
                self._mains_w.append(power_w)
                self._base_w.append(low_w)
                sample += 1
        if len(answers_w):
            self._answers_w = np.concatenate((self._answers_w, answers_w))
            self._predictions_w += self._clip(answers_w)[:, self._columns].tolist()

    def _clip(self, answers_w: Watts) -> Watts:
        columns = dict(zip(self.appliances, answers_w.T, strict=True))
        return np.column_stack([*clip_predictions(columns, self.appliances).values()])

    def _share_power(self, until: int) -> None:
        """Give each load what is left above the base, up to its step, in the order of their start.

        Where the mains come back to the base every load ends, and so they do at a gap.
        """
        on = [load for load in self._loads if load.end is None]
        for sample in range(self._powered, until):
            power_w = self._mains_w[sample - self._first]
            base_w = self._base_w[sample - self._first]
            if power_w != power_w or base_w != base_w:
                on = end_loads(on, on, sample)
                continue
            if sample in self._found:
                before_w, after_w = self._found.pop(sample)
                if after_w > before_w:
                    on.append(CausalLoad(sample, after_w - before_w, [0.0] * len(self.names)))
                    self._loads.append(on[-1])
                elif after_w < base_w + STEP_W / 2:
                    on = end_loads(on, on, sample)
                else:
                    ended, part, drop_w = choose_ended(on, before_w - after_w, STEP_W)
                    on = end_loads(on, ended, sample)
                    if part is not None:
                        part.height_w -= drop_w
            left_w = max(power_w - base_w, 0.0)
            for load in on:
                load_w = min(left_w, load.height_w)
                load.power_w.append(load_w)
                left_w -= load_w
        self._powered = max(self._powered, until)

    def _decide(self, until: int) -> Watts:
        """Return the power of the samples before `until`, and forget what is past them."""
        count = max(until - self._first, 0)
        own_w, kept_w = np.zeros((2, count, len(self.names)), np.float32)
        for row in range(count):
            sample = self._first + row
            own, kept, other = self.attribution.attribute(self._loads, sample, self._predict)
            for i, name in enumerate(self.names):
                event_w = min(own[i], self.appliances[name].max_power_w)
                if event_w > 0 or kept[i]:
                    self._near[i] = self._bridges[i] + 1
                if event_w > 0:
                    own_w[row, i] = event_w
                elif kept[i] or (self._near[i] and not other[i]):
                    kept_w[row, i] = self._predictions_w[row][i]
                self._near[i] = max(self._near[i] - 1, 0)
            self._drop_ended(sample + 1)
        power_w = self._cap(own_w, kept_w)
        self._first += count
        del self._mains_w[:count], self._base_w[:count], self._predictions_w[:count]
        self._answers_w = self._answers_w[count:]
        for load in self._loads:
            load.forget(self._first, self._first - self.delay)
        return power_w

    def _predict(self, sample: int) -> list[float]:
        return self._predictions_w[sample - self._first]

    def _drop_ended(self, sample: int) -> None:
        """Learn from the loads that are off from a sample on, and forget them."""
        for load in self._loads:
            if load.end is not None and load.end <= sample:
                self.attribution.learn(load)
        self._loads = [load for load in self._loads if load.end is None or load.end > sample]

    def _cap(self, own_w: Watts, kept_w: Watts) -> Watts:
        count = len(own_w)
        answers_w = self._answers_w[:count]
        predictions_w = self._clip(answers_w)
        nothing_w = np.zeros(count, np.float32)
        answers = dict(zip(self.appliances, answers_w.T, strict=True))
        decided = {
            name: (nothing_w, predictions_w[:, column])
            for column, name in enumerate(self.appliances)
        } | {name: (own_w[:, i], kept_w[:, i]) for i, name in enumerate(self.names)}
        mains_w = np.array(self._mains_w[:count], np.float32)
        powers_w = cap_at_mains(decided, answers, mains_w, self.share)
        return np.column_stack([*powers_w.values()])
