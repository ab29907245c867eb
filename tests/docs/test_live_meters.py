"""The recipes for meters: each command is run, and shown what the meter's documentation sends."""

import asyncio
import json
import re
import shlex
import subprocess
import sys
import time
import urllib.request
from threading import Thread

import pytest
from tests.docs.pages import DOCS

pytest.importorskip("aiomqtt")
pytest.importorskip("starlette")
pytest.importorskip("onnxruntime")

from tests.live.test_homeassistant import Server, state
from tests.live.test_mqtt import MOSQUITTO, Mosquitto
from tests.live.test_presets import GLOW, SHELLY_EM, TASMOTA_3

GUIDE = DOCS / "guides" / "live_meters.md"
RECIPES = {
    "Shelly": ([("shellypro3em-0123456789ab/status/em:0", SHELLY_EM)], 1238.7),
    "P1, DSMR": (
        [
            ("dsmr/reading/electricity_currently_delivered", "0.713"),
            ("dsmr/reading/electricity_currently_returned", "0.213"),
        ],
        500.0,
    ),
    "Glow, in the United Kingdom": ([("glow/0123456789AB/SENSOR/electricitymeter", GLOW)], 642.0),
    "Tasmota": ([("tele/mains/SENSOR", TASMOTA_3)], 345.0),
    "ESPHome": ([("mains/sensor/power/state", "1234.5")], 1234.5),
}
AT_HOME_ASSISTANT = "Home Assistant's sensors"


def read_commands():
    """The first command of each recipe, by the recipe's heading."""
    sections = re.split(r"^## ", GUIDE.read_text(), flags=re.MULTILINE)[1:]
    return {
        section.partition("\n")[0]: re.search(r"```sh\n((?:.|\n)*?)```", section)[1]
        for section in sections
    }


COMMANDS = read_commands()


class Started:
    """A recipe's command as it stands, but for where its broker, its page and its files are."""

    def __init__(self, heading, folder, *words):
        (folder / "password").write_text("secret")
        (folder / "token").write_text("secret")
        words = [*shlex.split(COMMANDS[heading].replace("\\\n", " ")), *words, "--page-port", "0"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", *words], cwd=folder, stderr=subprocess.PIPE, text=True
        )
        line = self.process.stderr.readline()
        assert "the page is at" in line, line + self.process.stderr.read()
        self.url = line.split()[-1]

    def wait_for(self, watts, again=lambda: None):
        for _ in range(300):
            again()
            with urllib.request.urlopen(f"{self.url}api/now", timeout=20) as answer:
                shown = json.load(answer)["mains_w"]
            if shown is not None:
                assert shown == pytest.approx(watts)
                return
            time.sleep(0.1)
        raise AssertionError("in vain")

    def stop(self):
        self.process.terminate()
        _, err = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, err


def test_every_recipe_is_tried():
    assert COMMANDS.keys() == {*RECIPES, AT_HOME_ASSISTANT}


@pytest.mark.skipif(MOSQUITTO is None, reason="Mosquitto is not installed")
@pytest.mark.parametrize("heading", RECIPES)
def test_a_meters_messages_become_the_mains(heading, tmp_path):
    import paho.mqtt.client as paho

    messages, watts = RECIPES[heading]
    mosquitto = Mosquitto(tmp_path)
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", mosquitto.port)
    client.loop_start()

    def send():
        for topic, payload in messages:
            text = payload if isinstance(payload, str) else json.dumps(payload)
            client.publish(topic, text, qos=1).wait_for_publish(5)

    started = Started(heading, tmp_path, "--broker", f"127.0.0.1:{mosquitto.port}")
    try:
        started.wait_for(watts, send)
    finally:
        client.loop_stop()
        client.disconnect()
        started.stop()
        mosquitto.stop()


def test_a_sensors_states_become_the_mains(tmp_path):
    server = Server([{"a": {"sensor.mains_power": state("1.5", time.time(), "kW")}}])
    loop, ready, end = asyncio.new_event_loop(), [], asyncio.Event()

    async def serve():
        async with server.run() as url:
            ready.append(url)
            await end.wait()

    thread = Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    while not ready:
        time.sleep(0.02)
    started = Started(AT_HOME_ASSISTANT, tmp_path, "--ha-url", ready[0])
    try:
        started.wait_for(1500)
    finally:
        started.stop()
        loop.call_soon_threadsafe(end.set)
        thread.join()
        loop.close()
