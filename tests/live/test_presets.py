"""The presets read payloads as the meters' own documentation shows them."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2point.errors import DataError, UsageError
from seq2point.live.meters import Channel, Meter
from seq2point.live.payloads import find_watts, parse_payload, parse_time_s
from seq2point.live.presets import PRESETS, open_preset, parse_channels
from seq2point.live.readings import Reading

NOW_S = 1_764_000_000.0

SHELLY_EM = {
    "id": 0,
    "a_current": 4.029,
    "a_voltage": 236.1,
    "a_act_power": 951.2,
    "a_aprt_power": 951.9,
    "b_act_power": -12.5,
    "c_act_power": 300.0,
    "n_current": None,
    "total_current": 11.116,
    "total_act_power": 1238.7,
    "total_aprt_power": 2525.4,
}
EVENT = {
    "src": "shellyproem50-08f9e0e5c790",
    "dst": "shellyproem50-08f9e0e5c790/events",
    "method": "NotifyStatus",
    "params": {"ts": NOW_S - 2, "em1:0": {"id": 0, "act_power": 430.2, "pf": 0.98}},
}
TASMOTA = {
    "Time": "2026-11-24T16:00:00",
    "ENERGY": {
        "TotalStartTime": "2026-01-01T00:00:00",
        "Total": 12.3,
        "Power": 345,
        "Voltage": 230,
    },
}
TASMOTA_3 = {"ENERGY": {"Total": 12.3, "Power": [100, 200, 45], "Voltage": [230, 231, 229]}}
TASMOTA_SML = {"Time": "2026-11-24T16:00:00", "MT681": {"Total_in": 5321.1, "Power_curr": 812.0}}
GLOW = {
    "electricitymeter": {
        "timestamp": "2025-11-24T15:59:58Z",
        "energy": {"import": {"cumulative": 6613.405, "units": "kWh", "price": {"unitrate": 0.2}}},
        "power": {"value": 0.642, "units": "kW"},
    }
}
AMS = {"id": "AMS-1234", "up": 60, "t": NOW_S, "data": {"lv": "KFM", "P": 1520, "PO": 0, "Q": 10}}
TIBBER = {
    "timestamp": "2025-11-24T16:00:00+00:00",
    "power": 0,
    "powerProduction": 1234,
    "accumulatedConsumption": 5.2,
}

MESSAGES = {
    "shelly-3em": [("em/status/em:0", SHELLY_EM)],
    "shelly-em": [("em/status/em1:0", {"id": 0, "current": 2.1, "act_power": 498.9, "pf": 0.97})],
    "shelly-em-events": [("em/events/rpc", EVENT)],
    "shelly-gen1-3em": [(f"shellies/em/emeter/{i}/power", f"{100 * (i + 1)}.50") for i in range(3)],
    "shelly-gen1-em": [("shellies/em/emeter/0/power", "523.13")],
    "tasmota": [("tele/em/SENSOR", TASMOTA)],
    "tasmota-meter": [("tele/em/SENSOR", TASMOTA_SML)],
    "esphome": [("em/state", "1234.5")],
    "emonhub": [("emon/em/power1", "251")],
    "zigbee2mqtt": [("zigbee2mqtt/em", {"power": 734, "energy": 12.9, "linkquality": 102})],
    "glow": [("glow/em/SENSOR/electricitymeter", GLOW)],
    "dsmr-reader": [
        ("em/electricity_currently_delivered", "0.713"),
        ("em/electricity_currently_returned", "0.000"),
    ],
    "ams": [("em", AMS)],
    "ams-topics": [("em/meter/import/active", "450")],
    "tibber": [("em", TIBBER)],
    "vzlogger": [("vzlogger/data/em/raw", {"timestamp": 1764000000123, "value": 312.4})],
}
WATTS = {
    "shelly-3em": 1238.7,
    "shelly-em": 498.9,
    "shelly-em-events": 430.2,
    "shelly-gen1-3em": 601.5,
    "shelly-gen1-em": 523.13,
    "tasmota": 345,
    "tasmota-meter": 812,
    "esphome": 1234.5,
    "emonhub": 251,
    "zigbee2mqtt": 734,
    "glow": 642,
    "dsmr-reader": 713,
    "ams": 1520,
    "ams-topics": 450,
    "tibber": math.nan,  # the home feeds in: its load is unknown
    "vzlogger": 312.4,
}


def send(meter, messages, now_s=NOW_S):
    texts = [(topic, p if isinstance(p, str) else json.dumps(p)) for topic, p in messages]
    return [each for topic, text in texts for each in meter.take(topic, text.encode(), now_s)]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_reads_its_meter(name):
    meter = Meter(open_preset(name, "em"))
    (reading,) = send(meter, MESSAGES[name])
    assert reading.watts == pytest.approx(WATTS[name], nan_ok=True)
    assert meter.complaint == ""


@pytest.mark.parametrize(
    ("name", "time_s"), [("glow", 1764000000 - 2), ("vzlogger", 1764000000.123)]
)
def test_a_meter_says_its_own_time(name, time_s):
    (reading,) = send(Meter(open_preset(name, "em")), MESSAGES[name])
    assert reading.time_s == pytest.approx(time_s)


def test_phases_add_up_where_a_total_is_missing():
    phases = {key: value for key, value in SHELLY_EM.items() if key != "total_act_power"}
    (reading,) = send(Meter(open_preset("shelly-3em", "em")), [("em/status/em:0", phases)])
    assert reading.watts == pytest.approx(1238.7)


def test_a_list_of_phases_adds_up():
    (reading,) = send(Meter(open_preset("tasmota", "em")), [("tele/em/SENSOR", TASMOTA_3)])
    assert reading.watts == 345


def test_three_phases_at_three_times_are_one_reading():
    meter = Meter(open_preset("shelly-gen1-3em", "em"))
    readings = []
    for second in range(0, 30, 10):
        for phase in (2, 0, 1):
            topic = f"shellies/em/emeter/{phase}/power"
            readings += meter.take(topic, str(100 + second), NOW_S + second + phase)
    assert [reading.watts for reading in readings] == [300, 330, 360]


def test_a_phase_that_is_late_holds_until_it_is_stale():
    meter = Meter(parse_channels(["a", "b"]), stale_s=30)
    assert send(meter, [("a", "100")]) == []
    assert send(meter, [("b", "50")]) == [Reading(NOW_S, 150)]
    readings = []
    for second in range(10, 70, 10):
        readings += meter.take("a", str(second), NOW_S + second)
    assert readings == [Reading(NOW_S + 10, 60), Reading(NOW_S + 20, 70), Reading(NOW_S + 30, 80)]
    assert meter.counts.stale == 2


def test_an_inverter_asleep_produces_nothing():
    meter = Meter(parse_channels(["net"], ["solar"]), stale_s=60)
    assert send(meter, [("net", "-300"), ("solar", "900")]) == [Reading(NOW_S, 600)]
    send(meter, [("net", "200"), ("solar", "10")])
    send(meter, [("net", "310"), ("net", "310")], NOW_S + 3600)
    readings = send(meter, [("net", "320")], NOW_S + 3610)
    assert readings[-1].watts == 310


def test_below_zero_the_load_is_unknown():
    meter = Meter(parse_channels(["net"]))
    readings = send(meter, [("net", "-250"), ("net", "-0.5"), ("net", "7")])
    assert math.isnan(readings[0].watts)
    assert [reading.watts for reading in readings[1:]] == [0, 7]
    assert meter.counts.below_zero == 1


@pytest.mark.parametrize(
    ("stamp_s", "off"),
    [(12, "more than a day"), (NOW_S - 7200, "120 min"), (NOW_S + 900, "15 min")],
)
def test_a_wrong_clock_gives_way_to_the_arrival(stamp_s, off, caplog):
    meter = Meter([Channel("m", ("value",), stamp="t")])
    readings = send(meter, [("m", {"value": 5, "t": stamp_s}), ("m", {"value": 6, "t": NOW_S - 3})])
    assert [record.getMessage() for record in caplog.records] == [
        f"m: the meter's clock is {off} off this machine's: from here on a reading's time is that"
        " of its arrival"
    ]
    assert [reading.time_s for reading in readings] == [NOW_S, NOW_S]
    assert meter.counts.wrong_clock == 1


@pytest.mark.parametrize("word", ["unavailable", "unknown", "None", "", "nan", "null"])
def test_a_missing_reading_is_unknown(word):
    (reading,) = send(Meter(parse_channels(["m"])), [("m", word)])
    assert math.isnan(reading.watts)


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        ({"power": 5, "energy": 7}, "name one number in it: power, energy"),
        ([1, 2], r"name one number in it: 0, 1, \* for their sum"),
        ("ten", "'ten', not a number"),
        ("true", "True, not a number"),
        ("{", "'{', not a number"),
        ({}, "it has none"),
    ],
)
def test_what_is_ambiguous_is_refused_with_the_choices(payload, complaint):
    meter = Meter(parse_channels(["m"]))
    assert send(meter, [("m", payload)]) == []
    assert meter.counts.unreadable == 1
    with pytest.raises(DataError, match=complaint):
        find_watts(parse_payload(payload if isinstance(payload, str) else json.dumps(payload)), "")


@given(payload=st.binary(max_size=80))
def test_no_payload_breaks_a_meter(payload):
    for channels in (parse_channels(["m"]), parse_channels(["m#a.b"]), parse_channels(["m#*"])):
        meter = Meter(channels)
        for reading in meter.take("m", payload, NOW_S):
            assert math.isnan(reading.watts) or reading.watts >= 0


@pytest.mark.parametrize(
    ("topics", "complaint"),
    [
        (["home/+/power"], "wildcards"),
        ([""], "invalid topic"),
        (["a#b", "a#b"], "a#b: comes twice"),
    ],
)
def test_topics_that_would_mix_meters_are_refused(topics, complaint):
    with pytest.raises(UsageError, match=complaint):
        parse_channels(topics)


def test_presets_say_what_they_need():
    with pytest.raises(UsageError, match="meter 'glow' needs `meter_id`: its device ID"):
        open_preset("glow", None)
    with pytest.raises(UsageError, match="unknown meter 'tasmotta': did you mean 'tasmota'"):
        open_preset("tasmotta", "x")


def test_channels_are_added_subtracted_and_scaled():
    meter = Meter(parse_channels(["in#p", "-out#p"], scale=1000))
    (reading,) = send(meter, [("in", {"p": 1.5}), ("out", {"p": 0.25})])
    assert reading.watts == 1250


@pytest.mark.parametrize(
    ("stamp", "seconds"),
    [
        (1764000000, 1764000000),
        (1764000000123, 1764000000.123),
        ("2025-11-24T16:00:00Z", 1764000000),
    ],
)
def test_stamps_are_read(stamp, seconds):
    assert parse_time_s(stamp) == seconds


@pytest.mark.parametrize("stamp", ["2025-11-24T16:00:00", "noon", True, None, float("inf")])
def test_stamps_that_are_open_are_refused(stamp):
    with pytest.raises(DataError):
        parse_time_s(stamp)
