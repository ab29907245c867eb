"""Decisions by event as samples come, each with five minutes of what follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seq2point.appliances import Appliance
from seq2point.events.base_power import count_reach, find_base_w
from seq2point.events.capping import cap_at_mains, clip_predictions
from seq2point.events.segmentation import LOOK_AHEAD, STEP_W, choose_ended
from seq2point.events.settings import EventSettings
from seq2point.events.step_finder import StepFinder
from seq2point.recording import Watts
from seq2point.recording.on_off import count_samples

DELAY_S = 300.0
"""How much of an event's future a causal decision waits for."""

NOBODY = -1


@dataclass
class _Load:
    """A load that has switched on: `height_w` is its step up, `end` the sample where it is off.

    `power_w` are its samples from `begin` on, `owners` whose it is from `decided` on. `total_w` and
    `claims_w` are sums until `heard`: of its power, and of each appliance's share in it.
    """

    first: int
    height_w: float
    claims_w: list[float]
    end: int | None = None
    begin: int = 0
    power_w: list[float] = field(default_factory=list)
    decided: int = 0
    owners: list[int] = field(default_factory=list)
    heard: int = 0
    total_w: float = 0.0

    def __post_init__(self) -> None:
        if not self.power_w:
            self.begin = self.heard = self.decided = self.first

    def forget(self, power_before: int, owners_before: int) -> None:
        """Forget the power and the owners of samples before these."""
        if power_before > self.begin:
            del self.power_w[: power_before - self.begin]
            self.begin = power_before
        if owners_before > self.decided:
            del self.owners[: owners_before - self.decided]
            self.decided = owners_before


class CausalDecider:
    """Decides by event sample by sample: what `decide(causal=True)` gives for all samples at once.

    `appliances` are the columns of the predictions; those with `settings` are decided by event. The
    mains may be fed ahead of the predictions. A decision waits for `delay` more predictions, and
    for `segmentation.LOOK_AHEAD` more samples of the mains than that.
    Memory is bounded by the loads that are on at once.
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
        self.events = dict.fromkeys(self.names, 0)
        """How many events each appliance has owned."""
        self._steps = StepFinder(STEP_W)
        self._near = [0] * len(self.names)
        self._begin()

    def _begin(self) -> None:
        """Begin anew; what is known of cycles stays."""
        self._history_w: Watts = np.empty(0, np.float32)
        self._mains_w: list[float] = []
        self._base_w: list[float] = []
        self._answers_w: Watts = np.empty((0, len(self.appliances)), np.float32)
        self._predictions_w: list[list[float]] = []
        self._found: dict[int, tuple[float, float]] = {}
        self._loads: list[_Load] = []
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
        self._loads = [_Load(**load) for load in state["loads"]]
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
                on = _end(on, on, sample)
                continue
            if sample in self._found:
                before_w, after_w = self._found.pop(sample)
                if after_w > before_w:
                    on.append(_Load(sample, after_w - before_w, [0.0] * len(self.names)))
                    self._loads.append(on[-1])
                elif after_w < base_w + STEP_W / 2:
                    on = _end(on, on, sample)
                else:
                    ended, part, drop_w = choose_ended(on, before_w - after_w, STEP_W)
                    on = _end(on, ended, sample)
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
            own, kept, other = self._attribute(sample)
            for i, name in enumerate(self.names):
                event_w = min(own[i], self.appliances[name].max_power_w)
                if event_w > 0 or kept[i]:
                    self._near[i] = self._bridges[i] + 1
                if event_w > 0:
                    own_w[row, i] = event_w
                elif kept[i] or (self._near[i] and not other[i]):
                    kept_w[row, i] = self._predictions_w[row][i]
                self._near[i] = max(self._near[i] - 1, 0)
            self._loads = [
                load for load in self._loads if load.end is None or load.end > sample + 1
            ]
        power_w = self._cap(own_w, kept_w)
        self._first += count
        del self._mains_w[:count], self._base_w[:count], self._predictions_w[:count]
        self._answers_w = self._answers_w[count:]
        for load in self._loads:
            load.forget(self._first, self._first - self.delay)
        return power_w

    def _attribute(self, sample: int) -> tuple[list[float], list[bool], list[bool]]:
        """Return for each appliance the power of its events at a sample, whether its share of one
        is enough for its prediction to stand, and whether it surely is too low.
        """
        count = len(self.names)
        own, other = [0.0] * count, [False] * count
        kept = [settings.keep_share == 0 for settings in self._settings]
        for place, load in enumerate(self._loads):
            if load.first > sample:
                break
            self._hear(load, self._loads[:place], sample)
            samples = load.heard - load.first
            mean_w = load.total_w / samples
            largest, owner = 0.0, NOBODY
            for i, settings in enumerate(self._settings):
                share = load.claims_w[i] / samples / max(mean_w, 1e-9)
                is_large = mean_w >= settings.least_w
                if is_large and share >= settings.min_share and share > largest:
                    largest, owner = share, i
                kept[i] = kept[i] or share >= settings.keep_share
                other[i] = other[i] or (is_large and share < settings.keep_share)
            if owner != NOBODY:
                own[owner] += load.power_w[sample - load.begin]
                if owner not in load.owners:
                    self.events[self.names[owner]] += 1
            load.owners.append(owner)
        return own, kept, other

    def _hear(self, load: _Load, earlier: Sequence[_Load], sample: int) -> None:
        """Add to a load's sums what is known of it when a sample is decided.

        What an appliance owns of an earlier load is no part of its prediction for a later one, as
        far as it was decided by then.
        """
        end = sample + self.delay + 1
        end = end if load.end is None else min(end, load.end)
        for heard in range(load.heard, end):
            claims_w = self._predictions_w[heard - self._first][:]
            for each in earlier:
                if each.end is not None and heard >= each.end:
                    continue
                owner = each.owners[max(heard - self.delay, each.first) - each.decided]
                if owner != NOBODY:
                    claims_w[owner] = max(claims_w[owner] - each.power_w[heard - each.begin], 0.0)
            power_w = load.power_w[heard - load.begin]
            load.total_w += power_w
            for i, claim_w in enumerate(claims_w):
                load.claims_w[i] += min(claim_w, power_w)
        load.heard = max(load.heard, end)

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


def _end(on: Sequence[_Load], ended: Sequence[_Load], sample: int) -> list[_Load]:
    """Return the loads that stay on where others end."""
    for load in ended:
        load.end = sample
    return [load for load in on if load.end is None]
