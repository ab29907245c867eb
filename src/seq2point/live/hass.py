"""The connection to Home Assistant: its websocket, with a token."""

import asyncio
import itertools
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import websockets

from seq2point.errors import Seq2PointError, UsageError
from seq2point.live.broker import read_secret
from seq2point.live.readings import SourceError

TOKEN_VARIABLE = "SEQ2POINT_HA_TOKEN"
SUPERVISOR_VARIABLE = "SUPERVISOR_TOKEN"
SUPERVISOR_URL = "ws://supervisor/core/websocket"
LONGEST_MESSAGE = 16 << 20
ANSWER_S = 60.0
ERRORS = (websockets.WebSocketException, OSError, TimeoutError)


class CommandError(Seq2PointError):
    """Home Assistant has refused a command. `code` is its word for why."""

    def __init__(self, code: str, text: str):
        super().__init__(f"Home Assistant: {text} ({code})")
        self.code = code


@dataclass(frozen=True)
class HomeAssistant:
    """Where Home Assistant is, and the token that it knows us by, which never shows in a text."""

    url: str
    token: str

    def __repr__(self) -> str:
        return f"HomeAssistant({self.url})"

    def __str__(self) -> str:
        return self.url

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["Link"]:
        """Yield a connection that knows us.

        Raises SourceError for a token that is refused, and one of ERRORS for a connection that
        fails.
        """
        async with websockets.connect(self.url, max_size=LONGEST_MESSAGE) as socket:
            link = Link(socket)
            await link.receive("auth_required")
            await link.send({"type": "auth", "access_token": self.token})
            answer = await link.receive("auth_ok", "auth_invalid")
            if answer["type"] == "auth_invalid":
                raise SourceError(
                    f"{self.url}: refuses the token; make a new one in Home Assistant, in your"
                    " profile under Security, 'Long-lived access tokens'"
                )
            yield link


class Link:
    """Commands and events over one connection, one command at a time."""

    def __init__(self, socket: Any):
        self._socket = socket
        self._numbers = itertools.count(1)

    async def send(self, message: dict[str, Any]) -> None:
        """Send a message."""
        await self._socket.send(json.dumps(message))

    async def receive(self, *kinds: str) -> dict[str, Any]:
        """Return the next message of one of these types."""
        while True:
            message = await asyncio.wait_for(self._next(), ANSWER_S)
            if message.get("type") in kinds:
                return message

    async def command(self, kind: str, **values: Any) -> Any:
        """Return the result of a command; raises CommandError where it is refused."""
        number = next(self._numbers)
        await self.send({"id": number, "type": kind, **values})
        while True:
            answer = await self.receive("result")
            if answer.get("id") != number:
                continue
            if not answer.get("success"):
                error = answer.get("error") or {}
                raise CommandError(error.get("code", "unknown"), error.get("message", "refused"))
            return answer.get("result")

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """Yield the events of what was subscribed to."""
        while True:
            message = await self._next()
            if message.get("type") == "event" and isinstance(message.get("event"), dict):
                yield message["event"]

    async def _next(self) -> dict[str, Any]:
        message = json.loads(await self._socket.recv())
        return message if isinstance(message, dict) else {}


def open_home_assistant(url: str | None = None, token_file: Path | None = None) -> HomeAssistant:
    """Return where Home Assistant is: an address, or the supervisor's in an app.

    The address is http://HOST:8123 or the websocket's own. The token is in a file or in the
    environment. Raises UsageError where either is missing or cannot be read.
    """
    if url is None and os.environ.get(SUPERVISOR_VARIABLE):
        url = SUPERVISOR_URL
    if url is None:
        raise UsageError(
            "`ha_url` is missing: give the address, as http://homeassistant.local:8123"
        )
    parts = urlsplit(url if "://" in url else f"http://{url}")
    schemes = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
    if parts.scheme not in schemes or not parts.hostname or parts.username:
        raise UsageError(f"`ha_url` '{url}': expected http://HOST:8123 or ws://HOST/api/websocket")
    path = parts.path.rstrip("/")
    path = path if path.endswith("/websocket") else f"{path}/api/websocket"
    token = read_secret(token_file, "token_file", TOKEN_VARIABLE, SUPERVISOR_VARIABLE)
    if token is None:
        raise UsageError(
            "`token_file` is missing: make a token in Home Assistant, in your profile under"
            f" Security, and give its file, or set {TOKEN_VARIABLE}"
        )
    return HomeAssistant(f"{schemes[parts.scheme]}://{parts.netloc}{path}", token)
