"""Decisions by event of a model: the settings that it has, and its predictions decided by them."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from pydantic import TypeAdapter, ValidationError

from seq2point.appliances import Appliance
from seq2point.data.grid import JUMP_S
from seq2point.errors import ModelFileError, UsageError
from seq2point.events import Decisions, EventSettings, decide
from seq2point.predictor import Predictor
from seq2point.recording import Recording, Watts
from seq2point.recording.on_off import count_samples
from seq2point.wording import format_watts

if TYPE_CHECKING:
    from seq2point.model.pretrained.card import Card

Settings = Mapping[str, EventSettings]

NO_EVENTS: Settings = {}
"""The settings of a model that decides nothing by event."""

PROVENANCE = "events"
"""The entry of a model's provenance that holds its event settings by appliance."""


def find_event_settings(
    model: Predictor, card: "Card | None" = None, by_event: bool | None = None
) -> dict[str, EventSettings]:
    """Return the event settings of a model by appliance; empty where it decides nothing by event.

    They are those of its card, else those in its provenance. With `by_event` every appliance that
    has none takes the default ones, if it draws enough for an event. Without it (False) there are
    none. Raises UsageError where `by_event` is set and no appliance has any, and ModelFileError for
    damaged settings in a model file.
    """
    if by_event is False:
        return {}
    settings = _read_provenance(model)
    if card is not None and card.events is not None:
        settings[card.appliance] = card.events
    if by_event is None:
        return settings
    default = EventSettings()
    settings = {
        appliance.name: default
        for appliance in model.appliances
        if appliance.max_power_w > default.least_w
    } | settings
    if not settings:
        highest_w = max(appliance.max_power_w for appliance in model.appliances)
        raise UsageError(
            f"{', '.join(a.label for a in model.appliances)}: cannot be decided by event: the model"
            f" has no event settings, and the default ones are for loads above"
            f" {format_watts(default.least_w)} (this one draws up to {format_watts(highest_w)})"
        )
    return settings


@cache
def _make_reader() -> TypeAdapter[dict[str, EventSettings]]:
    return TypeAdapter(dict[str, EventSettings])


def _read_provenance(model: Predictor) -> dict[str, EventSettings]:
    try:
        settings = _make_reader().validate_python(model.provenance.get(PROVENANCE) or {})
    except ValidationError as error:
        first = error.errors()[0]
        raise ModelFileError(
            f"the model's event settings are invalid: {'.'.join(map(str, first['loc']))}:"
            f" {first['msg']}"
        ) from None
    names = [appliance.name for appliance in model.appliances]
    return {name: each for name, each in settings.items() if name in names}


def decide_recording(
    recording: Recording,
    power_w: Watts,
    appliances: Sequence[Appliance],
    settings: Settings,
    share: bool = True,
    causal: bool = False,
) -> Decisions:
    """Return the predictions f32[T, A] in watts of a recording, decided by event.

    All events are decided at once, since a home's own events tell what its appliances draw. Where
    the clock jumps, no event goes on: there an hour without readings parts the pieces. For `share`
    and `causal` see `events.decide`.
    """
    pieces = recording.pieces()
    gap = np.full(count_samples(JUMP_S, recording.period_s), np.nan, np.float32)

    def part(values: Watts) -> Watts:
        if len(pieces) == 1:
            return values
        return np.concatenate([each for a, b in pieces for each in (values[a:b], gap)])

    def join(values: Watts) -> Watts:
        if len(pieces) == 1:
            return values
        return np.concatenate(
            [values[a + i * len(gap) : b + i * len(gap)] for i, (a, b) in enumerate(pieces)]
        )

    decisions = decide(
        part(recording.filled_mains_w),
        {a.name: part(power_w[:, i]) for i, a in enumerate(appliances)},
        settings,
        {a.name: a for a in appliances},
        recording.period_s,
        causal,
        share,
    )
    return decisions._replace(
        power_w={name: join(decided_w) for name, decided_w in decisions.power_w.items()}
    )
