"""What we publish, in Home Assistant's own code: make homeassistant-env, make soak."""

import asyncio
import json
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest
from tests.live.test_mqtt import FACTS, MOSQUITTO, Mosquitto, Notice, make_update

from seq2point.live.hass import open_home_assistant
from seq2point.live.mains_parts import MAINS
from seq2point.live.sinks.homeassistant import StatisticsSink
from seq2point.live.sinks.mqtt import MqttSink
from seq2point.live.sources.homeassistant import HomeAssistantSource, make_meter
from seq2point.live.store import Hour
from seq2point.live.updates import Update

ROOT = Path(__file__).parents[2]
PYTHON = Path(os.environ.get("HOME_ASSISTANT", ROOT / ".venv-homeassistant/bin/python"))

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(MOSQUITTO is None, reason="Mosquitto is not installed"),
    pytest.mark.skipif(not PYTHON.exists(), reason="needs make homeassistant-env (Python 3.13)"),
]


class Instance:
    """A Home Assistant on loopback, in a process of its own."""

    def __init__(self, folder, mqtt_port):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        program = ROOT / "tests/oracles/home_assistant.py"
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [PYTHON, program, folder, str(mqtt_port), str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.token = folder.with_suffix(".token")
        self.token.write_text(json.loads(self.process.stdout.readline())["token"])

    def ask(self, *words):
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def wait(self, condition, *words):
        for _ in range(100):
            answer = self.ask(*words)
            if condition(answer):
                return answer
            time.sleep(0.2)
        raise AssertionError(f"in vain: {words}: {answer}")

    def stop(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory):
    running = Mosquitto(tmp_path_factory.mktemp("mosquitto"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def home_assistant(tmp_path_factory, mosquitto):
    running = Instance(tmp_path_factory.mktemp("ha") / "config", mosquitto.port)
    yield running
    running.stop()


def named(states, name):
    """Return the state of the entity that has a friendly name."""
    found = [s for s in states.values() if s["attributes"].get("friendly_name") == name]
    return found[0] if found else None


def test_discovery_is_accepted_and_values_arrive(mosquitto, home_assistant):
    finished = Notice("kettle", "finished", 1.7e9 + 180, 1.7e9, 1.7e9 + 120, 87.5)
    power, energy, on = "h Kettle power", "h Kettle energy", "h Kettle"

    async def run():
        sink = MqttSink(mosquitto.open(), "h", "test")
        await sink.open()
        await sink.publish(make_update(100.0, counters={"kettle": 1234.5}))

        async def see(condition):
            return await asyncio.to_thread(home_assistant.wait, condition, "states")

        states = await see(lambda s: named(s, energy) and named(s, energy)["state"] == "1.2345")
        assert named(states, energy)["attributes"] == named(states, energy)["attributes"] | {
            "state_class": "total_increasing",
            "unit_of_measurement": "kWh",
            "device_class": "energy",
        }
        await sink.publish(make_update(200.0, running=True, notices=[finished]))
        for name, value in {  # each comes by a message of its own
            power: "200.0",
            on: "on",
            "h Other power": "220.0",
            "h Answered up to": "2023-11-14T22:15:20+00:00",
        }.items():
            await see(lambda s, name=name, value=value: named(s, name)["state"] == value)
        await sink.publish(make_update(float("nan")))
        await see(lambda s: named(s, power)["state"] == "unknown")
        told = {("started", "kettle"), ("finished", "kettle")}
        await asyncio.to_thread(
            home_assistant.wait, lambda said: told <= {tuple(t) for t in said}, "triggers"
        )
        await sink.close()
        await see(lambda s: named(s, power)["state"] == "unavailable")

    asyncio.run(run())
    assert home_assistant.ask("complaints") == []


def test_statistics_are_accepted_with_their_true_times(home_assistant):
    first_s = 1_700_000_000 // 3600 * 3600
    hours = [Hour(first_s + 3600 * i, MAINS, 500, 3600, 500.0 * (i + 1)) for i in range(3)]

    async def run():
        sink = StatisticsSink(open_home_assistant(home_assistant.url, home_assistant.token), "h")
        await sink.open()
        for _ in range(2):
            await sink.publish(Update(FACTS, hours=hours))
        await sink.close()

    asyncio.run(run())
    rows = home_assistant.wait(
        lambda rows: len(rows) == 3, "statistics", "seq2point:h_mains_energy"
    )
    assert [row["sum"] for row in rows] == [0.5, 1.0, 1.5]
    assert [row["start"] for row in rows] == [hour.start_s for hour in hours]


def test_states_of_an_entity_come_as_readings(home_assistant):
    home_assistant.ask("set", "sensor.mains", "150")

    async def run():
        source = HomeAssistantSource(
            open_home_assistant(home_assistant.url, home_assistant.token),
            make_meter(["sensor.mains"]),
        )
        batches = source.batches()
        watts = [reading.watts for reading in await anext(batches)]
        for value in ("160", "unavailable", "170.5"):
            await asyncio.to_thread(home_assistant.ask, "set", "sensor.mains", value)
            watts += [reading.watts for reading in await anext(batches)]
        await batches.aclose()
        return watts

    assert str(asyncio.run(run())) == "[150.0, 160.0, nan, 170.5]"
