"""Small homes of minutes, a small model of them, and a run of a fleet in this process."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from seq2point import Architecture, Model
from seq2point.configuration import ColumnsConfig
from seq2point.data.parquet_file import write_recording
from seq2point.fleet import FleetJob, FleetModels, FleetResult, list_homes, run_fleet
from seq2point.fleet.run import HomeTask
from seq2point.fleet.storage import OutputFolder
from seq2point.fleet.task import HomeResult
from seq2point.recording import Recording

START = datetime(2024, 3, 30, tzinfo=UTC)
MINUTES = 2 * 1440


def make_mains_w(seed: int, minutes: int = MINUTES) -> np.ndarray:
    """A base load with noise, and a kettle every few hours."""
    rng = np.random.default_rng(seed)
    mains_w = 100 + 20 * rng.random(minutes)
    for first in range(60 + 17 * seed % 60, minutes - 3, 240):
        mains_w[first : first + 3] += 2400
    return mains_w.astype(np.float32)


def write_home(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_recording(Recording(path.stem, 60.0, make_mains_w(seed), start=START), path)
    return path


def make_frame(seed: int, minutes: int = MINUTES) -> pl.DataFrame:
    times = START.timestamp() + 60 * np.arange(minutes)
    return pl.DataFrame(
        {
            "time": pl.Series((times * 1000).astype(np.int64)).cast(pl.Datetime("ms", "UTC")),
            "mains": make_mains_w(seed, minutes),
        }
    )


def save_model(path: Path, appliance: str = "kettle", seed: int = 7) -> Path:
    torch.manual_seed(seed)
    tiny = Architecture(window=33, channels=(4, 4), kernels=(5, 3), hidden=8)
    model = Model.untrained(appliance, 60.0, tiny)
    with torch.no_grad():
        model.network.output.bias.fill_(0.1)
    model.save(path)
    return path


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("models") / "kettle.safetensors")


@pytest.fixture
def houses(tmp_path: Path) -> Path:
    """A folder of three homes."""
    for seed in range(3):
        write_home(tmp_path / "houses" / f"h{seed}.parquet", seed)
    return tmp_path / "houses"


class OneByOne:
    """Workers that are this process, and what they were given."""

    def __init__(self) -> None:
        self.worked: list[str] = []

    def make(self, function: Callable[[HomeTask], HomeResult]) -> "OneByOne":
        self._function = function
        return self

    def run(self, tasks: Iterable[HomeTask]) -> Iterator[HomeResult]:
        for task in tasks:
            result = self._function(task)
            if not result.unchanged:
                self.worked.append(task.home.house)
            yield result


class Run:
    """Runs a fleet in this process; `worked` are the homes that were told apart."""

    def __init__(self, model: Path, out: Path | str):
        self.model, self.out, self.worked = model, out, list[str]()

    def __call__(
        self,
        pattern: Path | str,
        *,
        retry: bool = False,
        state: Path | None = None,
        **settings: object,
    ) -> FleetResult:
        job = FleetJob(
            FleetModels.find([self.model]),
            OutputFolder(str(self.out)),
            ColumnsConfig.of(**{k: v for k, v in settings.items() if k in ("zone", "fill")}),
            with_power=bool(settings.get("power", True)),
        )
        workers = OneByOne()
        folder = state or Path(self.out)
        folder.mkdir(parents=True, exist_ok=True)
        homes = list_homes(str(pattern), settings.get("house"))
        result = run_fleet(homes, job, folder, workers.make, retry)
        self.worked = workers.worked
        return result

    def read(self, table: str) -> pl.DataFrame:
        return pl.read_parquet(f"{self.out}/{table}/**/*.parquet", hive_partitioning=True)


@pytest.fixture
def run(model_file: Path, tmp_path: Path) -> Run:
    return Run(model_file, tmp_path / "out")


def list_bytes(folder: Path) -> dict[str, bytes]:
    """The results of a folder, by their names: all but the manifest and the lock."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.parent != folder
    }
