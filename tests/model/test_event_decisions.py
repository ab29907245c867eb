"""Which event settings a model has, and how the predictions of several appliances are decided."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from seq2point import ModelFileError, Recording, UsageError, evaluate
from seq2point.appliances import Appliance, find_appliance
from seq2point.choices import Edges, Engine
from seq2point.events import EventSettings
from seq2point.model.event_decisions import decide_recording, find_event_settings
from seq2point.model.pretrained import load_pretrained
from seq2point.predictor import Progress

OWN = EventSettings(min_share=0.35, keep_share=0.2)


@dataclass
class Timid:
    """A predictor that predicts a share of what each appliance draws, and some watts all day."""

    names: tuple[str, ...]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    period_s: float = 60.0
    window: int = 1

    @property
    def appliances(self) -> tuple[Appliance, ...]:
        return tuple(find_appliance(name) for name in self.names)

    def predict_w(
        self,
        recording: Recording,
        engine: Engine = "sliding",
        edges: Edges = "empty",
        *,
        progress: Progress | None = None,
    ) -> np.ndarray:
        return np.column_stack(
            [0.6 * recording.appliance_w(name) + np.float32(5) for name in self.names]
        )

    def describe(self) -> dict[str, Any]:
        return {"appliances": list(self.names)}


@pytest.fixture(scope="module")
def house(make_recording: Callable[..., Recording]) -> Recording:
    """A day with six kettles and a fridge."""
    kettle, fridge = np.zeros(1440), np.zeros(1440)
    for first in range(60, 1440, 240):
        kettle[first : first + 4] = 2500
    for first in range(0, 1440, 40):
        fridge[first : first + 15] = 90
    mains = kettle + fridge + 100
    return make_recording(mains, period_s=60.0, kettle=kettle, fridge=fridge)


def test_settings_are_the_cards_then_the_files_then_the_default_ones():
    plain, written = (
        Timid(("kettle",)),
        Timid(("kettle",), {"events": {"kettle": OWN.model_dump()}}),
    )
    card = load_pretrained("kettle-60s").card.model_copy(update={"events": None})
    deciding = card.model_copy(update={"events": EventSettings(min_share=0.8)})
    assert find_event_settings(plain) == find_event_settings(plain, card) == {}
    assert find_event_settings(written) == find_event_settings(written, card) == {"kettle": OWN}
    assert find_event_settings(written, deciding) == {"kettle": deciding.events}
    assert find_event_settings(written, deciding, by_event=False) == {}
    assert find_event_settings(plain, card, by_event=True) == {"kettle": EventSettings()}
    assert find_event_settings(written, card, by_event=True) == {"kettle": OWN}


def test_an_appliance_below_the_smallest_event_has_no_default_settings():
    assert set(find_event_settings(Timid(("kettle", "fridge")), None, True)) == {"kettle"}
    with pytest.raises(UsageError, match=r"fridge: cannot be decided by event: .* up to 300 W"):
        find_event_settings(Timid(("fridge",)), None, True)


@pytest.mark.parametrize("damaged", [{"kettle": {"min_share": 0}}, {"kettle": 1}, [1], "x"])
def test_damaged_settings_are_an_error_of_the_model_file(damaged: Any):
    with pytest.raises(ModelFileError, match="the model's event settings are invalid"):
        find_event_settings(Timid(("kettle",), {"events": damaged}))


def test_several_appliances_are_scored_by_event_beside_their_own_predictions(house: Recording):
    model = Timid(("kettle", "fridge"))
    without, evaluation = evaluate(model, [house]), evaluate(model, [house], events={"kettle": OWN})
    assert (evaluation.metrics, evaluation.coverage) == (without.metrics, without.coverage)
    by_event = evaluation.by_event
    assert set(by_event) == {"kettle", "fridge"}
    assert by_event["kettle"]["mae_w"] < 0.5 * evaluation.metrics["kettle"]["mae_w"]
    assert by_event["fridge"] == pytest.approx(evaluation.metrics["fridge"])
    report = evaluation.as_json()
    assert report["by_event"] == by_event
    assert report["events"] == {"kettle": OWN.model_dump(), "fridge": None}
    assert report["data"][0]["owned"] == {"kettle": True, "fridge": True}
    assert without.as_json().keys() == report.keys() - {"by_event", "events"}


def test_the_decisions_never_exceed_the_mains_and_predict_where_the_network_does(house: Recording):
    model = Timid(("kettle", "fridge"))
    power_w = model.predict_w(house)
    power_w[:30] = np.nan
    decided = decide_recording(house, power_w, model.appliances, {"kettle": OWN}).power_w
    total_w = decided["kettle"] + decided["fridge"]
    assert np.flatnonzero(np.isnan(total_w)).tolist() == list(range(30))
    assert (total_w[30:] <= house.mains_w[30:] + 0.01).all()
