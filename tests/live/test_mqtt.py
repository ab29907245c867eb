"""The MQTT source and sink with a real broker on loopback: Debian's Mosquitto."""

import asyncio
import json
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress

import numpy as np
import pytest

aiomqtt = pytest.importorskip("aiomqtt")

from seq2point.appliances import APPLIANCES  # noqa: E402
from seq2point.errors import UsageError  # noqa: E402
from seq2point.household.balance import balance  # noqa: E402
from seq2point.live import broker as connection  # noqa: E402
from seq2point.live.broker import open_broker  # noqa: E402
from seq2point.live.cycles import Notice  # noqa: E402
from seq2point.live.mains_parts import ALWAYS_ON, OTHER, Answers  # noqa: E402
from seq2point.live.meters import Meter  # noqa: E402
from seq2point.live.presets import open_preset, parse_channels  # noqa: E402
from seq2point.live.readings import SourceError  # noqa: E402
from seq2point.live.sinks.mqtt import MqttSink  # noqa: E402
from seq2point.live.sources.mqtt import MqttSource  # noqa: E402
from seq2point.live.updates import HomeDescription, Update  # noqa: E402

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")

pytestmark = pytest.mark.skipif(
    MOSQUITTO is None, reason="Mosquitto is not installed: apt-get install mosquitto"
)

FACTS = HomeDescription((APPLIANCES["kettle"],), 60.0, 2400.0)


