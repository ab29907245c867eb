"""A fleet that is killed ten times on its way, beside one that is left alone: the same bytes.

`python -m benchmarks fleet_kills`: SEQ2POINT_FLEET_HOMES simulated homes (1,000 are an hour or two
on two cores) of 30 days at 8 s, with the five models at 8 s that come with the package.
"""

import random
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.fleet import HOMES, PROCESSES, list_models, write_homes
from benchmarks.process_memory import MemoryWatch

KILLS = 10


def start(houses: Path, out: Path, models: list[str]) -> subprocess.Popen[bytes]:
    words = ("-m", "seq2point", "fleet", *models, "--input", str(houses), "--output", str(out))
    return subprocess.Popen(
        [sys.executable, *words, "--processes", str(PROCESSES)], stderr=subprocess.DEVNULL
    )


def list_results(out: Path) -> dict[str, tuple[int, int]]:
    """Return the finished homes with the size and the time of their last file."""
    found = {}
    for path in out.glob("power/*/power.parquet"):
        status = path.stat()
        found[path.parent.name] = (status.st_size, status.st_mtime_ns)
    return found


def main() -> None:
    draw = random.Random(0)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        root = Path(folder)
        (houses := root / "houses").mkdir()
        write_homes(houses, HOMES)
        models = list_models(root)
        begin_s, memory = time.perf_counter(), stack.enter_context(MemoryWatch())
        if start(houses, root / "alone", models).wait():
            raise SystemExit("the run that is left alone failed")
        alone_s = time.perf_counter() - begin_s
        repeated, seen = 0, dict[str, tuple[int, int]]()
        for kill in range(KILLS):
            process = start(houses, root / "killed", models)
            goal = len(seen) + draw.randint(1, max(2 * (HOMES - len(seen)) // (KILLS + 1), 1))
            while process.poll() is None and len(list_results(root / "killed")) < goal:
                time.sleep(0.02)
            time.sleep(draw.random())
            process.kill()
            process.wait()
            now = list_results(root / "killed")
            repeated += sum(now.get(home) != what for home, what in seen.items())
            seen = now
            print(f"kill {kill + 1}: {len(seen)} of {HOMES} homes done", flush=True)
        if start(houses, root / "killed", models).wait():
            raise SystemExit("the run that was killed did not end well")
        end = list_results(root / "killed")
        repeated += sum(end.get(home) != what for home, what in seen.items())
        names = sorted(p.relative_to(root / "alone") for p in root.glob("alone/*/*/*.parquet"))
        others = sorted(p.relative_to(root / "killed") for p in root.glob("killed/*/*/*"))
        differ = sum(
            (root / "alone" / name).read_bytes() != (root / "killed" / name).read_bytes()
            for name in names
            if name in others
        )
        shutil.rmtree(houses)
    killed_s = time.perf_counter() - begin_s - alone_s
    print(
        f"left alone {alone_s:.0f} s; with the kills {killed_s:.0f} s;"
        f" highest memory of all processes {memory.peak_mb:,.0f} MB\n"
        f"{len(end)} of {HOMES} homes, {KILLS} kills: {repeated} done twice,"
        f" {len(set(names) ^ set(others))} files too many or too few, {differ} that differ"
    )
    if repeated or differ or names != others:
        raise SystemExit(1)
