"""The pool of processes: without torch, one thread each, and it outlives its workers' deaths."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from tests.fleet.conftest import Run
from tests.fleet.worker_tasks import die_once, kill_at, kill_in, work_and_look

from seq2point.configuration import ColumnsConfig
from seq2point.fleet import FleetJob, FleetModels, list_homes
from seq2point.fleet.run import HomeTask, report_death, run_fleet
from seq2point.fleet.storage import OutputFolder
from seq2point.fleet.task import HomeResult, Status
from seq2point.workers.pool import WorkerPool


def test_a_task_that_kills_its_process_is_the_only_one_that_is_lost():
    pool = WorkerPool(partial(kill_at, 5), 2, lambda task: -task)
    assert sorted(pool.run(range(12))) == [-5, *(2 * n for n in range(12) if n != 5)]


def test_a_task_whose_process_another_one_kills_is_tried_again(tmp_path: Path):
    pool = WorkerPool(partial(die_once, tmp_path), 2, lambda task: -task)
    assert sorted(pool.run(range(8))) == list(range(8))


def test_a_worker_imports_no_torch_and_computes_with_one_thread(
    houses: Path, model_file: Path, tmp_path: Path
):
    job = FleetJob(
        FleetModels.find([model_file]), OutputFolder(str(tmp_path / "out")), ColumnsConfig()
    )
    pool = WorkerPool(partial(work_and_look, job), 1, report_death)
    (result,) = pool.run([HomeTask(list_homes(str(houses))[0])])
    assert result.status is Status.DONE, result.reason
    assert result.summary == {"loaded": [], "polars": 1, "arrow": 1, "omp": "1"}


def test_a_home_that_kills_its_process_fails_and_is_tried_again_by_the_next_run(
    houses: Path, run: Run
):
    job = FleetJob(FleetModels.find([run.model]), OutputFolder(str(run.out)), ColumnsConfig())
    homes = list_homes(str(houses))

    def make(_: Callable[[HomeTask], HomeResult]) -> WorkerPool[HomeTask, HomeResult]:
        return WorkerPool(partial(kill_in, "h1", job), 2, report_death)

    Path(run.out).mkdir()
    result = run_fleet(homes, job, Path(run.out), make)
    assert (result.done, [each.house for each in result.failed]) == (2, ["h1"])
    assert "its process died twice" in result.failed[0].reason
    assert run(houses).done == 3
    assert run.worked == ["h1"]


PARENT = """
import sys, time
from functools import partial
from tests.fleet.worker_tasks import sleep_and_tell
from seq2point.workers.pool import WorkerPool
if __name__ == "__main__":
    for _ in WorkerPool(partial(sleep_and_tell, sys.argv[1]), 2, int).run(range(4)):
        pass
"""


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks Linux for processes")
def test_workers_end_with_the_process_that_began_them(tmp_path: Path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    marks = tmp_path / "marks"
    marks.mkdir()
    parent = subprocess.Popen(
        [sys.executable, script, marks], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    try:
        wait_until(lambda: len([*marks.iterdir()]) == 2)
        parent.kill()
        parent.wait()
        workers = [int(mark.name) for mark in marks.iterdir()]
        wait_until(lambda: not any(map(is_running, workers)))
    finally:
        parent.kill()


def wait_until(holds: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)
