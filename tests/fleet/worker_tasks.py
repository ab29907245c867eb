"""What the workers of a pool do in its tests. The other modules of the tests import torch."""

import os
import signal
import sys
import time
from pathlib import Path

import polars as pl
import pyarrow as pa

from seq2point.fleet import FleetJob
from seq2point.fleet.run import HomeTask
from seq2point.fleet.task import HomeResult, process_home


def kill_at(number: int, task: int) -> int:
    """Return a task's double; the one of a number kills its process."""
    if task == number:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * task


def die_once(marks: Path, task: int) -> int:
    """Kill the process at a task's first try."""
    mark = marks / str(task)
    if task == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return task


def work_and_look(job: FleetJob, task: HomeTask) -> HomeResult:
    result = process_home(task.home, job)
    loaded = sorted({"torch", "lightning", "sklearn", "pandas"} & sys.modules.keys())
    threads = {"polars": pl.thread_pool_size(), "arrow": pa.cpu_count()}
    facts = {"loaded": loaded, **threads, "omp": os.environ["OMP_NUM_THREADS"]}
    return result._replace(summary=facts)


def kill_in(house: str, job: FleetJob, task: HomeTask) -> HomeResult:
    if task.home.house == house:
        os.kill(os.getpid(), signal.SIGKILL)
    return process_home(task.home, job)


def sleep_and_tell(folder: str, task: int) -> int:
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(600)
    return task
