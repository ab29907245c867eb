"""A home that is live: `seq2point live` as its user starts it, with a page, fed through a pipe."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from seq2point.simulator import simulate_house

BEGIN = datetime(2025, 6, 10, 22, 30, tzinfo=UTC)
"""Half an hour before midnight in London, in summer."""

STEP_S = 60
PATIENCE_S = 120
ADDRESS = re.compile(r"the page is at (http://\S+/)")


def simulate_watts(days: float) -> np.ndarray:
    """The mains of a simulated home, a reading a minute from BEGIN on."""
    return simulate_house(4, days=days, period_s=STEP_S, start=BEGIN).mains_w


class LiveHome:
    """A process of `seq2point live` with a page, whose readings are sent by `send`."""

    def __init__(self, *words: object, environment: Mapping[str, str] | None = None):
        command = [sys.executable, "-m", "seq2point", "live", "kettle-60s", "fridge-60s"]
        command += ["--source", "stdin", "--cadence", f"{STEP_S}s", "--zone", "Europe/London"]
        self._process = subprocess.Popen(
            [*command, "--sink", "page", *map(str, words)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        self.log: list[str] = []
        self.url = self._read_address()
        self._sent = 0

    def _read_address(self) -> str:
        for line in self._process.stderr:
            self.log.append(line)
            if found := ADDRESS.search(line):
                return found[1]
        raise AssertionError("".join(self.log))

    @property
    def port(self) -> int:
        return urlsplit(self.url).port

    def send(self, watts: np.ndarray, first: int | None = None) -> None:
        """Send readings, the next ones or those from `first` on, and wait until they came."""
        first = self._sent if first is None else first
        begin_s = BEGIN.timestamp()
        for i, power_w in enumerate(watts.tolist(), first):
            line = {"time": begin_s + STEP_S * i, "mains_w": power_w}
            self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()
        self._sent = first + len(watts)
        last_s = begin_s + STEP_S * (self._sent - 1)
        self.wait_until(lambda now: now["reading_s"] == last_s)

    def ask(self, path: str) -> object:
        """Ask the page for JSON."""
        answer = self.request(path)
        assert answer.status == 200, (path, answer.status, answer.body)
        return json.loads(answer.body)

    def request(self, path: str, method: str = "GET", body=None, **headers: str) -> "Answer":
        """Ask the page for anything; a header's name is written with underscores."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        link.request(method, path, body, named)
        response = link.getresponse()
        answer = Answer(response.status, dict(response.headers.items()), response.read())
        link.close()
        return answer

    def wait_until(self, condition, path: str = "/api/now") -> None:
        end = time.monotonic() + PATIENCE_S
        while not condition(self.ask(path)):
            assert time.monotonic() < end, self.ask(path)
            time.sleep(0.1)

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def stop(self) -> str:
        """Stop it as systemd does, and return all that it logged."""
        self._process.send_signal(signal.SIGTERM)
        _, rest = self._process.communicate(timeout=60)
        self.log.append(rest)
        assert self._process.returncode == 0, rest
        return "".join(self.log)


class Answer:
    def __init__(self, status: int, headers: Mapping[str, str], body: bytes):
        self.status, self.body = status, body
        self.headers = {name.lower(): value for name, value in headers.items()}


def write_token(folder: Path) -> tuple[Path, str]:
    path, token = folder / "token", "correct-horse-battery"
    path.write_text(token + "\n")
    return path, token
