"""Who may not see the page, and what it never says."""

import asyncio
import socket

import pytest
from tests.cli.conftest import answer_of
from tests.live.page.live_home import LiveHome, write_token

from seq2point.cli import main
from seq2point.configuration import LiveConfig
from seq2point.errors import UsageError
from seq2point.live.page.protection import Access, Protection, is_own_host, make_access

OPEN = ["/", "/api/now", "/api/hours/6", "/api/days", "/api/runs", "/api/models"]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A page on all addresses, with a token, and that token."""
    path, token = write_token(tmp_path_factory.mktemp("token"))
    words = ["--page-host", "0.0.0.0", "--page-token-file", path, "--page-name", "nilm.test"]
    home = LiveHome("--page-port", "0", *words)
    yield home, token
    log = home.stop()
    assert token not in log
    assert Access(token).session not in log


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8099", "", "localhost.evil.test"])
@pytest.mark.parametrize("path", ["/", "/api/now", "/static/page.js", "/health", "/login"])
def test_a_foreign_host_is_refused(home, path, host):
    answer = home.request(path, Host=host)
    assert answer.status in (400, 421)
    assert b"elm street" not in answer.body


def test_two_hosts_are_refused(home):
    with socket.create_connection(("127.0.0.1", home.port)) as link:
        link.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
        assert link.recv(100).split()[1] in (b"400", b"421")


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("localhost:8099", True),
        ("LOCALHOST.", True),
        ("127.0.0.1", True),
        ("[::1]:8099", True),
        ("192.168.1.7:8099", True),
        ("nilm.example:80", True),
        ("other.example", False),
        ("nilm.example.evil.test", False),
        ("127.0.0.1.evil.test", False),
        ("", False),
        ("[", False),
        (":80", False),
    ],
)
def test_a_host_is_ours_by_its_name_alone(host, is_own):
    assert is_own_host(host, ["nilm.example"]) is is_own


@pytest.mark.parametrize(
    "path",
    [
        "/static/../page.py",
        "/static/..%2fpage.py",
        "/static/%2e%2e/%2e%2e/store.py",
        "/static/..%5c..%5cstore.py",
        "/static//etc/passwd",
        "/static/index.html%00.css",
        "/../../etc/passwd",
        "/static/",
        "/api/hours/7",
        "/api/hours/-1",
        "/api/hours/6/../../..",
    ],
)
def test_no_other_file_is_given_out(home, path):
    answer = home.request(path)
    assert answer.status == 404
    assert b"root:" not in answer.body
    assert b"import" not in answer.body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_changed(home, method):
    assert home.request("/api/now", method).status == 405


@pytest.mark.parametrize("path", OPEN)
def test_without_the_token_nothing_is_told(guarded, path):
    home, token = guarded
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": f"seq2point_page={token}"}):
        answer = home.request(path, **headers)
        assert answer.status == (303 if path == "/" else 401)
        assert b"parts" not in answer.body
    assert home.request(path, Authorization=f"Bearer {token}").status == 200
    assert home.request(f"{path}?token={token}").status != 200


def test_a_token_logs_a_browser_in(guarded):
    home, token = guarded
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    assert home.request("/login").status == 200
    wrong = home.request("/login", "POST", "token=wrong", **form)
    assert wrong.status == 403
    assert "set-cookie" not in wrong.headers
    assert home.request("/login", "POST", "token=" + "x" * 5000, **form).status == 413
    right = home.request("/login", "POST", f"token={token}", **form)
    assert right.status == 303
    cookie = right.headers["set-cookie"]
    assert token not in cookie
    assert {"HttpOnly", "SameSite=strict"} <= {word.strip() for word in cookie.split(";")}
    assert home.request("/api/now", Cookie=cookie.partition(";")[0]).status == 200


def test_the_names_that_are_told_are_answered(guarded):
    home, token = guarded
    bearer = f"Bearer {token}"
    assert home.request("/api/now", Host="nilm.test:80", Authorization=bearer).status == 200
    assert home.request("/api/now", Host="other.test", Authorization=bearer).status == 421


@pytest.mark.parametrize("path", ["/", "/api/now", "/static/page.js", "/nowhere"])
def test_every_answer_says_what_browsers_may_do(home, path):
    headers = home.request(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers


def ask_from(address, access, host="homeassistant.local"):
    """The status that a request from an address gets."""
    heard = []

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        heard.append(message)

    async def inner(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    scope = {"type": "http", "client": (address, 5), "path": "/", "method": "GET"}
    scope["headers"] = [(b"host", host.encode())]
    asyncio.run(Protection(inner, access)(scope, receive, send))
    return heard[0]["status"], dict(heard[0]["headers"])


def test_ingress_is_answered_and_nobody_else():
    access = Access(is_ingress=True)
    status, headers = ask_from("172.30.32.2", access)
    assert status == 200
    assert b"frame-ancestors 'self'" in headers[b"content-security-policy"]
    assert b"x-frame-options" not in headers
    for address in ("172.30.32.3", "192.168.1.5", "::ffff:172.30.32.9"):
        assert ask_from(address, access)[0] == 403
    assert ask_from("127.0.0.1", access, "localhost")[0] == 200
    assert ask_from("127.0.0.1", access, "evil.example")[0] == 421


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "nilm.example"])
def test_no_network_is_served_without_a_token(host, monkeypatch):
    monkeypatch.delenv("SEQ2POINT_PAGE_TOKEN", raising=False)
    with pytest.raises(UsageError, match="others could see your home"):
        make_access(LiveConfig.of(page_host=host))
    monkeypatch.setenv("SEQ2POINT_PAGE_TOKEN", "short")
    with pytest.raises(UsageError, match="too short"):
        make_access(LiveConfig.of(page_host=host))
    monkeypatch.setenv("SEQ2POINT_PAGE_TOKEN", "long enough to be safe")
    assert make_access(LiveConfig.of(page_host=host)).token == "long enough to be safe"


def test_a_port_that_is_taken_is_said_in_one_line(home, tmp_path):
    (tmp_path / "mains.csv").write_text("time,mains\n1700000000,100\n1700000008,100\n")
    words = ["--source", "replay", "--replay", tmp_path / "mains.csv"]
    answer = answer_of(main, "live", *words, "--sink", "page", "--page-port", home.port)
    assert answer.code == 2
    assert f"cannot listen at 127.0.0.1, port {home.port}" in answer.err
    assert "--page-port" in answer.err
