"""A Ray cluster: tasks of one core, on whichever node is free.

A task that dies with its node is begun again on another.
"""

import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from seq2point.errors import Seq2PointError, UsageError
from seq2point.workers.pool import ONE_THREAD

Task = TypeVar("Task")
Result = TypeVar("Result")

RETRIES = 3
"""How often a task is begun again whose node or process died."""
LISTENS_S = 10.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AHEAD = 4
"""Tasks for each core of the cluster that are handed out at a time."""


class RayWorkers(Generic[Task, Result]):
    """Runs a function of one task as Ray tasks. The cluster stays as it is when the run ends.

    `on_death` makes the result of a task whose process died every time. What `share` returns is put
    into the cluster once, and `take` gets it in the process of each task before the function runs.
    """

    def __init__(
        self,
        function: Callable[[Task], Result],
        address: str,
        on_death: Callable[[Task], Result],
        share: Callable[[], Any] = lambda: None,
        take: Callable[[Any], object] | None = None,
    ):
        self._function, self._address, self._on_death = function, address, on_death
        self._share, self._take = share, take

    def run(self, tasks: Iterable[Task]) -> Iterator[Result]:
        """Yield the result of each task, in the order in which they end.

        Raises UsageError where no cluster is at the address, and Seq2PointError where it is lost.
        """
        import ray

        connect(self._address)
        try:
            shared, function = ray.put(self._share()), ray.put((self._function, self._take))
            remote = ray.remote(num_cpus=1, max_retries=RETRIES)(_run_task)
            yield from self._run(remote, function, shared, iter(tasks))
        except ray.exceptions.RaySystemError as error:
            raise Seq2PointError(f"the cluster at {self._address} is lost ({error})") from None
        finally:
            ray.shutdown()

    def _run(
        self, remote: Any, function: Any, shared: Any, waiting: Iterator[Task]
    ) -> Iterator[Result]:
        import ray

        running: dict[Any, Task] = {}
        while True:
            most = AHEAD * max(int(ray.cluster_resources().get("CPU", 1)), 1)
            for task in waiting:
                running[remote.remote(function, shared, task)] = task
                if len(running) >= most:
                    break
            if not running:
                return
            ended, _ = ray.wait(list(running), num_returns=1)
            for reference in ended:
                task = running.pop(reference)
                try:
                    result = ray.get(reference)
                except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError,
                        ray.exceptions.OutOfMemoryError):  # fmt: skip
                    result = self._on_death(task)
                except ray.exceptions.RayTaskError as error:
                    raise error.as_instanceof_cause() from None
                yield result


def connect(address: str) -> None:
    """Connect this process to the cluster at an address: HOST:6379, ray://HOST:10001 or 'auto'.

    Raises UsageError where there is none.
    """
    import ray

    environment = {"env_vars": dict.fromkeys(ONE_THREAD, "1")}
    try:
        _require_listener(address)
        with _keep_signal_handlers():
            ray.init(
                address, runtime_env=environment, log_to_driver=False, logging_level=logging.ERROR
            )
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(
            f"{address}: no Ray cluster answers ({reason}); start one with `ray start --head`"
        ) from None


@contextmanager
def _keep_signal_handlers() -> Iterator[None]:
    """Put the handlers of signals back that the block replaces.

    Ray's own end the process on SIGTERM with the number of the signal and a report of many lines.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    handlers = {n: signal.getsignal(n) for n in SIGNALS if in_main_thread}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            if handler is not None:
                signal.signal(number, handler)


def _require_listener(address: str) -> None:
    """Raise OSError or ValueError where nothing listens: Ray itself would wait for minutes."""
    if address == "auto":
        return
    host, colon, port = address.rpartition("://")[2].partition(":")
    if not (host and colon and port.isdecimal()):
        raise ValueError("expected HOST:6379, ray://HOST:10001 or auto")
    with socket.create_connection((host, int(port)), LISTENS_S):
        pass


def require_shared_path(path: str) -> None:
    """Raise UsageError for a path that other nodes could not have: one that is relative."""
    if not path.startswith("/"):
        raise UsageError(f"{path}: a cluster needs an absolute path that all nodes have, or s3://")


def _run_task(
    function: tuple[Callable[[Task], Result], Callable[[Any], object] | None],
    shared: Any,
    task: Task,
) -> Result:
    work, take = function
    if take is not None:
        take(shared)
    return work(task)
