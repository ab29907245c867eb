"""Home Assistant's own rules of discovery, as its code has them (2026.11)."""

import json
import re

import pytest

from seq2point.appliances import APPLIANCES
from seq2point.live.sinks.discovery import Topics, describe_home
from seq2point.live.updates import HomeDescription

FACTS = HomeDescription(tuple(APPLIANCES.values()), 8.0, 2400.0)
TOPIC = re.compile(r"homeassistant/device/[a-zA-Z0-9_-]+/config")


def discover(home="Ünser Haus 2"):
    topics = Topics(home)
    return topics, json.loads(describe_home(topics, home, FACTS))


def test_the_topic_and_the_message_are_those_of_a_device():
    topics, message = discover()
    assert TOPIC.fullmatch(topics.discovery)
    assert message.keys() == {"dev", "o", "availability", "cmps"}
    assert message["dev"]["ids"] == [topics.device]
    assert message["o"]["name"]
    assert all("+" not in topic and "#" not in topic for topic in vars(topics).values())


def test_every_component_has_a_platform_and_an_id_of_its_own():
    _, message = discover()
    components = message["cmps"].values()
    assert {each["p"] for each in components} == {"sensor", "binary_sensor", "device_automation"}
    ids = [each["unique_id"] for each in components]
    assert len(set(ids)) == len(ids)
    assert not any("object_id" in each for each in components)
    entities = [each for each in components if each["p"] != "device_automation"]
    for each in entities:
        assert re.fullmatch(rf"{each['p']}\.[a-z0-9_]+", each["default_entity_id"])


@pytest.mark.parametrize("name", [*APPLIANCES, "always_on", "other", "mains"])
def test_power_and_energy_are_what_the_dashboard_takes(name):
    _, message = discover()
    power, energy = (message["cmps"][f"{name}_{kind}"] for kind in ("power", "energy"))
    assert (power["device_class"], power["unit_of_measurement"], power["state_class"]) == (
        "power",
        "W",
        "measurement",
    )
    assert (energy["device_class"], energy["unit_of_measurement"], energy["state_class"]) == (
        "energy",
        "kWh",
        "total_increasing",
    )
    assert power["expire_after"] >= 600
    assert "expire_after" not in energy


def test_triggers_are_told_apart_by_type_and_subtype():
    _, message = discover()
    triggers = [each for each in message["cmps"].values() if each["p"] == "device_automation"]
    kinds = {(each["type"], each["subtype"]) for each in triggers}
    assert len(kinds) == len(triggers) == 2 * len(APPLIANCES)
    assert all(each["automation_type"] == "trigger" and each["topic"] for each in triggers)


@pytest.mark.parametrize("home", ["a/b", "+", "#", "", "Ä ö", "x" * 300])
def test_no_name_breaks_a_topic(home):
    topics = Topics(home)
    assert TOPIC.fullmatch(topics.discovery)
    assert topics.base.count("/") == 1
