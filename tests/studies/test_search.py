"""Search: what is drawn follows from the seed and the trials before it."""

import math

import pytest
from pydantic import ValidationError

from seq2point.studies.search_space import StudySearch

SETTINGS = {
    "learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
    "chunk": {"low": 200, "high": 800, "step": 200},
    "schedule": {"choices": ["linear", "constant"]},
}


def make_search(**more: object) -> StudySearch:
    return StudySearch.model_validate({"trials": 6, "settings": SETTINGS, "at_a_time": 4} | more)


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_trials_follow_from_the_seed_and_from_those_before(sampler: str):
    pytest.importorskip("optuna")
    from seq2point.studies.search import Trials, propose_trials

    search = make_search(sampler=sampler)
    first = propose_trials(Trials(search))
    assert first == propose_trials(Trials(search))
    assert len(first) == 4
    assert first != propose_trials(Trials(make_search(sampler=sampler, seed=1)))
    told = Trials(search, first, [3.0, 2.0, math.nan, 5.0])
    second = propose_trials(told)
    assert second == propose_trials(Trials(search, first, [3.0, 2.0, math.nan, 5.0]))
    assert len(second) == 2
    for each in first + second:
        assert 1e-4 <= each["learning_rate"] <= 1e-2
        assert each["chunk"] in (200, 400, 600, 800)
        assert each["schedule"] in ("linear", "constant")
        assert float(f"{each['learning_rate']:.4g}") == each["learning_rate"]


def test_the_best_trial_is_the_one_of_least_validation_error():
    from seq2point.studies.search import Trials

    settings = [{"chunk": 200}, {"chunk": 400}, {"chunk": 600}]
    report = Trials(make_search(), settings, [3.0, math.nan, 2.0]).as_json()
    assert report["best"] == {"recipe": "trial 2", "settings": {"chunk": 600}, "val_mae_w": 2.0}
    assert report["trials"][1]["val_mae_w"] is None
    assert Trials(make_search(), settings[:1], [math.nan]).as_json()["best"] is None


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"seed": {"low": 0, "high": 3}}, "settings.seed: no setting to search"),
        ({"learning": {"low": 0, "high": 3}}, "settings.learning: no setting to search; choose"),
        ({"chunk": {"low": 3}}, "give `low` and `high`, or `choices`"),
        ({"chunk": {"low": 3, "high": 2}}, "`low` 3 is above `high` 2"),
        ({"chunk": {"low": 3, "high": 9, "choices": [1]}}, "not both"),
        ({"learning_rate": {"low": 0, "high": 1, "log": True}}, "`log` needs a `low` above 0"),
        ({}, "at least 1"),
    ],
)
def test_what_cannot_be_searched_is_refused(settings: dict[str, object], text: str):
    with pytest.raises(ValidationError, match=text):
        make_search(settings=settings)
