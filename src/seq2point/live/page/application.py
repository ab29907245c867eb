"""The application behind the page: its files, what is now as JSON, and a stream of it."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from importlib.resources import files as resources
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from seq2point.live.page.board import SPANS_S, Board
from seq2point.live.page.protection import COOKIE, COOKIE_DAYS, Access, Protection

TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
}
PAGES = ("index.html", "login.html")
MOST_FORM_BYTES = 4096
LEAST_GZIPPED = 1000
BEAT_S = 10.0
"""Something is streamed so often at least, so that a browser knows that we are there."""

PAUSE_S = 1.0
"""Something is streamed so often at most."""


class PageFile(NamedTuple):
    """A file of the page: its bytes, its type, and a tag that changes with it."""

    body: bytes
    media_type: str
    tag: str


class Changes:
    """Wakes whoever waits for a change, until it is closed."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self.is_closed = False

    def tell(self) -> None:
        """Wake all that wait."""
        self._changed.set()
        self._changed = asyncio.Event()

    def close(self) -> None:
        """End all streams."""
        self.is_closed = True
        self.tell()

    async def wait(self, timeout_s: float) -> None:
        """Wait for a change, or so long."""
        try:
            await asyncio.wait_for(self._changed.wait(), timeout_s)
        except TimeoutError:
            return


def load_files() -> dict[str, PageFile]:
    """Return the files of the page by name: these and no others are given out."""
    found = {}
    for file in (resources(__package__) / "static").iterdir():
        ending = file.name.rpartition(".")[2]
        if ending in TYPES:
            body = file.read_bytes()
            tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            found[file.name] = PageFile(body, TYPES[ending], tag)
    return found


class Pages:
    """Answers requests from a board."""

    def __init__(self, board: Board, changes: Changes, access: Access):
        self.board, self.changes, self.access = board, changes, access
        self._files = load_files()
        self.protection: Protection | None = None

    def make_application(self) -> Protection:
        """Return the application, protected."""

        def give(describe: Callable[[], Any]) -> Callable[[Request], Response]:
            return lambda request: JSONResponse(describe())

        board = self.board
        routes = [
            Route("/", self._open_page),
            Route("/login", self._log_in, methods=["GET", "POST"]),
            Route("/health", self._tell_health),
            Route("/static/{name}", self._give_file),
            Route("/api/now", give(board.describe_now)),
            Route("/api/hours/{hours:int}", self._give_hours),
            Route("/api/days", give(board.describe_days)),
            Route("/api/runs", give(board.describe_runs)),
            Route("/api/models", give(board.describe_models)),
            Route("/api/events", self._stream),
        ]
        inner = GZipMiddleware(Starlette(routes=routes), minimum_size=LEAST_GZIPPED)
        self.protection = Protection(inner, self.access)
        return self.protection

    async def _open_page(self, request: Request) -> Response:
        return self._give(request, "index.html")

    async def _give_file(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._files or name in PAGES:
            return PlainTextResponse("no such file", 404)
        return self._give(request, name)

    def _give(self, request: Request, name: str, status: int = 200) -> Response:
        file = self._files[name]
        headers = {"ETag": file.tag, "Cache-Control": "no-cache"}
        if status == 200 and request.headers.get("if-none-match") == file.tag:
            return Response(status_code=304, headers=headers)
        return Response(file.body, status, headers, file.media_type)

    async def _log_in(self, request: Request) -> Response:
        """Show the form, or take a token and give the browser a cookie for it."""
        if self.access.token is None:
            return RedirectResponse("./", 303)
        if request.method != "POST":
            return self._give(request, "login.html")
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > MOST_FORM_BYTES:
                return PlainTextResponse("too long", 413)
        token = parse_qs(body.decode("utf-8", "replace")).get("token", [""])[0]
        assert self.protection is not None
        if not await self.protection.try_token(token.strip()):
            return self._give(request, "login.html", 403)
        response = RedirectResponse("./", 303)
        response.set_cookie(
            COOKIE,
            self.access.session,
            max_age=COOKIE_DAYS * 86_400,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return response

    async def _tell_health(self, request: Request) -> Response:
        """Say that the service answers; with readings that are stale it is not well."""
        is_stale = self.board.describe_now()["health"]["is_stale"]
        return PlainTextResponse("stale" if is_stale else "ok", 503 if is_stale else 200)

    async def _give_hours(self, request: Request) -> Response:
        hours = request.path_params["hours"]
        if hours not in SPANS_S:
            return PlainTextResponse("no such span", 404)
        return JSONResponse(self.board.describe_hours(hours))

    async def _stream(self, request: Request) -> Response:
        return EventSourceResponse(self._list_events(), ping=0, sep="\n")

    async def _list_events(self) -> AsyncIterator[ServerSentEvent]:
        while not self.changes.is_closed:
            now = json.dumps(self.board.describe_now(), separators=(",", ":"))
            yield ServerSentEvent(now, event="now", retry=3000)
            await asyncio.sleep(PAUSE_S)
            await self.changes.wait(BEAT_S)
