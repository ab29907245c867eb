"""Settings are chosen by several houses, never by one."""

import numpy as np
import pytest

from seq2point.appliances import find_appliance
from seq2point.events import EventCase, EventSettings, choose_settings

KETTLE = find_appliance("kettle")


def case(house: str, share: float, false_share: float = 0.0, runs: int = 6) -> EventCase:
    """A day with kettles, of which the network predicts a share, and ovens, of which another."""
    truth_w = np.zeros(1440, np.float32)
    oven_w = np.zeros(1440, np.float32)
    for start in np.linspace(100, 1300, runs).astype(int):
        truth_w[start : start + 3] = 2800
        oven_w[start + 50 : start + 60] = 2200
    mains_w = 150 + truth_w + oven_w
    return EventCase(house, mains_w, share * truth_w + false_share * oven_w, truth_w, 60.0)


def test_events_help_where_networks_predict_a_fraction():
    choice = choose_settings([case("1", 0.6, 0.1), case("2", 0.7), case("3", 0.66)], KETTLE)
    assert choice.settings is not None
    assert choice.errors == pytest.approx({"1": 0, "2": 0, "3": 0}, abs=0.2)
    assert all(choice.errors_without[house] > choice.errors[house] for house in choice.errors)


def test_events_do_not_help_where_houses_lose_more_than_others_gain():
    better, worse = case("1", 0.6), [case(name, 0.3, 0.41) for name in "23"]
    candidates = [EventSettings(min_share=0.4)]
    choice = choose_settings([better, *worse], KETTLE, candidates)
    assert choice.settings is None
    assert choice.errors["1"] < choice.errors_without["1"]
    assert choice.errors["2"] > choice.errors_without["2"]


def test_houses_of_one_name_are_scored_as_one():
    choice = choose_settings([case("days", 0.6), case("days", 0.7), case("1", 0.6)], KETTLE)
    assert set(choice.errors) == {"days", "1"}


def test_one_house_chooses_nothing():
    never = case("2", 0.5)._replace(truth_w=np.zeros(1440, np.float32))
    for cases in ([case("1", 0.5)], [case("1", 0.5), never]):
        with pytest.raises(ValueError, match="at least two houses"):
            choose_settings(cases, KETTLE)
