"""A pool of processes on one machine, each with one thread, which outlives the death of one.

The pool imports no torch: a worker imports what its function does. Workers end when the process
that began them ends, however that happens.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from multiprocessing import connection
from threading import Thread
from typing import Generic, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")
"""What the libraries of a worker read when they are imported."""
AHEAD = 2
"""Tasks that wait for each worker: none ever waits for the process that hands them out."""


class WorkerPool(Generic[Task, Result]):
    """Runs a function of one task in worker processes and yields results as they come.

    `on_death` makes the result of a task whose process died: it killed a second one alone, too.
    `ahead` tasks are handed out for each worker. A run that is stopped waits for the tasks that
    have begun; with `stops` it sends them SIGTERM first. The function, tasks and results are
    pickled.
    """

    def __init__(
        self,
        function: Callable[[Task], Result],
        processes: int,
        on_death: Callable[[Task], Result],
        ahead: int = AHEAD,
        stops: bool = False,
    ):
        self._function, self._processes, self._on_death = function, processes, on_death
        self._ahead, self._stops = ahead, stops

    def run(self, tasks: Iterable[Task]) -> Iterator[Result]:
        """Yield the result of each task, in the order in which they end."""
        waiting, suspects = iter(tasks), list[Task]()
        with ExitStack() as stack:
            stack.enter_context(_use_one_thread())
            while True:
                pool = stack.enter_context(_open_pool(self._processes, self._stops))
                yield from self._run_until_death(pool, waiting, suspects)
                if not suspects:
                    return
                for task in suspects:  # one of them killed its process: alone, it shows
                    yield self._run_alone(task)
                suspects.clear()

    def _run_until_death(
        self, pool: ProcessPoolExecutor, waiting: Iterator[Task], suspects: list[Task]
    ) -> Iterator[Result]:
        """Yield results until all tasks are done, or until a process dies: then those tasks that
        ran or waited for a worker are suspects.
        """
        running: dict[Future[Result], Task] = {}
        try:
            while True:
                for task in waiting:
                    suspects.append(task)  # until it is handed over
                    running[pool.submit(self._function, task)] = task
                    suspects.pop()
                    if len(running) >= self._ahead * self._processes:
                        break
                if not running:
                    return
                ended, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in ended:
                    result = future.result()
                    del running[future]
                    yield result
        except BrokenProcessPool:
            suspects += running.values()

    def _run_alone(self, task: Task) -> Result:
        with _open_pool(1, self._stops) as pool:
            try:
                return pool.submit(self._function, task).result()
            except BrokenProcessPool:
                return self._on_death(task)


@contextmanager
def _open_pool(processes: int, stops: bool) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(
        processes, multiprocessing.get_context("spawn"), initializer=_prepare_worker
    )
    try:
        yield pool
    except BaseException:
        if stops:
            for process in multiprocessing.active_children():
                process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _use_one_thread() -> Iterator[None]:
    """Let processes that begin inside the block have one thread each."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _prepare_worker() -> None:
    """Leave Ctrl-C to the process that began this one, and end with it."""
    import signal

    import pyarrow as pa

    from seq2point.system.garbage import postpone_collection
    from seq2point.system.hardware import keep_freed_memory

    postpone_collection()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pa.set_cpu_count(1)
    keep_freed_memory()
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
