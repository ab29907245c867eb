"""The course of a training: its validation error against processor time, kept as JSON.

The time is that of the process, which has one thread: other work on the machine counts for little.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from seq2point.choices import Engine
from seq2point.data.table import load_recording
from seq2point.system.atomic_files import write_json
from seq2point.training import train_with_history


class Curve(NamedTuple):
    """The validations of one training: rows of step, processor seconds and error.

    `whole_s` is the processor time of all of it, with what the rows leave out: the first steps,
    which are timed to plan the rest, and the making of the networks.
    """

    appliance: str
    engine: str
    seed: int
    budget_s: float
    options: Mapping[str, Any]
    rows: tuple[tuple[int, float, float], ...]
    whole_s: float | None = None

    @property
    def best(self) -> float:
        """The lowest error."""
        return min(error for _, _, error in self.rows)

    def first_at(self, error: float) -> float | None:
        """Return the seconds after which a validation first found no more than this error."""
        return next((seconds for _, seconds, found in self.rows if found <= error), None)


def find_curve(
    folder: Path,
    data: Path,
    appliance: str,
    engine: Engine,
    seed: int,
    budget_s: float,
    make: bool,
    **options: Any,
) -> Curve | None:
    """Return a curve of the folder; where it is not there, `make` it, or return None."""
    words = [f"{name}={value}" for name, value in sorted(options.items())]
    path = folder / f"{'_'.join([appliance, engine, str(seed), f'{budget_s:g}', *words])}.json"
    if not path.exists():
        if not make:
            return None
        folder.mkdir(parents=True, exist_ok=True)
        curve = make_curve(data, appliance, engine, seed, budget_s, **options)
        write_json(curve._asdict(), path)
    values = json.loads(path.read_text())
    rows = tuple((step, seconds, error) for step, seconds, error in values.pop("rows"))
    return Curve(**values, rows=rows)


def make_curve(
    data: Path, appliance: str, engine: Engine, seed: int, budget_s: float, **options: Any
) -> Curve:
    """Train with one thread for a budget of processor seconds."""
    recording = load_recording(data, [appliance])
    began_s = time.process_time()
    # a training plans and measures by this clock
    with mock.patch.object(time, "perf_counter", time.process_time):
        trained = train_with_history(
            recording,
            appliance,
            engine=engine,
            seed=seed,
            budget_s=budget_s,
            threads=1,
            progress=False,
            patience=1000,
            **options,
        )
    rows = tuple((int(row["step"]), row["seconds"], row["val_loss"]) for row in trained.history)
    whole_s = time.process_time() - began_s
    return Curve(appliance, engine, seed, budget_s, options, rows, whole_s)
