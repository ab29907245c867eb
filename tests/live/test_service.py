import socket
import time
from contextlib import suppress

import numpy as np
import pytest
from tests.live.window_mean import WindowMean, make_home_model

from seq2point.errors import DataError
from seq2point.live.pace import PaceLearner
from seq2point.live.readings import Backlog, Reading
from seq2point.live.service import REST_S, Service
from seq2point.live.store import Store
from seq2point.live.worker import Worker
from seq2point.live.worker_options import WorkerOptions
from seq2point.system.service_manager import ServiceManager

BEGIN_S = 1_700_000_003.0


class Batches:
    """A source of so many batches, which may fail after them."""

    def __init__(self, batches, failure=None, lost=0):
        self._batches, self._failure, self.lost = batches, failure, lost

    async def batches(self):
        for batch in self._batches:
            yield batch
        if self._failure:
            raise self._failure


class Heard:
    """A sink that keeps what it is told."""

    def __init__(self):
        self.updates, self.lost, self.opened, self.closed = [], 0, False, False

    async def open(self):
        self.opened = True

    async def publish(self, update):
        self.updates.append(update)

    async def close(self):
        self.closed = True


def make_batches(count=600, size=10):
    readings = [Reading(BEGIN_S + 8.0 * i, 200.0 + i % 7) for i in range(count)]
    return [readings[i : i + size] for i in range(0, count, size)]


def run(source, sinks, **options):
    def load(pace):
        return [make_home_model(WindowMean())]

    worker_options = WorkerOptions(**options)
    service = Service(source, lambda: Worker(load, PaceLearner(8.0), worker_options), sinks)
    service.run()
    return service


def test_every_sink_is_told_every_sample_once():
    sinks = [Heard(), Heard()]
    service = run(Batches(make_batches()), sinks)
    assert service.readings == 600
    for sink in sinks:
        times_s = np.concatenate([u.answers.times_s for u in sink.updates if u.answers])
        np.testing.assert_allclose(times_s, BEGIN_S + 8.0 * np.arange(600))
        assert sink.opened
        assert sink.closed


class Manager:
    """A service manager: the socket that it listens at, and what it has heard."""

    def __init__(self, address):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address.replace("@", "\0", 1))
        self._socket.setblocking(False)
        self.heard = []

    def listen(self):
        """Return what is heard since the last call."""
        new = []
        with suppress(BlockingIOError):
            while True:
                new.append(self._socket.recv(100).decode())
        self.heard += new
        return new

    def close(self):
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path, monkeypatch):
    address = f"@{tmp_path}" if request.param == "abstract" else str(tmp_path / "notify")
    manager = Manager(address)
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    monkeypatch.setenv("WATCHDOG_USEC", "2")  # each turn is later than that
    yield manager
    manager.close()


def test_the_service_manager_is_told_of_work_that_goes_on(manager):
    class Slow(Worker):
        def take(self, readings):
            manager.listen()
            time.sleep(1.2 * REST_S)
            assert manager.listen() == []  # nobody says that it is alive meanwhile
            return super().take(readings)

    def load(pace):
        return [make_home_model(WindowMean())]

    Service(
        Batches(make_batches(30)),
        lambda: Slow(load, PaceLearner(8.0), WorkerOptions()),
        [Heard()],
    ).run()
    manager.listen()
    first, *alive, last = manager.heard
    assert (first, {*alive}, last) == ("READY=1", {"WATCHDOG=1"}, "STOPPING=1")
    assert len(alive) >= 3


@pytest.mark.parametrize(
    "environment",
    [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/nowhere/at/all"}, {"NOTIFY_SOCKET": "vsock:2"}],
)
def test_a_manager_that_does_not_listen_is_no_fault(environment):
    manager = ServiceManager(environment | {"WATCHDOG_USEC": "many", "WATCHDOG_PID": "1"})
    manager.tell("READY=1")
    manager.tell_alive()


def test_what_is_answered_is_kept_where_a_source_fails(tmp_path):
    sink = Heard()
    with pytest.raises(DataError, match="broken"):
        run(Batches(make_batches(), DataError("broken")), [sink], store=tmp_path / "s")
    assert sink.closed
    store = Store(tmp_path / "s")
    assert store.read_counters()["mains"] > 0
    store.close()


def test_losses_are_said(caplog):
    run(Batches(make_batches(), lost=3), [Heard()])
    assert [r.message for r in caplog.records if "lost" in r.message] == [
        "3 messages lost: they came faster than they could go on"
    ]


def test_a_backlog_drops_the_oldest_and_counts():
    backlog = Backlog(3)
    for item in range(5):
        backlog.put(item)
    assert (backlog.take(), backlog.lost, len(backlog)) == ([2, 3, 4], 2, 0)


@pytest.mark.soak
def test_a_month_leaves_memory_and_file_flat(tmp_path):
    import resource

    path, sizes, memories = tmp_path / "s", [], []
    options = WorkerOptions(path, 0.0, keep_minutes_days=3)
    model = make_home_model(WindowMean(window=599, target=299))
    worker = Worker(lambda pace: [model], PaceLearner(8.0), options)
    worker.start()
    for day in range(30):
        first_s = BEGIN_S + 86_400.0 * day
        for hour in range(24):
            times_s = first_s + 3600 * hour + 8.0 * np.arange(450)
            worker.take([Reading(float(t), 300.0) for t in times_s])
        sizes.append(sum(each.stat().st_size for each in tmp_path.iterdir()))
        memories.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    worker.close()
    assert sizes[-1] < 1.3 * sizes[9]
    assert memories[-1] < 1.1 * memories[9]
