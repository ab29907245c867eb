"""The connection to an MQTT broker: where it is, who we are, and how we come back."""

import asyncio
import errno
import logging
import os
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiomqtt
from paho.mqtt.properties import Properties

from seq2point.errors import UsageError
from seq2point.live.readings import SourceError

LOG = logging.getLogger("seq2point.live")

PASSWORD_VARIABLE = "SEQ2POINT_MQTT_PASSWORD"
PORTS = {"mqtt": 1883, "mqtts": 8883}
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
KEEPALIVE_S = 30
CLIENT_ERRORS = (aiomqtt.MqttError, OSError, TimeoutError)
REFUSED = ("bad user name or password", "not authorized", "bad username", "unsupported protocol")
"""What a broker says, in lower case, that no second attempt mends."""

ERROR_NUMBER = re.compile(r"\[Errno (-?\d+)\]\s*")
WORDS = {
    errno.ECONNREFUSED: "nobody answers at this port",
    errno.ECONNRESET: "the connection was cut",
    errno.EHOSTUNREACH: "the machine cannot be reached",
    errno.ENETUNREACH: "the network cannot be reached",
    errno.ETIMEDOUT: "no answer came in time",
    socket.EAI_NONAME: "there is no machine of this name",
    socket.EAI_AGAIN: "the machine's name cannot be looked up now",
}
"""What a failed connection means, by the system's number of the error."""


@dataclass(frozen=True)
class Broker:
    """A broker's address and what it asks of us. The password never shows in a text."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    tls: bool = False
    ca: Path | None = None
    version: str = "5"

    def __repr__(self) -> str:
        return f"Broker({self})"

    def __str__(self) -> str:
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"

    @property
    def is_v5(self) -> bool:
        """Whether it is spoken to in MQTT 5."""
        return self.version == "5"

    def make_client(
        self,
        name: str,
        will: aiomqtt.Will | None = None,
        properties: Properties | None = None,
    ) -> aiomqtt.Client:
        """Return a client that is not connected yet."""
        context = None
        if self.tls:
            try:
                context = ssl.create_default_context(cafile=self.ca)
            except (OSError, ssl.SSLError) as error:
                raise UsageError(f"`ca` {self.ca}: no certificates can be read from it") from error
        return aiomqtt.Client(
            self.host,
            self.port,
            username=self.user,
            password=self.password,
            identifier=name,
            protocol=aiomqtt.ProtocolVersion.V5 if self.is_v5 else aiomqtt.ProtocolVersion.V311,
            will=will,
            keepalive=KEEPALIVE_S,
            tls_context=context,
            properties=properties,
        )

    def require_retry(self, error: BaseException) -> None:
        """Raise SourceError for what no second attempt mends."""
        text = str(error).lower()
        if any(word in text for word in REFUSED):
            raise SourceError(
                f"{self}: refuses the connection ({error}); check `user`, `password_file` and"
                " `mqtt_version`"
            ) from None
        if (refusal := _find_distrust(error)) is not None:
            raise SourceError(
                f"{self}: its certificate is not trusted ({refusal.verify_message}); give its"
                " authority's by `ca`, and the broker by the name that it is for"
            ) from None


def _find_distrust(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """Return the error of a certificate that is not trusted, wherever it lies behind an error."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error


def open_broker(
    address: str,
    user: str | None = None,
    password_file: Path | None = None,
    ca: Path | None = None,
    version: str = "5",
) -> Broker:
    """Return the broker of an address: HOST, HOST:PORT, mqtt://HOST or mqtts://HOST.

    The password is in a file, or in the environment. Raises UsageError for an address that cannot
    be read, one that holds a password, and a file that cannot be read.
    """
    parts = urlsplit(address if "://" in address else f"mqtt://{address}")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if parts.scheme not in PORTS or not parts.hostname or port == 0 or parts.path.strip("/"):
        raise UsageError(
            f"`broker` '{address}': expected HOST, HOST:PORT, mqtt://HOST or mqtts://HOST"
        )
    if parts.password:
        raise UsageError(
            "`broker` holds a password, which shows in lists of processes: put it in a file and"
            f" give `password_file`, or set {PASSWORD_VARIABLE}"
        )
    return Broker(
        parts.hostname,
        port or PORTS[parts.scheme],
        user or parts.username,
        read_secret(password_file, "password_file", PASSWORD_VARIABLE),
        parts.scheme == "mqtts" or ca is not None,
        ca,
        version,
    )


def read_secret(path: Path | None, field: str, *variables: str) -> str | None:
    """Return a secret from a file, else from the first environment variable that is set.

    Raises UsageError for a file that cannot be read or is empty.
    """
    if path is None:
        return next((os.environ[name] for name in variables if os.environ.get(name)), None)
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageError(f"`{field}` {path}: cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError:
        raise UsageError(f"`{field}` {path}: cannot be read (it is no text)") from None
    if not secret:
        raise UsageError(f"`{field}` {path}: is empty")
    return secret


def describe_failure(error: BaseException) -> str:
    """Return in words why a connection failed, by the system's number for it where it has one."""
    numbers = [int(number) for number in ERROR_NUMBER.findall(str(error))]
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno is not None:
            numbers.append(cause.errno)
        cause = cause.__cause__ or cause.__context__
    if words := next((WORDS[number] for number in numbers if number in WORDS), None):
        return words
    return ERROR_NUMBER.sub("", str(error)).strip() or "no answer came in time"


async def wait_to_reconnect(place: str, error: Exception, waits: Iterator[float]) -> None:
    """Say why a connection is lost, the first time as a warning, and wait for the next attempt.

    `place` says which connection: 'source mqtt://localhost:1883'.
    """
    wait_s = next(waits)
    level = logging.WARNING if wait_s == FIRST_WAIT_S else logging.INFO
    LOG.log(level, "%s: %s; connecting again in %d s", place, describe_failure(error), wait_s)
    await asyncio.sleep(wait_s)


def waits_s() -> Iterator[float]:
    """Yield how long to wait before each attempt to connect again: 1 s, 2 s, up to a minute."""
    wait_s = FIRST_WAIT_S
    while True:
        yield wait_s
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)
