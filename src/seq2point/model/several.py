"""Several models of one sampling period as one Predictor, decided together."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seq2point.appliances import Appliance
from seq2point.choices import Edges, Engine
from seq2point.errors import UsageError
from seq2point.model.event_decisions import PROVENANCE, find_event_settings
from seq2point.model.pretrained.card import Card
from seq2point.predictor import Predictor, Progress, to_mains_recording
from seq2point.recording import RecordingLike, Watts, is_same_period
from seq2point.wording import format_seconds


class SeveralModels:
    """Models of different appliances at one sampling period, as one Predictor.

    Its appliances are those of all models, in order. `cards` are the models' cards, None for one
    without. Their event settings are in its provenance, so that an event has one owner.
    Raises UsageError for models of several periods, and for two of one appliance.
    """

    def __init__(self, models: Sequence[Predictor], cards: Sequence[Card | None] = ()):
        self.models = tuple(models)
        names = [appliance.name for appliance in self.appliances]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise UsageError(f"two models predict the {twice.replace('_', ' ')}: give one of them")
        for model in models[1:]:
            if not is_same_period(model.period_s, self.period_s):
                raise UsageError(
                    f"the models are for a reading every {format_seconds(self.period_s)} and every"
                    f" {format_seconds(model.period_s)}: give models of one period, as kettle-60s"
                    " and fridge-60s"
                )
        cards = cards or [None] * len(models)
        self._settings = {
            name: each.model_dump()
            for model, card in zip(models, cards, strict=True)
            for name, each in find_event_settings(model, card).items()
        }

    @property
    def appliances(self) -> tuple[Appliance, ...]:
        """The appliances of all models."""
        return tuple(appliance for model in self.models for appliance in model.appliances)

    @property
    def period_s(self) -> float:
        """The sampling period of their mains, in seconds."""
        return self.models[0].period_s

    @property
    def window(self) -> int:
        """Samples of mains that one prediction of the longest needs."""
        return max(model.window for model in self.models)

    @property
    def provenance(self) -> Mapping[str, Any]:
        """The event settings of all models."""
        return {PROVENANCE: self._settings}

    def predict_w(
        self,
        recording: RecordingLike,
        engine: Engine = "sliding",
        edges: Edges = "empty",
        *,
        progress: Progress | None = None,
    ) -> Watts:
        """Return the power of each appliance, f32[T, A] in watts; see `Predictor.predict_w`."""
        mains = to_mains_recording(self, recording)
        return np.concatenate(
            [model.predict_w(mains, engine, edges, progress=progress) for model in self.models],
            axis=1,
        )

    def describe(self) -> dict[str, Any]:
        """Return the facts of the models for reports, as JSON."""
        return {
            "appliances": [appliance.name for appliance in self.appliances],
            "models": [model.describe() for model in self.models],
        }
