"""The source and the sink of Home Assistant, with a server that speaks as it does."""

import asyncio
import json
import math
from contextlib import asynccontextmanager

import pytest

websockets = pytest.importorskip("websockets")

from seq2point.appliances import APPLIANCES  # noqa: E402
from seq2point.errors import UsageError  # noqa: E402
from seq2point.live import broker  # noqa: E402
from seq2point.live.hass import open_home_assistant  # noqa: E402
from seq2point.live.readings import Reading, SourceError  # noqa: E402
from seq2point.live.sinks.homeassistant import StatisticsSink  # noqa: E402
from seq2point.live.sources.homeassistant import HomeAssistantSource, make_meter  # noqa: E402
from seq2point.live.store import Hour  # noqa: E402
from seq2point.live.updates import HomeDescription, Update  # noqa: E402

NOW_S = 1_764_000_000.0
METADATA = {"has_mean", "has_sum", "name", "source", "statistic_id", "unit_of_measurement"}


class Server:
    """Home Assistant's websocket as far as it is used: auth, states and statistics."""

    def __init__(self, events=(), extra_keys=()):
        self.events, self.known = list(events), METADATA | set(extra_keys)
        self.commands, self.connections = [], 0

    async def serve(self, socket):
        self.connections += 1
        await socket.send(json.dumps({"type": "auth_required", "ha_version": "2026.11.1"}))
        auth = json.loads(await socket.recv())
        if auth != {"type": "auth", "access_token": "secret"}:
            await socket.send(json.dumps({"type": "auth_invalid", "message": "Invalid"}))
            return
        await socket.send(json.dumps({"type": "auth_ok", "ha_version": "2026.11.1"}))
        async for text in socket:
            command = json.loads(text)
            refused = set(command.get("metadata", {})) - self.known
            answer = {"id": command["id"], "type": "result", "success": not refused}
            if refused:
                answer["error"] = {"code": "invalid_format", "message": f"extra keys: {refused}"}
            else:
                self.commands.append(command)
            await socket.send(json.dumps(answer))
            if command["type"] == "subscribe_entities":
                while self.events:
                    event = self.events.pop(0)
                    if event is None:
                        return
                    message = {"id": command["id"], "type": "event", "event": event}
                    await socket.send(json.dumps(message))

    @asynccontextmanager
    async def run(self):
        async with websockets.serve(self.serve, "127.0.0.1", 0) as server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    monkeypatch.setattr(broker, "FIRST_WAIT_S", 0.02)


@pytest.fixture
def token(tmp_path):
    path = tmp_path / "token"
    path.write_text("secret\n")
    return path


def state(value, stamp, unit=None):
    unit = {} if unit is None else {"a": {"unit_of_measurement": unit}}
    return {"s": value, "lc": stamp, "c": "context", **unit}


async def take(url, token, meter, count):
    source = HomeAssistantSource(open_home_assistant(url, token), meter, clock=lambda: NOW_S)
    batches, readings = source.batches(), []
    async for batch in batches:
        readings += batch
        if len(readings) >= count:
            break
    await batches.aclose()
    return readings


def test_states_become_readings_at_their_own_times(token):
    events = [
        {"a": {"sensor.mains": state("1.5", NOW_S - 9, "kW")}},
        {"c": {"sensor.mains": {"+": {"s": "1.6", "lc": NOW_S - 5, "c": "x"}}}},
        {"c": {"sensor.mains": {"+": {"a": {"icon": "x"}, "lu": NOW_S - 4}}}},
        None,  # the connection is lost
        {"a": {"sensor.mains": state("1.6", NOW_S - 5, "kW")}},
        {"c": {"sensor.mains": {"+": {"s": "unavailable", "lc": NOW_S - 2}}}},
        {"r": ["sensor.mains"]},
    ]

    async def run():
        async with Server(events).run() as url:
            return await asyncio.wait_for(take(url, token, make_meter(["sensor.mains"]), 5), 20)

    readings = asyncio.run(run())
    assert readings[:3] == [
        Reading(NOW_S - 9, 1500),
        Reading(NOW_S - 5, 1600),
        Reading(NOW_S - 5, 1600),
    ]
    assert all(math.isnan(reading.watts) for reading in readings[3:])


