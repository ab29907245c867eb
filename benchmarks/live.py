"""A live service: readings a second from MQTT to MQTT, many homes in one process, memory, delay.

    python -m benchmarks live

CPU seconds are of one core, whatever else the machine does; delays are by the clock. It needs
Mosquitto. The homes have five models at 8 s, the hardest that the package holds.
"""

import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.timing import compare_in_turns
from seq2point.household.home_models import HomeModel, load_pretrained_model
from seq2point.live.pace import PaceLearner
from seq2point.live.readings import Reading
from seq2point.live.store import Store
from seq2point.live.worker import Worker
from seq2point.live.worker_options import WorkerOptions
from seq2point.model.pretrained import load_pretrained
from seq2point.runtime.native import open_model

APPLIANCES = ("dishwasher", "fridge", "kettle", "microwave", "washing_machine")
NAMES = [f"{appliance}-8s" for appliance in APPLIANCES]
PERIOD_S = 8.0
HISTORY = 700
"""Readings that warm a home up: a window and some."""

HOMES, ROUNDS = 1000, 8
RATES, FLOOD_S = (1000, 2000, 4000), 10.0
STEPS = 60
"""Readings whose delay is measured. Their stamps run ahead, but stay near their arrival."""

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


def load_models() -> list[HomeModel]:
    return [load_pretrained_model(name, 1) for name in NAMES]


def make_readings(until_s: float, count: int, seed: int = 0) -> list[Reading]:
    """Return readings each 8 s, the last at a time."""
    watts = np.random.default_rng(seed).uniform(100, 2500, count).tolist()
    return [Reading(until_s - PERIOD_S * (count - 1 - i), w) for i, w in enumerate(watts)]


def measure_homes() -> None:
    """A thousand homes, each with a reading each 8 s, and one store."""
    models, now = load_models(), [0.0]
    readings = make_readings(1.7e9, HISTORY + ROUNDS)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "homes.sqlite")
        workers = [
            Worker(
                lambda pace: models,
                PaceLearner(PERIOD_S),
                WorkerOptions(commit_every_s=30.0, home=f"{i}"),
                lambda: now[0],
                store,
            )
            for i in range(HOMES)
        ]
        for i, worker in enumerate(workers):
            now[0] = PERIOD_S * i / HOMES
            worker.take(readings[:HISTORY])
        rounds = []
        for reading in readings[HISTORY:]:
            now[0] += PERIOD_S
            begun = time.process_time()
            for worker in workers:
                worker.take([reading])
            rounds.append(time.process_time() - begun)
        store.close()
    cpu_s = median(rounds)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{HOMES:,} homes, five models each: a reading of each takes {cpu_s:.2f} s of a core,"
        f" {cpu_s / PERIOD_S:.0%} of the {PERIOD_S:g} s until the next"
        f" ({HOMES / cpu_s:,.0f} readings/s); peak {peak_mb:,.0f} MB"
    )


QUICK_HOMES = 20
"""Homes whose readings are taken for a ratio."""


def measure_ratios(budget_s: float) -> Iterator[tuple[str, list[float]]]:
    """The models' networks alone, for a window each, over a reading of a home."""
    models, now = load_models(), [0.0]
    readings = make_readings(1.7e9, HISTORY)
    last_s = [readings[-1].time_s]
    options = WorkerOptions(commit_every_s=1e9)
    workers = [
        Worker(lambda pace: models, PaceLearner(PERIOD_S), options, lambda: now[0])
        for _ in range(QUICK_HOMES)
    ]
    for worker in workers:
        worker.take(readings)
    networks = [open_model(Path(load_pretrained(name).native), 1) for name in NAMES]
    windows = [np.full((1, network.window), 300, np.float32) for network in networks]

    def predict() -> float:
        begun = time.process_time()
        for _ in workers:
            for network, window_w in zip(networks, windows, strict=True):
                network.run(window_w)
        return time.process_time() - begun

    def take() -> float:
        now[0] += PERIOD_S
        last_s[0] += PERIOD_S
        reading = Reading(last_s[0], 500.0 + now[0] % 997)
        begun = time.process_time()
        for worker in workers:
            worker.take([reading])
        return time.process_time() - begun

    yield "five windows alone over a reading of a home", compare_in_turns(predict, take, budget_s)


