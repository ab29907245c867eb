"""Home Assistant itself on loopback, for tests/live/test_real_home_assistant.py.

Runs in an environment of its own (`make homeassistant-env`). It prints a token, and then for each
line of its input what it knows, as JSON: `states`, `triggers`, or `statistics ID`. `set ENTITY
VALUE` sets a state in watts.
"""

import asyncio
import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from homeassistant import bootstrap
from homeassistant.const import __version__
from homeassistant.core import HomeAssistant
from homeassistant.runner import RuntimeConfig

PIECES = "http:\n  server_host: 127.0.0.1\n  server_port: {}\nrecorder:\n  commit_interval: 0\n"


class Kept(logging.Handler):
    """Keeps what is logged of MQTT and statistics as a warning or worse."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if "mqtt" in record.name or "recorder" in record.name:
            self.lines.append(record.getMessage())


async def begin(folder: Path, mqtt_port: int, http_port: int) -> tuple[HomeAssistant, str]:
    """Return a running Home Assistant with MQTT, and a token."""
    folder.mkdir(exist_ok=True)
    text = PIECES.format(http_port) + "websocket_api:\ndevice_automation:\n"
    (folder / "configuration.yaml").write_text(text)
    hass = await bootstrap.async_setup_hass(RuntimeConfig(config_dir=str(folder), skip_pip=False))
    assert hass is not None
    await hass.async_start()
    user = await hass.auth.async_create_user("test", group_ids=["system-admin"])
    refresh = await hass.auth.async_create_refresh_token(
        user, client_name="test", token_type="long_lived_access_token"
    )
    flow = await hass.config_entries.flow.async_init("mqtt", context={"source": "user"})
    result = await hass.config_entries.flow.async_configure(
        flow["flow_id"], {"broker": "127.0.0.1", "port": mqtt_port}
    )
    assert result["type"] == "create_entry", result
    return hass, hass.auth.async_create_access_token(refresh)


async def answer(hass: HomeAssistant, words: list[str], kept: Kept) -> Any:
    """Return what is asked for."""
    if words[0] == "states":
        return {state.entity_id: state.as_dict() for state in hass.states.async_all()}
    if words[0] == "set":
        hass.states.async_set(words[1], words[2], {"unit_of_measurement": "W"})
        return True
    if words[0] == "complaints":
        return kept.lines
    if words[0] == "triggers":
        from homeassistant.components.device_automation import (
            DeviceAutomationType,
            async_get_device_automations,
        )
        from homeassistant.helpers import device_registry

        devices = [
            device.id
            for device in device_registry.async_get(hass).devices.values()
            if device.manufacturer == "seq2point"
        ]
        found = await async_get_device_automations(hass, DeviceAutomationType.TRIGGER, devices)
        return [[t["type"], t.get("subtype")] for each in found.values() for t in each]
    from homeassistant.components.recorder import get_instance
    from homeassistant.components.recorder.statistics import statistics_during_period

    await get_instance(hass).async_block_till_done()
    rows = await get_instance(hass).async_add_executor_job(
        statistics_during_period,
        hass,
        datetime.fromtimestamp(0, UTC),
        None,
        {words[1]},
        "hour",
        None,
        {"state", "sum"},
    )
    return rows.get(words[1], [])


async def main() -> None:
    kept = Kept()
    logging.getLogger().addHandler(kept)
    hass, token = await begin(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    print(json.dumps({"version": __version__, "token": token}), flush=True)
    while line := (await asyncio.to_thread(sys.stdin.readline)).split():
        print(json.dumps(await answer(hass, line, kept), default=str), flush=True)
    await hass.async_stop()


asyncio.run(main())