class Mosquitto:
    """A broker on loopback that can be killed and started again."""

    def __init__(self, folder, lines=()):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.config = folder / "mosquitto.conf"
        settings = [f"listener {self.port} 127.0.0.1", "persistence true"]
        settings += [f"persistence_location {folder}/", "autosave_interval 1", "user root", *lines]
        if not any(line.startswith("allow_anonymous") for line in lines):
            settings.append("allow_anonymous true")
        self.config.write_text("\n".join(settings) + "\n")
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [MOSQUITTO, "-c", str(self.config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(200):
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.05)
        raise RuntimeError("Mosquitto does not answer")

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def open(self, **values):
        return open_broker(f"127.0.0.1:{self.port}", **values)


@pytest.fixture
def mosquitto(tmp_path, monkeypatch):
    monkeypatch.setattr(connection, "FIRST_WAIT_S", 0.05)
    running = Mosquitto(tmp_path)
    yield running
    running.stop()


def make_update(watts=100.0, running=False, notices=(), counters=None):
    mains_w, power_w = np.full(2, 500, np.float32), np.array([np.nan, watts], np.float32)
    predicted = {"kettle": power_w}
    always_w = np.full(2, 80, np.float32)
    balanced = balance(mains_w, predicted | {ALWAYS_ON: always_w}, {"kettle": 9, ALWAYS_ON: 9})
    parts = {**balanced.parts_w, OTHER: balanced.other_w}
    times_s = np.array([1.7e9, 1.7e9 + 60])
    answers = Answers(60.0, times_s, mains_w, predicted, parts, np.zeros(2, bool))
    return Update(FACTS, answers, notices, counters, (), {"kettle": running})


async def publish(port, *messages, version=aiomqtt.ProtocolVersion.V5):
    async with aiomqtt.Client("127.0.0.1", port, protocol=version) as client:
        for topic, payload in messages:
            await client.publish(topic, payload, qos=1)


async def gather(port, topic, until, during):
    """Return the messages of a topic by topic, retained first, until a condition holds."""
    heard = {}
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe(topic, qos=1)
        task = asyncio.ensure_future(during())

        async def listen():
            async for message in client.messages:
                heard.setdefault(str(message.topic), []).append(message.payload.decode())
                if until(heard):
                    return

        await asyncio.wait_for(listen(), 20)
        await task
    return heard


async def take(source, count):
    readings = []
    batches = source.batches()
    async for batch in batches:
        readings += batch
        if len(readings) >= count:
            break
    await batches.aclose()
    return readings


async def until_connected(source, connections=1):
    while source.connections < connections:
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_readings_come_by_either_version(mosquitto, version):
    async def run():
        meter = Meter(open_preset("shelly-em", "em"))
        source = MqttSource(mosquitto.open(version=version), meter, "test")
        taking = asyncio.ensure_future(take(source, 2))
        await until_connected(source)
        await publish(
            mosquitto.port,
            ("em/status/em1:0", '{"act_power": 120.5}'),
            ("em/status/em1:1", '{"act_power": -900}'),
            ("em/status/em1:0", '{"act_power": 130.5}'),
        )
        return await asyncio.wait_for(taking, 20)

    assert [reading.watts for reading in asyncio.run(run())] == [120.5, 130.5]


def test_a_source_comes_back_after_the_broker(mosquitto):
    async def run():
        source = MqttSource(mosquitto.open(), Meter(parse_channels(["m"])), "test")
        taking = asyncio.ensure_future(take(source, 2))
        await until_connected(source)
        await publish(mosquitto.port, ("m", "1"))
        mosquitto.process.kill()
        mosquitto.process.wait()
        await asyncio.sleep(0.3)
        mosquitto.start()
        await until_connected(source, 2)
        await publish(mosquitto.port, ("m", "2"))
        return await asyncio.wait_for(taking, 20)

    assert [reading.watts for reading in asyncio.run(run())] == [1, 2]


def test_what_the_broker_has_kept_is_no_reading(mosquitto):
    async def run():
        async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
            await client.publish("m", "777", retain=True)
        source = MqttSource(mosquitto.open(), Meter(parse_channels(["m"])), "test")
        taking = asyncio.ensure_future(take(source, 1))
        await until_connected(source)
        await asyncio.sleep(0.2)
        await publish(mosquitto.port, ("m", "5"))
        return await asyncio.wait_for(taking, 20)

    assert [reading.watts for reading in asyncio.run(run())] == [5]


def test_messages_beyond_the_queue_are_counted(mosquitto):
    async def run():
        source = MqttSource(mosquitto.open(), Meter(parse_channels(["m"])), "test", queue=10)
        batches = source.batches()
        first = asyncio.ensure_future(anext(batches))
        await until_connected(source)
        await publish(mosquitto.port, ("m", "0"))
        await first
        await publish(mosquitto.port, *(("m", str(i)) for i in range(1, 51)))
        await asyncio.sleep(0.5)
        readings = await anext(batches)
        await batches.aclose()
        return source.lost, [reading.watts for reading in readings]

    assert asyncio.run(run()) == (40, [*range(41, 51)])


def test_a_wrong_password_ends_the_source(tmp_path):
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "home", "right"], check=True)
    lines = ["allow_anonymous false", f"password_file {passwords}"]
    running = Mosquitto(tmp_path, lines)
    secret = tmp_path / "secret"
    try:
        for word, complaint in (("wrong", "refuses the connection"), ("right", None)):
            secret.write_text(word + "\n")
            broker = running.open(user="home", password_file=secret)
            assert word not in repr(broker) + str(broker)
            source = MqttSource(broker, Meter(parse_channels(["m"])), "test")

            async def run(source=source):
                await asyncio.wait_for(take(source, 1), 0.7)

            expected = pytest.raises(SourceError, match=complaint) if complaint else None
            with expected or pytest.raises(TimeoutError):
                asyncio.run(run())
        assert source.connections == 1
    finally:
        running.stop()


