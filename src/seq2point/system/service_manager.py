"""The manager that has started us as a service: systemd, or whoever speaks its protocol."""

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

PATIENCE_S = 1.0
"""So long we wait for a manager that has not read what it was told before."""


class ServiceManager:
    """Tells the service manager that we are ready, alive and stopping, as sd_notify(3) does.

    It is told by a datagram to the socket in NOTIFY_SOCKET; without one nobody is told. Where
    WATCHDOG_USEC says that it ends a service that is silent for so long, `tell_alive` must be
    called more often than that.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ):
        self._address = environment.get("NOTIFY_SOCKET", "")
        watchdog_us = environment.get("WATCHDOG_USEC", "")
        is_ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._every_s = int(watchdog_us) / 2e6 if watchdog_us.isdigit() and is_ours else None
        self._told_at = -float("inf")

    def tell(self, state: str) -> None:
        """Tell a state, as READY=1; a manager that does not listen is no fault of ours."""
        if self._address[:1] not in ("/", "@"):
            return
        address = self._address.replace("@", "\0", 1) if self._address[0] == "@" else self._address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
            datagrams.settimeout(PATIENCE_S)
            datagrams.sendto(state.encode(), address)

    def tell_alive(self) -> None:
        """Tell that we are alive, twice in the time that we may be silent."""
        now = time.monotonic()
        if self._every_s is not None and now - self._told_at >= self._every_s:
            self._told_at = now
            self.tell("WATCHDOG=1")
