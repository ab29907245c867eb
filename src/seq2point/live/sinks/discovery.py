"""Home Assistant's MQTT device discovery: what one retained message says of a home."""

import json
import math
import re
from importlib.metadata import version
from typing import Any

from seq2point.appliances import to_snake_case
from seq2point.live.mains_parts import ALWAYS_ON, MAINS, OTHER
from seq2point.live.updates import HomeDescription
from seq2point.wording import format_minutes

PREFIX = "homeassistant"
ROOT = "seq2point"
ONLINE, OFFLINE = "online", "offline"
LEAST_EXPIRY_S = 600
LABELS = {ALWAYS_ON: "Always on", OTHER: "Other", MAINS: "Mains, as answered"}


class Topics:
    """The topics of one home. Its name becomes letters, digits and underscores."""

    def __init__(self, home: str, prefix: str = PREFIX, root: str = ROOT):
        self.id = re.sub(r"[^a-z0-9_-]", "_", to_snake_case(home)) or "home"
        self.device = f"{ROOT}_{self.id}"
        self.base = f"{root}/{self.id}"
        self.discovery = f"{prefix}/device/{self.device}/config"
        self.birth = f"{prefix}/status"
        self.availability = f"{self.base}/availability"
        self.power = f"{self.base}/power"
        self.energy = f"{self.base}/energy"

    def running(self, appliance: str) -> str:
        """Return the topic that says whether an appliance runs."""
        return f"{self.base}/{appliance}/running"

    def event(self, appliance: str) -> str:
        """Return the topic of an appliance's starts and finishes."""
        return f"{self.base}/{appliance}/event"


def describe_home(topics: Topics, home: str, description: HomeDescription) -> str:
    """Return the discovery message of a home, as JSON."""
    parts = {each.name: each.label.capitalize() for each in description.appliances} | LABELS
    components: dict[str, Any] = {}
    expiry_s = math.ceil(max(LEAST_EXPIRY_S, 5 * description.period_s))
    for name, label in parts.items():
        components[f"{name}_power"] = _sensor(topics, f"{name}_power", f"{label} power") | {
            "state_topic": topics.power,
            "value_template": f"{{{{ value_json.{name} }}}}",
            "device_class": "power",
            "state_class": "measurement",
            "unit_of_measurement": "W",
            "suggested_display_precision": 0,
            "expire_after": expiry_s,
        }
        components[f"{name}_energy"] = _sensor(topics, f"{name}_energy", f"{label} energy") | {
            "state_topic": topics.energy,
            "value_template": f"{{{{ value_json.{name} }}}}",
            "device_class": "energy",
            "state_class": "total_increasing",
            "unit_of_measurement": "kWh",
            "suggested_display_precision": 2,
        }
    for appliance in description.appliances:
        name, label = appliance.name, appliance.label.capitalize()
        components[f"{name}_running"] = _entity(topics, f"{name}_running", label) | {
            "p": "binary_sensor",
            "default_entity_id": f"binary_sensor.{topics.device}_{name}_running",
            "state_topic": topics.running(name),
            "device_class": "running",
        }
        for kind in ("started", "finished"):
            components[f"{name}_{kind}"] = {
                "p": "device_automation",
                "unique_id": f"{topics.device}_{name}_{kind}",
                "automation_type": "trigger",
                "type": kind,
                "subtype": appliance.label,
                "topic": topics.event(name),
                "value_template": "{{ value_json.event }}",
                "payload": kind,
            }
    components["as_of"] = _sensor(topics, "as_of", "Answered up to") | {
        "state_topic": topics.power,
        "value_template": "{{ value_json.as_of }}",
        "device_class": "timestamp",
        "entity_category": "diagnostic",
    }
    own = {"name": ROOT, "sw": version(ROOT)}
    return json.dumps(
        {
            "dev": {
                "ids": [topics.device],
                "name": home,
                "mf": ROOT,
                "mdl": f"Appliances, estimated {format_minutes(description.delay_s)} late",
                "sw": own["sw"],
            },
            "o": own,
            "availability": [{"topic": topics.availability}],
            "cmps": components,
        }
    )


def _entity(topics: Topics, key: str, label: str) -> dict[str, Any]:
    return {"unique_id": f"{topics.device}_{key}", "name": label}


def _sensor(topics: Topics, key: str, label: str) -> dict[str, Any]:
    return _entity(topics, key, label) | {
        "p": "sensor",
        "default_entity_id": f"sensor.{topics.device}_{key}",
    }
