"""The options of a live service: where readings come from, where answers go, what is kept."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Le
from pydantic import PositiveFloat

from seq2point.choices import MqttVersion, SinkName, SourceName
from seq2point.configuration.columns import FILL
from seq2point.configuration.declare import REQUIRED, Config, option
from seq2point.configuration.household import TariffConfig

COMMIT_EVERY_S = 30.0
KEEP_DAYS = 35.0
MOST_FILLED = 86_400
LATE_S = 10.0
"""How late a reading may come that has a time of its own."""


class MeterConfig(Config):
    """What meter the readings come from: one that is known, or topics and entities."""

    meter: str | None = option(
        None, "A meter that is known, as shelly-3em; `live --list-meters` lists them."
    )
    meter_id: str | None = option(None, "Which meter of that kind: a part of its topic.")
    topic: Sequence[str] = option(
        (),
        "Topic of the mains, as home/mains or home/mains#power.w for a number in JSON; several are"
        " added, one with a minus in front is subtracted.",
    )
    entity: Sequence[str] = option(
        (), "Entity of the mains in Home Assistant, as sensor.mains_power; several are added."
    )
    production: Sequence[str] = option(
        (), "Topic or entity of a solar inverter or a battery, to add to the net."
    )
    scale: PositiveFloat = option(1.0, "Watts in a unit of the topics: 1000 for kilowatts.")
    stamp: str | None = option(
        None, "Path of the payload's own time.", unset="the time of its arrival"
    )


class BrokerConfig(Config):
    """Where the MQTT broker is. The password may be in SEQ2POINT_MQTT_PASSWORD."""

    broker: str = option("localhost", "Address of the MQTT broker: HOST, mqtts://HOST:8883.")
    user: str | None = option(None, "User name at the broker.", unset="none")
    password_file: Path | None = option(
        None, "File of the password at the broker.", unset="SEQ2POINT_MQTT_PASSWORD"
    )
    ca: Path | None = option(None, "Certificates to trust, for TLS.", unset="those of the machine")
    mqtt_version: MqttVersion = option("5", "Version of MQTT.")


class HomeAssistantConfig(Config):
    """Where Home Assistant is. The token may be in SEQ2POINT_HA_TOKEN."""

    ha_url: str | None = option(
        None, "Address of Home Assistant, as http://homeassistant.local:8123.", unset="in an app"
    )
    token_file: Path | None = option(
        None, "File of a long-lived access token.", unset="SEQ2POINT_HA_TOKEN"
    )


class PaceConfig(Config):
    """How readings come, and what is done about those that are missing or late."""

    cadence_s: PositiveFloat | None = option(
        None, "Time between readings.", unset="learned from the first 40"
    )
    hold_s: Annotated[float, Ge(0)] | None = option(
        None,
        "How long a reading holds where a meter reports changes alone.",
        unset="by the meter's own pace",
    )
    fill: Annotated[int, Ge(0), Le(MOST_FILLED)] = option(
        FILL, "Missing readings of the mains in a row to fill with the one before them."
    )
    late_s: Annotated[float, Ge(0)] | None = option(
        None,
        "How late a reading may come.",
        unset=f"{LATE_S:g}s where readings have times of their own, else 0",
    )


class KeepConfig(Config):
    """What is kept, and how often."""

    store: Path | None = option(None, "SQLite file of counters and history.", unset="none")
    commit_every_s: Annotated[float, Ge(0)] = option(
        COMMIT_EVERY_S, "Keep answers so often; 0 keeps each at once."
    )
    keep_days: PositiveFloat = option(
        KEEP_DAYS, "Days to keep minutes for; hours are kept for ever."
    )


class PageConfig(TariffConfig):
    """Where the page is, who may see it, and what it counts by. The token may be in
    SEQ2POINT_PAGE_TOKEN.
    """

    page_host: str = option(
        "127.0.0.1", "Address to serve the page at: 0.0.0.0 for the whole network, with a token."
    )
    page_port: Annotated[int, Ge(0), Le(65535)] = option(
        8099, "Port to serve the page at; 0 chooses a free one."
    )
    page_name: Sequence[str] = option(
        (), "A name that browsers call the page's machine by, beside its own; repeat for several."
    )
    page_token_file: Path | None = option(
        None, "File of the token that the page asks for.", unset="SEQ2POINT_PAGE_TOKEN"
    )
    page_ingress: bool = option(
        False, "Answer Home Assistant's ingress alone, which checks who asks; for an app."
    )


class LiveConfig(
    MeterConfig, BrokerConfig, HomeAssistantConfig, PaceConfig, KeepConfig, PageConfig
):
    """All options of a live service."""

    source: SourceName | None = option(
        None, "Where readings come from.", unset=f"{REQUIRED}, here or in a file of settings"
    )
    sink: Sequence[SinkName] = option(
        ("jsonl",), "Where answers go: mqtt, homeassistant, page or jsonl; repeat for several."
    )
    models: Sequence[str] = option(
        (), "Names or files of models.", unset="the best of the package for the readings' pace"
    )
    patient: bool = option(
        False,
        "Take the models that wait for what follows, up to hours, and err less; else those that"
        " answer soon.",
    )
    home: str = option("home", "Name of the home, as Home Assistant shows it.")
    zone: str | None = option(
        None,
        "The home's time zone, whose days are counted: Europe/London.",
        unset="the machine's; of a file to replay its own, else UTC",
    )
    replay: Path | None = option(None, "File to replay, of any format that is read.")
    speed: PositiveFloat | None = option(
        None, "How many seconds of the file to replay in one.", unset="as fast as can be"
    )
    jsonl: Path | None = option(None, "File of JSON lines to add to.", unset="standard output")