def test_solar_is_added_to_the_net(token):
    added = {"sensor.net": state("-200", NOW_S, "W"), "sensor.solar": state("0.9", NOW_S, "kW")}

    async def run():
        async with Server([{"a": added}]).run() as url:
            meter = make_meter(["sensor.net"], ["sensor.solar"])
            return await asyncio.wait_for(take(url, token, meter, 1), 20)

    assert asyncio.run(run()) == [Reading(NOW_S, 700)]


def test_what_no_second_attempt_mends_ends_the_source(token):
    async def run(events, secret="secret"):
        token.write_text(secret)
        async with Server(events).run() as url:
            await asyncio.wait_for(take(url, token, make_meter(["sensor.mains"]), 1), 20)

    with pytest.raises(SourceError, match="is in kWh, not a power"):
        asyncio.run(run([{"a": {"sensor.mains": state("5", NOW_S, "kWh")}}]))
    with pytest.raises(SourceError, match="refuses the token"):
        asyncio.run(run([], "another"))


@pytest.mark.parametrize("extra_keys", [(), ("mean_type",), ("mean_type", "unit_class")])
def test_hours_become_statistics_whatever_the_version(token, extra_keys):
    server = Server(extra_keys=extra_keys)
    hours = [Hour(3600 * i, "kettle", 50.0, 3600, 50.0 * (i + 1)) for i in range(3)]

    async def run():
        async with server.run() as url:
            sink = StatisticsSink(open_home_assistant(url, token), "My Home")
            await sink.open()
            description = HomeDescription((APPLIANCES["kettle"],), 60.0, 60.0)
            await sink.publish(Update(description, hours=hours))
            await sink.close()

    asyncio.run(run())
    (command,) = server.commands
    assert command["type"] == "recorder/import_statistics"
    assert command["metadata"].keys() == METADATA | set(extra_keys)
    assert command["metadata"]["statistic_id"] == "seq2point:my_home_kettle_energy"
    assert command["metadata"]["name"] == "My Home: Kettle"
    assert command["stats"][2] == {
        "start": "1970-01-01T02:00:00+00:00",
        "state": 0.15,
        "sum": 0.15,
    }


def test_hours_wait_for_a_connection(token):
    server = Server()

    async def run():
        async with server.run() as url:
            port = url.rpartition(":")[2]
        sink = StatisticsSink(open_home_assistant(url, token), "h")
        await sink.open()
        await sink.publish(Update(hours=[Hour(0, "kettle", 1.0, 3600, 1.0)]))
        await asyncio.sleep(0.1)
        async with websockets.serve(server.serve, "127.0.0.1", int(port)):
            for _ in range(200):
                if server.commands:
                    break
                await asyncio.sleep(0.02)
            await sink.close()

    asyncio.run(run())
    assert len(server.commands) == 1


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://host:8123", "ws://host:8123/api/websocket"),
        ("host:8123/", "ws://host:8123/api/websocket"),
        ("https://host", "wss://host/api/websocket"),
        ("ws://supervisor/core/websocket", "ws://supervisor/core/websocket"),
    ],
)
def test_an_address_is_that_of_the_websocket(url, expected, token):
    home_assistant = open_home_assistant(url, token)
    assert home_assistant.url == expected
    assert "secret" not in repr(home_assistant) + str(home_assistant)


def test_within_an_app_the_supervisor_is_asked(monkeypatch):
    monkeypatch.setenv("SUPERVISOR_TOKEN", "given")
    home_assistant = open_home_assistant()
    assert (home_assistant.url, home_assistant.token) == ("ws://supervisor/core/websocket", "given")


def test_what_is_missing_is_said(monkeypatch):
    monkeypatch.delenv("SUPERVISOR_TOKEN", raising=False)
    with pytest.raises(UsageError, match="`ha_url` is missing"):
        open_home_assistant()
    with pytest.raises(UsageError, match="`token_file` is missing"):
        open_home_assistant("http://host")
    with pytest.raises(UsageError, match="expected an entity"):
        make_meter(["mains"])
