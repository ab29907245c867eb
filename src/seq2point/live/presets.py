"""Presets: what the common meters send over MQTT, as data; and channels of one's own."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from seq2point.choices import find_nearest
from seq2point.errors import UsageError
from seq2point.live.meters import Channel

KILO = 1000.0
HEARTBEAT_S = 120.0
"""A Shelly repeats its reading about each 15 s: longer silence than this is a gap."""
REPORTING_S = 3900.0
"""Zigbee meters repeat their reading each hour, unless they are set otherwise."""


class Preset(NamedTuple):
    """A kind of meter: its channels, and how it sends.

    A topic holds `{device}`, which the user names; `device` says in words what that is, with an
    example. `hold_s` is how long a reading holds where it sends changes alone. `note` says what to
    know or to set.
    """

    name: str
    channels: tuple[Channel, ...]
    device: str
    hold_s: float | None = None
    note: str = ""


PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            "shelly-3em",
            (
                Channel(
                    "{device}/status/em:0",
                    ("total_act_power", "a_act_power+b_act_power+c_act_power"),
                ),
            ),
            "its MQTT prefix, as shellypro3em-0123456789ab",
            hold_s=HEARTBEAT_S,
            note="it sends changes of 5 % or 10 W, else a reading about each 15 s",
        ),
        Preset(
            "shelly-em",
            (Channel("{device}/status/em1:0", ("act_power",)),),
            "its MQTT prefix, as shellyproem50-0123456789ab",
            hold_s=HEARTBEAT_S,
            note="em1:1 is often the solar inverter; add it as `production`",
        ),
        Preset(
            "shelly-em-events",
            (
                Channel(
                    "{device}/events/rpc",
                    ("params.em1:0.act_power", "params.em:0.total_act_power"),
                    stamp="params.ts",
                ),
            ),
            "its MQTT prefix, as shellyproem50-0123456789ab",
            hold_s=HEARTBEAT_S,
            note="it sends changes of 5 % or 10 W, else a reading about each 15 s",
        ),
        Preset(
            "shelly-gen1-3em",
            tuple(Channel(f"shellies/{{device}}/emeter/{phase}/power") for phase in range(3)),
            "its name, as shellyem3-0123456789AB",
            note="its three phases arrive at three times",
        ),
        Preset(
            "shelly-gen1-em",
            (Channel("shellies/{device}/emeter/0/power"),),
            "its name, as shellyem-0123456789AB",
        ),
        Preset(
            "tasmota",
            (Channel("tele/{device}/SENSOR", ("ENERGY.Power.*",)),),
            "its topic, as tasmota_A1B2C3",
            note="it sends each 300 s unless you set TelePeriod: 10 is its shortest",
        ),
        Preset(
            "tasmota-meter",
            (Channel("tele/{device}/SENSOR", ("*.Power_curr",)),),
            "its topic, as tasmota_A1B2C3",
            note="it sends each 300 s unless you set TelePeriod: 10 is its shortest",
        ),
        Preset(
            "esphome",
            (Channel("{device}/state"),),
            "the prefix and the sensor, as energy-meter/sensor/mains_power",
        ),
        Preset("emonhub", (Channel("emon/{device}/power1"),), "its node, as emonpi"),
        Preset(
            "zigbee2mqtt",
            (Channel("zigbee2mqtt/{device}", ("power",)),),
            "its friendly name, as mains",
            hold_s=REPORTING_S,
            note="it sends changes alone, by the reporting that is set in Zigbee2MQTT",
        ),
        Preset(
            "glow",
            (
                Channel(
                    "glow/{device}/SENSOR/electricitymeter",
                    ("electricitymeter.power.value",),
                    KILO,
                    stamp="electricitymeter.timestamp",
                ),
            ),
            "its device ID, twelve letters and digits",
            note="it sends about each 10 s, in kilowatts",
        ),
        Preset(
            "dsmr-reader",
            (
                Channel("{device}/electricity_currently_delivered", scale=KILO),
                Channel("{device}/electricity_currently_returned", scale=KILO, sign=-1),
            ),
            "the topic above its readings, as dsmr/reading",
        ),
        Preset(
            "ams",
            (
                Channel("{device}", ("P", "data.P")),
                Channel("{device}", ("PO", "data.PO"), sign=-1, optional=True),
            ),
            "its topic, as amsleser/power",
        ),
        Preset(
            "ams-topics",
            (
                Channel("{device}/meter/import/active"),
                Channel("{device}/meter/export/active", sign=-1, optional=True),
            ),
            "the topic above /meter, as amsleser",
        ),
        Preset(
            "tibber",
            (
                Channel("{device}", ("power",), stamp="timestamp"),
                Channel(
                    "{device}", ("powerProduction",), sign=-1, stamp="timestamp", optional=True
                ),
            ),
            "the topic of its live measurement, as tibber/live",
            note="`power` sticks at 0 while the home feeds in",
        ),
        Preset(
            "vzlogger",
            (Channel("vzlogger/data/{device}/raw", ("value", ""), stamp="timestamp"),),
            "its channel, as chn0",
        ),
    )
}
"""The meters that are known, by name."""


def find_preset(name: str) -> Preset:
    """Return a preset by name; raises UsageError for an unknown one, with the nearest."""
    if name in PRESETS:
        return PRESETS[name]
    near = find_nearest(name, [*PRESETS])
    advice = f"did you mean '{near}'?" if near else f"choose one of {', '.join(PRESETS)}"
    raise UsageError(f"unknown meter '{name}': {advice}")


def open_preset(name: str, device: str | None) -> tuple[Channel, ...]:
    """Return the channels of a preset for one device.

    Raises UsageError for an unknown preset, and where the device is not named or has wildcards.
    """
    preset = find_preset(name)
    if not device:
        raise UsageError(f"meter '{name}' needs `meter_id`: {preset.device}")
    _refuse_wildcards(device)
    return tuple(
        replace(channel, topic=channel.topic.format(device=device.strip("/")))
        for channel in preset.channels
    )


def parse_channels(
    topics: Sequence[str],
    productions: Sequence[str] = (),
    scale: float = 1.0,
    stamp: str | None = None,
) -> tuple[Channel, ...]:
    """Return channels of topics written TOPIC or TOPIC#PATH; a minus in front subtracts one.

    `productions` are those of solar inverters or batteries, to be added to the net.
    Raises UsageError for an empty topic, for wildcards and for a topic that comes twice.
    """
    channels = [_parse_channel(text, scale, stamp, False) for text in topics]
    channels += [_parse_channel(text, scale, stamp, True) for text in productions]
    keys = [(channel.topic, channel.paths) for channel in channels]
    for topic, paths in keys:
        if keys.count((topic, paths)) > 1:
            raise UsageError(f"{'#'.join(filter(None, (topic, *paths)))}: comes twice")
    return tuple(channels)


def _parse_channel(text: str, scale: float, stamp: str | None, is_production: bool) -> Channel:
    topic, hash_, path = text.removeprefix("-").partition("#")
    if hash_ and not path:
        _refuse_wildcards(text)
    if not topic.strip():
        raise UsageError(
            f"invalid topic '{text}': expected TOPIC or TOPIC#PATH, as home/mains#power"
        )
    _refuse_wildcards(topic)
    sign = -1 if text.startswith("-") else 1
    return Channel(topic, (path,), scale, sign, stamp, is_production)


def _refuse_wildcards(topic: str) -> None:
    if "+" in topic or "#" in topic or "\0" in topic:
        raise UsageError(
            f"'{topic}': wildcards would mix several meters into one; name one topic, and add"
            " another by repeating the option"
        )