@contextmanager
def run_broker(folder: Path) -> Iterator[int]:
    """Yield the port of a broker on loopback."""
    assert MOSQUITTO is not None, "Mosquitto is not installed"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    config = folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
    process = subprocess.Popen([MOSQUITTO, "-c", config], stderr=subprocess.DEVNULL)
    time.sleep(1)
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


class Service:
    """`seq2point live` from MQTT to MQTT on one core, for a home that is warmed up."""

    def __init__(self, folder: Path, port: int, *words: str):
        import paho.mqtt.client as paho
        from paho.mqtt.enums import CallbackAPIVersion

        store = folder / f"home-{time.monotonic()}.sqlite"
        now_s = time.time() - PERIOD_S * STEPS / 2
        worker = Worker(lambda pace: load_models(), PaceLearner(PERIOD_S), WorkerOptions(store))
        worker.take(make_readings(now_s, HISTORY))
        worker.finish(False)
        worker.close()
        self.last_s = now_s
        self.answers: list[float] = []
        self._ready = threading.Event()
        self.client = paho.Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = self._hear
        self.client.connect("127.0.0.1", port)
        self.client.subscribe([("seq2point/home/power", 0), ("seq2point/home/availability", 0)])
        self.client.loop_start()
        command = [sys.executable, "-m", "seq2point", "live", *NAMES, "--source", "mqtt"]
        command += ["--sink", "mqtt", "--broker", f"127.0.0.1:{port}", "--store", str(store)]
        core = min(os.sched_getaffinity(0))
        self.process = subprocess.Popen(
            [*command, *words],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )
        assert self._ready.wait(60), "the service does not come up"
        time.sleep(2)

    def _hear(self, client: Any, data: Any, message: Any) -> None:
        if message.topic.endswith("power"):
            self.answers.append(time.perf_counter())
        elif message.payload == b"online":
            self._ready.set()

    def cpu_s(self) -> float:
        """Return the CPU seconds of the service so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> tuple[str, float]:
        """End the service; return its last line and its peak memory in megabytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        peak_kb = next(line.split()[1] for line in status.splitlines() if "VmHWM" in line)
        self.process.terminate()
        _, err = self.process.communicate(timeout=60)
        self.client.loop_stop()
        return err.splitlines()[-1], int(peak_kb) / 1024


def measure_flood(folder: Path, port: int) -> None:
    """Readings as fast as told, stamped by their arrival."""
    for rate in RATES:
        service = Service(folder, port, "--topic", "home/mains")
        before_s, begun, sent = service.cpu_s(), time.perf_counter(), 0
        while (passed_s := time.perf_counter() - begun) < FLOOD_S:
            while sent < rate * passed_s:
                service.client.publish("home/mains", f"{500 + sent % 997}")
                sent += 1
            time.sleep(0.002)
        time.sleep(2)
        cpu_s = service.cpu_s() - before_s
        line, peak_mb = service.stop()
        taken = int(line.split()[2].replace(",", ""))
        print(
            f"MQTT to MQTT at {sent / FLOOD_S:,.0f} readings/s: {taken:,} of {sent:,} taken,"
            f" {cpu_s / FLOOD_S:.0%} of a core ({taken / cpu_s:,.0f} readings/s of one core),"
            f" {len(service.answers)} answers, peak {peak_mb:.0f} MB"
        )


def measure_delay(folder: Path, port: int) -> None:
    """From a reading's publication to the answer that it makes due."""
    service = Service(folder, port, "--topic", "home/mains#w", "--stamp", "at")
    delays_s = []
    for step in range(1, STEPS + 1):
        known, begun = len(service.answers), time.perf_counter()
        reading = {"w": 500.0 + step, "at": service.last_s + PERIOD_S * step}
        service.client.publish("home/mains", json.dumps(reading), qos=1)
        while len(service.answers) == known and time.perf_counter() - begun < 5:
            time.sleep(0.0005)
        if len(service.answers) > known:
            delays_s.append(service.answers[known] - begun)
        time.sleep(0.1)
    _, peak_mb = service.stop()
    assert len(delays_s) > STEPS / 2, "the readings lead to no answers"
    low, high = np.quantile(delays_s, [0.5, 0.99])
    print(
        f"from a reading to the answer that it makes due: {low * 1000:.0f} ms, at most"
        f" {high * 1000:.0f} ms of {len(delays_s)} (99 %); peak {peak_mb:.0f} MB"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as place, run_broker(Path(place)) as port:
        measure_delay(Path(place), port)
        measure_flood(Path(place), port)
    measure_homes()
