"""Run: the app's options become settings of `seq2point live`, which takes this process's place.

Secrets go by the environment, never into the file of settings or onto the command line.
"""

import argparse
import json
import os
import pwd
import shutil
import sys
import urllib.request
from pathlib import Path
from typing import Any

AS_THEY_ARE = ("source", "meter", "meter_id", "topic", "scale", "entity", "production")
AS_THEY_ARE += ("models", "home", "tariff", "cadence_s", "user")
USER = "seq2point"
TIMEOUT_S = 10


def find_broker(supervisor: str, token: str) -> dict[str, Any] | None:
    """Return what the Supervisor says of Home Assistant's broker; None where there is none."""
    request = urllib.request.Request(
        f"{supervisor}/services/mqtt", headers={"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return json.load(answer).get("data")
    except (OSError, ValueError):
        return None


def make_settings(
    options: dict[str, Any], broker: dict[str, Any] | None, store: Path, port: int
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the settings of live, and the secrets by their variables in the environment.

    Raises SystemExit where the options need a broker and there is none.
    """
    settings = {name: options[name] for name in AS_THEY_ARE if options.get(name) not in (None, "")}
    settings = {name: value for name, value in settings.items() if value != []}
    sinks = ["page"]
    sinks += ["mqtt"] if options.get("mqtt") else []
    sinks += ["homeassistant"] if options.get("statistics") else []
    settings |= {"sink": sinks, "store": str(store), "page_ingress": True}
    settings |= {"page_host": "0.0.0.0", "page_port": port}
    secrets = {}
    if options.get("broker"):
        settings["broker"] = options["broker"]
        secrets["SEQ2POINT_MQTT_PASSWORD"] = options.get("password") or ""
    elif "mqtt" in sinks or settings.get("source") == "mqtt":
        if broker is None:
            sys.exit("no MQTT broker: start the app Mosquitto broker, or give `broker`")
        scheme = "mqtts" if broker.get("ssl") else "mqtt"
        settings["broker"] = f"{scheme}://{broker['host']}:{broker['port']}"
        settings["user"] = broker.get("username") or ""
        secrets["SEQ2POINT_MQTT_PASSWORD"] = broker.get("password") or ""
        if not settings["user"]:
            del settings["user"]
    return settings, {name: value for name, value in secrets.items() if value}


def write_settings(settings: dict[str, Any], path: Path) -> None:
    """Write settings as TOML, whose words, numbers and lists are written as JSON's are."""
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in settings.items()]
    path.write_text("".join(lines), encoding="utf-8")


def drop_privileges(folder: Path) -> None:
    """Go on as the user that the image has for it, who then owns what is kept."""
    try:
        user = pwd.getpwnam(USER)
    except KeyError:
        return
    if os.getuid() != 0:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


def main() -> None:
    """Read the options, and become `seq2point live`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("/data"))
    parser.add_argument("--supervisor", default="http://supervisor")
    parser.add_argument("--port", type=int, default=8099)
    places = parser.parse_args()
    options = json.loads((places.data / "options.json").read_text(encoding="utf-8"))
    folder = places.data / "seq2point"
    folder.mkdir(exist_ok=True)
    token = os.environ.get("SUPERVISOR_TOKEN", "")
    broker = None if options.get("broker") else find_broker(places.supervisor, token)
    settings, secrets = make_settings(options, broker, folder / "home.sqlite", places.port)
    write_settings(settings, folder / "live.toml")
    drop_privileges(folder)
    program = shutil.which("seq2point") or "seq2point"
    words = [program, "live", "--settings", str(folder / "live.toml")]
    os.execve(program, words, {**os.environ, **secrets})


if __name__ == "__main__":
    main()
