"""Protection: who may ask the page what, and what every answer of it says to browsers."""

import asyncio
import hashlib
import hmac
import ipaddress
import socket
from collections.abc import Sequence
from http.cookies import CookieError, SimpleCookie
from typing import NamedTuple

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seq2point.configuration import PageConfig
from seq2point.errors import UsageError
from seq2point.live.broker import read_secret

INGRESS_PROXY = "172.30.32.2"
"""The one address that Home Assistant's ingress comes from."""

COOKIE = "seq2point_page"
COOKIE_DAYS = 90
LEAST_TOKEN = 16
"""A token has so many characters, so that it cannot be guessed at a try a second."""

TOKEN_VARIABLE = "SEQ2POINT_PAGE_TOKEN"
TRY_S = 1.0
OPEN_PATHS = ("/login", "/health", "/static/page.css", "/static/icon.svg")
"""What is answered without the token, where there is one."""


class Access(NamedTuple):
    """Who may see the page: by a token or anyone, under which names of hosts, and whether Home
    Assistant's ingress alone.
    """

    token: str | None = None
    names: Sequence[str] = ()
    is_ingress: bool = False

    @property
    def session(self) -> str:
        """What a browser keeps instead of the token."""
        key = (self.token or "").encode()
        return hmac.new(key, b"seq2point page", hashlib.sha256).hexdigest()

    def fits(self, token: str) -> bool:
        """Return whether a token is the right one, in a time that tells nothing of it."""
        return self.token is not None and hmac.compare_digest(self.token.encode(), token.encode())


class Protection:
    """Wraps an application: refuses whoever may not ask, and adds the headers that browsers heed.

    A request is refused from another address than ingress's, where that is on; for a host that is
    none of ours, which is how a foreign page reaches into a home; and without the token.
    """

    def __init__(self, app: ASGIApp, access: Access):
        self.app, self.access = app, access
        self._trying = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_headers(MutableHeaders(scope=message), self.access.is_ingress)
            await send(message)

        refusal = self._refuse(scope, Headers(scope=scope))
        await (refusal or self.app)(scope, receive, send_with_headers)

    def _refuse(self, scope: Scope, headers: Headers) -> ASGIApp | None:
        client = scope["client"][0] if scope.get("client") else ""
        if self.access.is_ingress and client == INGRESS_PROXY:
            return None  # Home Assistant has checked who asks
        if self.access.is_ingress and not is_loopback(client):
            return PlainTextResponse("open this page in Home Assistant", 403)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not is_own_host(hosts[0], self.access.names):
            return PlainTextResponse(
                "this page is not known by that name: say the name with --page-name", 421
            )
        if self.access.token is None or scope["path"] in OPEN_PATHS or self._is_known(headers):
            return None
        if scope["path"] == "/":
            return RedirectResponse("login", 303)
        return PlainTextResponse("a token is needed: log in", 401)

    def _is_known(self, headers: Headers) -> bool:
        kind, _, word = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self.access.fits(word.strip()):
            return True
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        cookie = cookies.get(COOKIE)
        return cookie is not None and hmac.compare_digest(
            cookie.value.encode(), self.access.session.encode()
        )

    async def try_token(self, token: str) -> bool:
        """Return whether a token is the right one; a wrong one takes a second, one at a time."""
        async with self._trying:
            fits = self.access.fits(token)
            if not fits:
                await asyncio.sleep(TRY_S)
            return fits


def add_headers(headers: MutableHeaders, is_ingress: bool) -> None:
    """Add what protects a page in a browser: it loads, and speaks with, nothing but ourselves."""
    frames = "'self'" if is_ingress else "'none'"
    headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " connect-src 'self'; base-uri 'none'; form-action 'self'; "
        f"frame-ancestors {frames}"
    )
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
    if not is_ingress:
        headers["X-Frame-Options"] = "DENY"
    headers.setdefault("Cache-Control", "no-store")


def is_own_host(host: str, names: Sequence[str]) -> bool:
    """Return whether a Host header is ours: an address, localhost, this machine's name, or one of
    `names`. A page of another site can make its own name lead here, but none of these.
    """
    name = host.rsplit("]", 1)[0].removeprefix("[") if host.startswith("[") else host
    if not host.startswith("["):
        name = host.partition(":")[0]
    name = name.lower().removesuffix(".")
    try:
        ipaddress.ip_address(name)
    except ValueError:
        machine = socket.gethostname().lower().removesuffix(".local")
        own = {"localhost", machine, f"{machine}.local", *(each.lower() for each in names)}
        return bool(name) and name in own
    return True


def is_loopback(address: str) -> bool:
    """Return whether an address is this machine's own, which nobody else can ask."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def make_access(config: PageConfig) -> Access:
    """Return who may see the page, by its options.

    Raises UsageError where it would be open to a network, and for a token that is too short.
    """
    token = read_secret(config.page_token_file, "page_token_file", TOKEN_VARIABLE)
    if token is not None and len(token) < LEAST_TOKEN:
        raise UsageError(f"the page's token is too short: it needs {LEAST_TOKEN} characters")
    if token is None and not config.page_ingress and not is_loopback(config.page_host):
        raise UsageError(
            f"`page_host` {config.page_host}: others could see your home: give a token of"
            f" {LEAST_TOKEN} characters or more by `page_token_file`, or in {TOKEN_VARIABLE}"
        )
    return Access(token, config.page_name, config.page_ingress)
