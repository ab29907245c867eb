"""Where the processor time of a home in a fleet goes: 30 days at 8 s, five models, one thread.

`python -m benchmarks fleet_parts`: the least of some turns over a few simulated homes, in one
process.
"""

import shutil
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.fleet import MADE, list_models, write_homes
from seq2point.configuration import ColumnsConfig
from seq2point.data import table
from seq2point.fleet import FleetJob, FleetModels, home_source, list_homes, task
from seq2point.fleet.storage import OutputFolder
from seq2point.household import home_energy, predictions
from seq2point.household.common_grid import CommonGrid
from seq2point.kernels import Library

TURNS = 4
PARTS: list[tuple[Any, str, str]] = [
    (home_source, "open_mains", "read"),
    (table, "interpret", "  what the columns are"),
    (table, "build_table", "  the readings, checked"),
    (home_energy, "predict_appliances", "predict"),
    (Library, "forward", "  kernels"),
    (Library, "convolve", "  kernels"),
    (predictions, "find_activations", "  activations"),
    (home_energy, "_balance_home", "balance"),
    (CommonGrid, "place", "  minutes"),
    (home_energy, "cap_activations", "  activations capped"),
    (home_energy, "find_large_loads", "  large loads"),
    (task, "write_result", "write"),
]


def time_part(owner: Any, name: str, label: str, spent_s: dict[str, float]) -> None:
    """Let a function add its processor time to a part."""
    function = getattr(owner, name)

    def timed(*arguments: Any, **options: Any) -> Any:
        begin_s = time.process_time()
        try:
            return function(*arguments, **options)
        finally:
            spent_s[label] += time.process_time() - begin_s

    setattr(owner, name, timed)


def main() -> None:
    spent_s: dict[str, float] = defaultdict(float)
    for part in PARTS:
        time_part(*part, spent_s)
    turns = []
    with tempfile.TemporaryDirectory() as folder:
        (houses := Path(folder, "houses")).mkdir()
        write_homes(houses, MADE)
        homes, out = list_homes(str(houses)), Path(folder, "out")
        models = FleetModels.find(list_models(Path(folder)))
        job = FleetJob(models, OutputFolder(str(out)), ColumnsConfig())
        for _ in range(TURNS):
            spent_s.clear()
            begin_s = time.process_time()
            for home in homes:
                task.process_home(home, job)
            spent_s["all"] = time.process_time() - begin_s
            turns.append(dict(spent_s))
            shutil.rmtree(out)
    least = min(turns, key=lambda turn: turn["all"])
    for label in [*dict.fromkeys(label for *_, label in PARTS), "all"]:
        print(f"{label:24}{1000 * least[label] / len(homes):8.1f} ms")
