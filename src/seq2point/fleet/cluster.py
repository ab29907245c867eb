"""A Ray cluster: one task a home, on whichever node is free, with the models put once.

A task that dies with its node is begun again on another. Its files have keys, so that what was done
twice is there once.
"""

import logging
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from seq2point.errors import Seq2PointError, UsageError
from seq2point.fleet.models import FleetModels, ModelSource, share_models
from seq2point.fleet.pool import ONE_THREAD
from seq2point.fleet.run import HomeTask, report_death
from seq2point.fleet.storage import is_remote
from seq2point.fleet.task import HomeResult
from seq2point.household.home_models import HomeModel
from seq2point.runtime import NATIVE

RETRIES = 3
"""How often a task is begun again whose node or process died."""
LISTENS_S = 10.0
AHEAD = 4
"""Tasks for each core of the cluster that are handed out at a time."""


class RayWorkers:
    """Runs a function of one home as Ray tasks. The cluster stays as it is when the run ends."""

    def __init__(
        self, function: Callable[[HomeTask], HomeResult], address: str, models: FleetModels
    ):
        self._function, self._address, self._models = function, address, models

    def run(self, tasks: Iterable[HomeTask]) -> Iterator[HomeResult]:
        """Yield the result of each home, in the order in which they end.

        Raises UsageError where no cluster is at the address, and Seq2PointError where it is lost.
        """
        import ray

        connect(self._address)
        try:
            opened = dict(zip(self._models.sources, self._models.open(), strict=True))
            models, function = ray.put(opened), ray.put(self._function)
            remote = ray.remote(num_cpus=1, max_retries=RETRIES)(_run_task)
            yield from self._run(remote, function, models, iter(tasks))
        except ray.exceptions.RaySystemError as error:
            raise Seq2PointError(f"the cluster at {self._address} is lost ({error})") from None
        finally:
            ray.shutdown()

    def _run(
        self, remote: Any, function: Any, models: Any, waiting: Iterator[HomeTask]
    ) -> Iterator[HomeResult]:
        import ray

        running: dict[Any, HomeTask] = {}
        while True:
            most = AHEAD * max(int(ray.cluster_resources().get("CPU", 1)), 1)
            for task in waiting:
                running[remote.remote(function, models, task)] = task
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
                    result = report_death(task)
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
        ray.init(address, runtime_env=environment, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(
            f"{address}: no Ray cluster answers ({reason}); start one with `ray start --head`"
        ) from None


def _require_listener(address: str) -> None:
    """Raise OSError or ValueError where nothing listens: Ray itself would wait for minutes."""
    if address == "auto":
        return
    host, colon, port = address.rpartition("://")[2].partition(":")
    if not (host and colon and port.isdecimal()):
        raise ValueError("expected HOST:6379, ray://HOST:10001 or auto")
    with socket.create_connection((host, int(port)), LISTENS_S):
        pass


def require_shared(addresses: Iterable[str], models: FleetModels) -> None:
    """Raise UsageError for what a cluster cannot take: relative paths, and models of one machine.

    Paths must be those of a file system that all nodes have.
    """
    for address in addresses:
        if not is_remote(address) and not address.startswith("/"):
            raise UsageError(
                f"{address}: a cluster needs an absolute path that all nodes have, or s3://"
            )
    for source in models.sources:
        if not source.path.endswith(NATIVE):
            raise UsageError(
                f"{source.path}: a cluster takes native model files (those end in {NATIVE})"
            )


def _run_task(
    function: Callable[[HomeTask], HomeResult],
    models: dict[ModelSource, HomeModel],
    task: HomeTask,
) -> HomeResult:
    share_models(models)
    return function(task)
