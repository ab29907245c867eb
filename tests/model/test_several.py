"""Several models of one period predict as one, and each event has one owner."""

import numpy as np
import pytest

from seq2point import Model, Recording, UsageError
from seq2point.events import EventSettings
from seq2point.model.event_decisions import find_event_settings
from seq2point.model.several import SeveralModels
from seq2point.network import Architecture

MAINS = Recording("home", 60.0, np.linspace(0, 3000, 200, dtype=np.float32))


def make_model(appliance: str, shape: Architecture, period_s: float = 60.0) -> Model:
    return Model.untrained(appliance, period_s, shape)


def test_its_columns_are_those_of_each_model(tiny: Architecture):
    models = [make_model("kettle", tiny), make_model("fridge", tiny)]
    several = SeveralModels(models)
    assert [appliance.name for appliance in several.appliances] == ["kettle", "fridge"]
    assert (several.period_s, several.window) == (60.0, tiny.window)
    alone_w = np.concatenate([model.predict_w(MAINS) for model in models], axis=1)
    np.testing.assert_array_equal(several.predict_w(MAINS), alone_w)


def test_the_event_settings_of_its_models_are_its_own(tiny: Architecture):
    from dataclasses import replace

    settings = EventSettings(min_share=0.4, keep_share=0.2)
    kettle = replace(
        make_model("kettle", tiny), provenance={"events": {"kettle": settings.model_dump()}}
    )
    several = SeveralModels([kettle, make_model("fridge", tiny)])
    assert find_event_settings(several) == {"kettle": settings}


def test_models_of_another_period_or_of_one_appliance_are_refused(tiny: Architecture):
    kettle = make_model("kettle", tiny)
    with pytest.raises(UsageError, match="every 60 s and every 8 s: give models of one period"):
        SeveralModels([kettle, make_model("fridge", tiny, 8.0)])
    with pytest.raises(UsageError, match="two models predict the kettle"):
        SeveralModels([kettle, kettle])
