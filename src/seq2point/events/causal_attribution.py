"""Attribution as samples come: whose each load is, by what is known of it so far."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from seq2point.events.causal_load import NOBODY, CausalLoad
from seq2point.events.rated_power import SURE_SHARE, RatedPower, is_near_rated
from seq2point.events.settings import EventSettings


class CausalShares(NamedTuple):
    """For each appliance at one sample: the power of its events in watts, whether its share of one
    is enough for its prediction to stand, and whether it surely is too low.
    """

    own_w: list[float]
    kept: list[bool]
    other: list[bool]


class CausalAttribution:
    """Says whose loads are, sample by sample, with `delay` samples of what follows.

    An appliance whose settings have a share for rated events learns its power from the loads that
    have ended and surely were its own. What it has learned it uses from the next sample on.
    """

    def __init__(self, settings: Mapping[str, EventSettings], delay: int):
        self.names, self.delay = [*settings], delay
        self.events = dict.fromkeys(self.names, 0)
        """How many events each appliance has owned."""
        self._settings = [*settings.values()]
        self._ratings = [
            None if each.rated_share is None else RatedPower() for each in self._settings
        ]

    @property
    def rated_w(self) -> dict[str, float | None]:
        """The power that each appliance draws event after event; None where it is not known."""
        ratings = zip(self.names, self._ratings, strict=True)
        return {name: None if rating is None else rating.rated_w for name, rating in ratings}

    def attribute(
        self,
        loads: Sequence[CausalLoad],
        sample: int,
        predict: Callable[[int], Sequence[float]],
    ) -> CausalShares:
        """Return whose the loads are that are on at a sample.

        `predict` gives the appliances' predictions in watts at a sample, up to `delay` later.
        """
        count = len(self.names)
        shares = CausalShares(
            [0.0] * count, [each.keep_share == 0 for each in self._settings], [False] * count
        )
        for place, load in enumerate(loads):
            if load.first > sample:
                break
            self._hear(load, loads[:place], sample, predict)
            owner = self._find_owner(load, shares)
            if owner != NOBODY:
                shares.own_w[owner] += load.power_w[sample - load.begin]
                if owner not in load.owners:
                    self.events[self.names[owner]] += 1
            load.owners.append(owner)
        return shares

    def _find_owner(self, load: CausalLoad, shares: CausalShares) -> int:
        """Return whose a load is, and note whose prediction stands beside it."""
        mean_w = load.mean_w
        largest, owner = 0.0, NOBODY
        for i, settings in enumerate(self._settings):
            share = load.share(i)
            is_large = mean_w >= settings.least_w
            enough = share >= settings.min_share or self._is_rated(i, load, share)
            if is_large and enough and share > largest:
                largest, owner = share, i
            shares.kept[i] |= share >= settings.keep_share
            shares.other[i] |= is_large and share < settings.keep_share
        return owner

    def _is_rated(self, appliance: int, load: CausalLoad, share: float) -> bool:
        """Return whether a load has the power that an appliance is known to draw."""
        rating, least = self._ratings[appliance], self._settings[appliance].rated_share
        if rating is None or rating.rated_w is None or least is None or share < least:
            return False
        return is_near_rated(load.level_w, rating.rated_w)

    def _hear(
        self,
        load: CausalLoad,
        earlier: Sequence[CausalLoad],
        sample: int,
        predict: Callable[[int], Sequence[float]],
    ) -> None:
        """Add to a load's sums what is known of it when a sample is decided.

        What an appliance owns of an earlier load is no part of its prediction for a later one, as
        far as it was decided by then.
        """
        end = sample + self.delay + 1
        end = end if load.end is None else min(end, load.end)
        while load.heard < end:
            heard = load.heard
            claims_w = [*predict(heard)]
            for each in earlier:
                if each.end is not None and heard >= each.end:
                    continue
                owner = each.owners[max(heard - self.delay, each.first) - each.decided]
                if owner != NOBODY:
                    claims_w[owner] = max(claims_w[owner] - each.power_w[heard - each.begin], 0.0)
            load.add(claims_w)

    def learn(self, load: CausalLoad) -> None:
        """Learn from a load that is decided to its end."""
        surest = max(
            (i for i, rating in enumerate(self._ratings) if rating is not None),
            key=load.share,
            default=NOBODY,
        )
        rating = None if surest == NOBODY else self._ratings[surest]
        if rating is None or load.share(surest) < SURE_SHARE:
            return
        if load.mean_w >= self._settings[surest].least_w:
            rating.add(load.level_w, load.total_w)

    def as_json(self) -> dict[str, Any]:
        """Return what is learned of the home, as JSON."""
        ratings = zip(self.names, self._ratings, strict=True)
        return {name: rating.as_json() for name, rating in ratings if rating is not None}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `as_json` returned, as far as the appliances are the same."""
        for i, name in enumerate(self.names):
            if name in state and self._ratings[i] is not None:
                self._ratings[i] = RatedPower(state[name])
