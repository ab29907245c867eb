"""The server of the page: uvicorn in the service's own loop."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator
from contextlib import suppress

import uvicorn
from starlette.types import ASGIApp

from seq2point.errors import UsageError

CLOSE_S = 3
MOST_CONNECTIONS = 200

LOG = logging.getLogger("seq2point.live")


class _Server(uvicorn.Server):
    """A server that leaves signals to the service."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class PageServer:
    """Serves an application at an address, from `open` to `close`.

    Raises UsageError for an address that cannot be listened at.
    """

    def __init__(self, app: ASGIApp, host: str, port: int):
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=CLOSE_S,
            limit_concurrency=MOST_CONNECTIONS,
        )
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None
        self.host, self.port = host, port

    async def open(self) -> None:
        """Begin to listen."""
        listening = _listen(self.host, self.port)
        self.port = listening.getsockname()[1]
        self._task = asyncio.create_task(self._server.serve([listening]))
        host = f"[{self.host}]" if ":" in self.host else self.host
        LOG.info("the page is at http://%s:%d/", host, self.port)

    async def close(self) -> None:
        """Answer what was asked, and end."""
        if self._task is None:
            return
        self._server.should_exit = True
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._task, CLOSE_S + 2)
        self._task = None


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while ")[0]
        raise UsageError(
            f"the page cannot listen at {host}, port {port} ({reason}): choose another"
            " `page_host` or `page_port`"
        ) from None
