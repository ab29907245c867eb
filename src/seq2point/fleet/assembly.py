"""What a run of a fleet is put together of: its workers, the folder of its manifest."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from seq2point.configuration import FleetConfig
from seq2point.errors import UsageError
from seq2point.fleet.manifest import find_state_folder
from seq2point.fleet.models import FleetModels
from seq2point.fleet.run import HomeTask, MakeWorkers, Workers, report_death
from seq2point.fleet.storage import is_remote
from seq2point.fleet.task import FleetJob, HomeResult
from seq2point.household.home_models import require_known
from seq2point.system.hardware import count_cores
from seq2point.workers.pool import WorkerPool


def make_workers(run: FleetConfig, job: FleetJob, input_: str, homes: int) -> MakeWorkers:
    """Return what makes the workers of a run: on a cluster, or on this machine's cores.

    Raises UsageError for paths and models that a cluster cannot take.
    """
    address = run.cluster
    if address is not None:
        if run.processes is not None:
            raise UsageError("`processes` are those of one machine; a cluster has its own cores")
        from seq2point.fleet.cluster import make_ray_workers, require_shared

        require_shared((input_, job.output.address), job.models)
        return lambda function: make_ray_workers(function, address, job.models)
    processes = min(run.processes or count_cores(), max(homes, 1))

    def make_pool(function: Callable[[HomeTask], HomeResult]) -> Workers:
        return WorkerPool(function, processes, report_death)

    return make_pool


def find_state(output: str) -> Path:
    """Return the folder of the manifest: that of the results, or one of this machine for a store.

    Raises UsageError for an output that is a file.
    """
    if is_remote(output):
        return find_state_folder(output)
    if os.path.lexists(output) and not Path(output).is_dir():
        raise UsageError(f"{output}: is a file; choose a folder")
    return Path(output)


def list_without(models: FleetModels, names: Iterable[str]) -> tuple[str, ...]:
    """Return the appliances that the homes lack, by their usual names, in order.

    Raises UsageError for one that no model is for, and for all of those of models that are named.
    """
    known = {a.name for model in models.open() for a in model.predictor.appliances}
    return tuple(sorted(require_known(names, known, are_named=not models.choose)))
