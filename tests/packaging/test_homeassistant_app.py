"""The Home Assistant app: its configuration by the schema, and its run script for real."""

import json
import os
import re
import subprocess
import sys
import tomllib
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import requires
from pathlib import Path
from threading import Thread

import pytest

yaml = pytest.importorskip("yaml")

from tests.live.test_mqtt import MOSQUITTO, Mosquitto  # noqa: E402

from seq2point.configuration import LiveConfig  # noqa: E402

ROOT = Path(__file__).parents[2]
APP = ROOT / "packaging" / "homeassistant" / "seq2point"
CONFIG = yaml.safe_load((APP / "config.yaml").read_text())
PASSWORD = "a secret of the broker"

ELEMENT = re.compile(
    r"(bool|email|url|port|str(\(\d*,\d*\))?|password(\(\d*,\d*\))?|int(\(-?\d*,-?\d*\))?"
    r"|float(\(-?[\d.]*,-?[\d.]*\))?|match\(.*\)|list\(.+\)|device(\(subsystem=[a-z]+\))?)\??"
)
ALLOWED = {
    "startup": {"initialize", "system", "services", "application", "once"},
    "boot": {"auto", "manual", "manual_only"},
    "stage": {"stable", "experimental", "deprecated"},
    "backup": {"hot", "cold"},
}
FLAGS = ("init", "ingress", "ingress_stream", "panel_admin", "homeassistant_api")
KNOWN = {
    *("name", "version", "slug", "description", "arch", "services", "ingress_port"),
    *("panel_icon", "panel_title", "options", "schema"),
    *ALLOWED,
    *FLAGS,
}


def test_the_configuration_has_what_the_supervisor_requires():
    assert all(isinstance(CONFIG[name], str) for name in ("name", "slug", "description"))
    assert re.fullmatch(r"[-_.A-Za-z0-9]+", CONFIG["slug"])
    assert set(CONFIG["arch"]) == {"amd64", "aarch64"}
    assert CONFIG.keys() <= KNOWN  # the supervisor drops any other key without a word
    for name, words in ALLOWED.items():
        assert CONFIG[name] in words
    assert all(isinstance(CONFIG[name], bool) for name in FLAGS)
    assert all(re.fullmatch(r"(mqtt|mysql):(provide|want|need)", s) for s in CONFIG["services"])
    assert CONFIG["ingress_port"] == LiveConfig.model_fields["page_port"].default
    assert CONFIG["panel_icon"].startswith("mdi:")


def test_the_version_is_that_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert CONFIG["version"] == project["version"]
    assert f"## {CONFIG['version']}" in (APP / "CHANGELOG.md").read_text()


def test_every_option_is_checked_translated_and_known_to_live():
    for name, element in CONFIG["schema"].items():
        each = element[0] if isinstance(element, list) else element
        assert ELEMENT.fullmatch(each), name
        is_optional = each.endswith("?") if isinstance(element, str) else False
        assert is_optional is (name not in CONFIG["options"]), name
    words = yaml.safe_load((APP / "translations" / "en.yaml").read_text())["configuration"]
    assert words.keys() == CONFIG["schema"].keys()
    assert all(each["name"] and each["description"].endswith(".") for each in words.values())
    own = {"mqtt", "statistics", "password"}
    assert CONFIG["schema"].keys() - own <= LiveConfig.model_fields.keys()


def test_the_folder_has_what_the_store_shows():
    icon = (APP / "icon.png").read_bytes()
    assert icon.startswith(b"\x89PNG")
    assert [int.from_bytes(icon[at : at + 4], "big") for at in (16, 20)] == [128, 128]
    assert (APP / "DOCS.md").read_text().startswith("# seq2point")