def test_home_assistant_is_told_all_there_is(mosquitto):
    finished = Notice("kettle", "finished", 1.7e9 + 180, 1.7e9, 1.7e9 + 120, 87.5)

    async def run():
        sink = MqttSink(mosquitto.open(), "My Home", "test")

        async def send():
            await sink.open()
            await sink.publish(make_update(counters={"kettle": 1234.5}))
            await sink.publish(make_update(running=True, notices=[finished]))
            await sink.close()

        return await gather(
            mosquitto.port,
            "#",
            lambda heard: "offline" in heard.get("seq2point/my_home/availability", []),
            send,
        )

    heard = asyncio.run(run())
    discovery = json.loads(heard["homeassistant/device/seq2point_my_home/config"][-1])
    assert discovery["dev"] == discovery["dev"] | {"ids": ["seq2point_my_home"], "name": "My Home"}
    assert discovery["cmps"]["kettle_energy"]["state_class"] == "total_increasing"
    assert heard["seq2point/my_home/availability"][-2:] == ["online", "offline"]
    power = json.loads(heard["seq2point/my_home/power"][-1])
    assert power == {
        "as_of": "2023-11-14T22:15:20+00:00",
        "mains": 500.0,
        "kettle": 100.0,
        "always_on": 80.0,
        "other": 320.0,
    }
    assert json.loads(heard["seq2point/my_home/energy"][-1]) == {"kettle": 1.2345}
    assert heard["seq2point/my_home/kettle/running"][-1] == "ON"
    assert json.loads(heard["seq2point/my_home/kettle/event"][0]) == {
        "event": "finished",
        "start": "2023-11-14T22:13:20+00:00",
        "end": "2023-11-14T22:15:20+00:00",
        "kwh": 0.087,
    }


def test_unknown_power_is_null_and_energy_never_falls(mosquitto):
    async def run():
        sink = MqttSink(mosquitto.open(), "h", "test")

        async def send():
            await sink.open()
            await sink.publish(make_update(np.nan, counters={"kettle": 500.0}))
            await asyncio.sleep(0.3)
            await sink.publish(make_update(np.nan, counters={"kettle": 400.0}))
            await sink.close()

        return await gather(
            mosquitto.port, "seq2point/#", lambda h: "offline" in str(h.values()), send
        )

    heard = asyncio.run(run())
    assert json.loads(heard["seq2point/h/power"][-1])["kettle"] is None
    assert [json.loads(text)["kettle"] for text in heard["seq2point/h/energy"]] == [0.5, 0.5]


def test_all_is_told_again_when_home_assistant_starts_and_after_the_broker(mosquitto):
    config = "homeassistant/device/seq2point_h/config"

    async def run():
        sink = MqttSink(mosquitto.open(), "h", "test")
        await sink.open()
        await sink.publish(make_update(counters={"kettle": 500.0}))
        births = await gather(
            mosquitto.port,
            "#",
            lambda heard: len(heard.get(config, [])) >= 2,
            lambda: birth(),
        )
        mosquitto.stop()
        await sink.publish(make_update(200.0))
        mosquitto.start()
        after = await gather(
            mosquitto.port,
            "seq2point/h/power",
            lambda heard: "200.0" in str(heard),
            lambda: asyncio.sleep(0),
        )
        await sink.close()
        return births, after

    async def birth():
        await asyncio.sleep(0.5)
        await publish(mosquitto.port, ("homeassistant/status", "online"))

    births, _ = asyncio.run(run())
    assert births[config][0] == births[config][1]


def test_the_broker_says_offline_for_a_service_that_dies(mosquitto):
    async def run():
        topic = "seq2point/h/availability"

        async def kill():
            program = (
                "import asyncio, os, sys\n"
                "from seq2point.live.broker import open_broker\n"
                "from seq2point.live.sinks.mqtt import MqttSink\n"
                "async def main():\n"
                f"    sink = MqttSink(open_broker('127.0.0.1:{mosquitto.port}'), 'h', 'test')\n"
                "    await sink.open()\n"
                "    await asyncio.sleep(1)\n"
                "    os._exit(9)\n"
                "asyncio.run(main())\n"
            )
            process = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
            await process.wait()

        return (await gather(mosquitto.port, topic, lambda h: "offline" in str(h), kill))[topic]

    assert asyncio.run(run())[-2:] == ["online", "offline"]


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("ftp://x", "expected HOST"),
        ("mqtt://a:b@host", "holds a password"),
        ("host:99999", "expected HOST"),
        ("", "expected HOST"),
    ],
)
def test_addresses_that_cannot_be_are_refused(address, complaint):
    with pytest.raises(UsageError, match=complaint):
        open_broker(address)
