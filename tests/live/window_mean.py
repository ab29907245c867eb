from collections.abc import Mapping
from typing import Any

import numpy as np

from seq2point.appliances import APPLIANCES, Appliance
from seq2point.household.home_models import HomeModel
from seq2point.predictor import Progress
from seq2point.recording import Recording, Watts
from seq2point.recording.windows import predict_spans


class WindowMean:
    """A predictor whose answer tells every reading of its window apart from every other."""

    provenance: Mapping[str, Any] = {}

    def __init__(
        self,
        window: int = 9,
        target: int = 4,
        period_s: float = 8.0,
        appliances: tuple[Appliance, ...] = (APPLIANCES["kettle"], APPLIANCES["fridge"]),
    ):
        self.appliances, self.period_s, self.window = appliances, period_s, window
        self.target = target
        self.weights = np.random.default_rng(window).uniform(0, 1, window).astype(np.float32)

    def predict_w(
        self,
        recording: Recording,
        engine: str = "sliding",
        edges: str = "empty",
        *,
        progress: Progress | None = None,
    ) -> Watts:
        def predict(mains_w: Watts) -> Watts:
            windows = np.lib.stride_tricks.sliding_window_view(mains_w, self.window)
            mean_w = windows @ self.weights / self.weights.sum()
            return np.column_stack([mean_w * (i + 1) / 4 for i in range(len(self.appliances))])

        return predict_spans(recording, self.window, self.target, len(self.appliances), predict)

    def describe(self) -> dict[str, Any]:
        return {}


def make_home_model(predictor: Any, **events: Any) -> HomeModel:
    """Return a model without a card; `events` are its event settings by appliance."""
    if events:
        predictor.provenance = {"events": events}
    return HomeModel(predictor, "test")