@pytest.mark.parametrize("path", [APP / "Dockerfile", ROOT / "packaging/docker/Dockerfile"])
def test_the_images_are_built_of_what_there_is(path):
    text = path.read_text()
    lines = text.replace("\\\n", " ").splitlines()
    words = {line.split()[0] for line in lines if line and line[0] not in "# "}
    assert words <= {
        *("FROM", "COPY", "RUN", "ENV", "USER", "WORKDIR", "VOLUME", "EXPOSE"),
        *("HEALTHCHECK", "ENTRYPOINT", "CMD"),
    }
    base = next(line.split()[1] for line in lines if line.startswith("FROM"))
    assert re.fullmatch(r"python:3\.\d+-slim-trixie", base)  # Debian: no Alpine, no latest
    assert "--no-cache-dir" in text
    assert "[live]" in text
    assert any("extra == " in each and "live" in each for each in requires("seq2point") or [])
    copied = [word for line in lines if line.startswith("COPY") for word in line.split()[1:-1]]
    made = {"*.whl", "dist/*.whl", "constraints.txt"}
    assert all((path.parent / word).exists() for word in copied if word not in made)
    probe = re.search(r'"-c", "(.*)"\]', text)[1]
    compile(probe, "healthcheck", "exec")
    assert "USER seq2point" in text or "drop_privileges" in (APP / "run.py").read_text()


class Supervisor:
    """Answers as the Supervisor does when it is asked for the MQTT service."""

    def __init__(self, service):
        heard = self.heard = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                heard.append((self.path, self.headers["Authorization"]))
                body = json.dumps({"result": "ok", "data": service}).encode()
                self.send_response(200 if service else 400)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words):
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def start(folder, options, supervisor):
    (folder / "options.json").write_text(json.dumps(CONFIG["options"] | options))
    words = ["--data", folder, "--supervisor", supervisor.url, "--port", "0"]
    binaries = Path(sys.executable).parent
    return subprocess.Popen(
        [sys.executable, APP / "run.py", *map(str, words)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "SUPERVISOR_TOKEN": "t", "PATH": f"{binaries}:{os.environ['PATH']}"},
    )


@pytest.mark.skipif(MOSQUITTO is None, reason="Mosquitto is not installed")
def test_the_run_script_starts_live_with_the_supervisors_broker(tmp_path):
    import paho.mqtt.client as paho

    mosquitto = Mosquitto(tmp_path)
    service = {"host": "127.0.0.1", "port": mosquitto.port, "ssl": False, "protocol": "3.1.1"}
    supervisor = Supervisor(service | {"username": "addons", "password": PASSWORD})
    options = {"source": "mqtt", "meter": "tasmota", "meter_id": "em", "models": ["kettle-60s"]}
    options |= {"statistics": False, "cadence_s": 60, "tariff": "0.30 GBP"}
    process = start(tmp_path, options, supervisor)
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    try:
        line = process.stderr.readline()
        port = int(re.search(r"the page is at http://0\.0\.0\.0:(\d+)/", line)[1])
        client.connect("127.0.0.1", mosquitto.port)
        client.loop_start()
        for _ in range(300):
            payload = json.dumps({"ENERGY": {"Power": 345}})
            client.publish("tele/em/SENSOR", payload, qos=1).wait_for_publish(5)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/now", timeout=10) as answer:
                now = json.load(answer)
            if now["mains_w"] == 345:
                break
        assert now["mains_w"] == 345
        assert now["currency"] == "GBP"
    finally:
        client.loop_stop()
        client.disconnect()
        process.terminate()
        _, err = process.communicate(timeout=60)
        mosquitto.stop()
        supervisor.close()
    assert process.returncode == 0, err
    assert supervisor.heard == [("/services/mqtt", "Bearer t")]
    settings = tomllib.loads((tmp_path / "seq2point" / "live.toml").read_text())
    LiveConfig.of(**settings)
    assert settings["sink"] == ["page", "mqtt"]
    assert settings["page_ingress"] is True
    kept = [path.read_bytes() for path in (tmp_path / "seq2point").iterdir()]
    assert not any(PASSWORD.encode() in each for each in kept)
    assert PASSWORD not in err


def test_without_a_broker_the_run_script_says_what_to_do(tmp_path):
    supervisor = Supervisor(None)
    process = start(tmp_path, {"entity": ["sensor.mains_power"]}, supervisor)
    _, err = process.communicate(timeout=60)
    supervisor.close()
    assert process.returncode == 1
    assert err == "no MQTT broker: start the app Mosquitto broker, or give `broker`\n"
