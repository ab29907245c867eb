"""A fleet on a Ray cluster: one task a home, with the models put once.

Its files have keys, so that what was done twice is there once.
"""

from collections.abc import Callable, Iterable

from seq2point.errors import UsageError
from seq2point.fleet.models import FleetModels, ModelSource, share_models
from seq2point.fleet.run import HomeTask, Workers, report_death
from seq2point.fleet.storage import is_remote
from seq2point.fleet.task import HomeResult
from seq2point.household.home_models import HomeModel
from seq2point.runtime import NATIVE
from seq2point.workers.cluster import RayWorkers, require_shared_path


def make_ray_workers(
    function: Callable[[HomeTask], HomeResult], address: str, models: FleetModels
) -> Workers:
    """Return what runs a function of one home as tasks of the cluster at an address."""

    def open_models() -> dict[ModelSource, HomeModel]:
        return dict(zip(models.sources, models.open(), strict=True))

    return RayWorkers(function, address, report_death, open_models, share_models)


def require_shared(addresses: Iterable[str], models: FleetModels) -> None:
    """Raise UsageError for what a cluster cannot take: relative paths, and models of one machine.

    Paths must be those of a file system that all nodes have.
    """
    for address in addresses:
        if not is_remote(address):
            require_shared_path(address)
    for source in models.sources:
        if not source.path.endswith(NATIVE):
            raise UsageError(
                f"{source.path}: a cluster takes native model files (those end in {NATIVE})"
            )
