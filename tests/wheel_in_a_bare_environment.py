"""Install the built wheel in fresh environments and use it: the core alone, with what trains and
exports, live, and on the edge.

Run by `make wheel`: python tests/wheel_in_a_bare_environment.py dist
"""

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NO_TORCH = (
    "import sys, seq2point, seq2point.cli; assert not {'torch', 'lightning', 'polars'} &"
    " set(sys.modules), 'a heavy import'"
)
SIMULATE = """
import seq2point.data.parquet_file
seq2point.data.parquet_file.write_recording(seq2point.simulate_house(1, days=1), "house.parquet")
"""
COMPILES = """
from seq2point.data import native_reader
from seq2point import kernels
from seq2point.system.c_compiler import find_compiler
if find_compiler():
    assert native_reader.load_functions(), "readings.c does not compile"
    assert kernels.load_kernels(), "kernels.c does not compile"
"""
USE = """
import importlib.metadata, sys
heavy = set(sys.argv[1].split(","))
installed = {name.lower() for name in importlib.metadata.packages_distributions()}
assert not heavy & installed, f"installed: {heavy & installed}"
from seq2point.cli import main
for words in sys.stdin.read().splitlines():
    sys.argv = ["seq2point", *words.split()]
    try:
        main()
    except SystemExit as left:
        assert not left.code, left.code
assert not heavy & set(sys.modules), f"imported: {heavy & set(sys.modules)}"
"""
HEAVY = "torch,lightning,scipy,sklearn,onnx"
CORE = """disaggregate run/model.safetensors house.parquet -o core.csv
disaggregate kettle house.parquet --resample -o named.csv
test run/model.safetensors --data house.parquet
test kettle --data house.parquet --resample
data check house.parquet
models kettle-60s
"""
EDGE = """disaggregate model.onnx house.parquet -o edge.csv
test model.onnx --data house.parquet
"""
LIVE = """live --list-meters
live --source replay --replay house.parquet --store home.sqlite --jsonl live.jsonl
"""
ANSWERED = """
import json
import seq2point.live.sinks.homeassistant, seq2point.live.sinks.mqtt
import seq2point.live.sources.homeassistant, seq2point.live.sources.mqtt
lines = [json.loads(line) for line in open("live.jsonl")]
assert any(line["kettle"] for line in lines), "live answered nothing"
assert all(sum(w or 0 for n, w in line.items() if n not in ("time", "mains")) <=
    (line["mains"] or 0) + 0.05 for line in lines), "live answered more than the mains"
"""
SAME = """
import numpy as np, polars as pl
native, core, edge = (pl.read_csv(f"{name}.csv")["kettle"] for name in ("kettle", "core", "edge"))
for other in (core, edge):
    assert native.is_null().equals(other.is_null()) and native.max() > 0, "nothing to compare"
    np.testing.assert_allclose(other.drop_nulls(), native.drop_nulls(), atol=0.011)
"""


PREBUILT = """
from seq2point import kernels
from seq2point.data import native_reader
from seq2point.system import c_compiler, c_library
assert c_compiler.find_compiler() is None, "there is a compiler"
assert kernels.load_kernels(), "the wheel brings no kernels that run here"
assert native_reader.load_functions(), "the wheel brings no reader that runs here"
print(*(variant.name for variant in c_library.list_runnable()))
"""
EQUAL = """
import sys
import numpy as np, polars as pl
def read(name): return name, pl.read_csv(f"{name}.csv", infer_schema_length=None)["kettle"]
compiled, *others = map(read, sys.argv[1:])
for name, power_w in others:
    assert compiled[1].is_null().equals(power_w.is_null()) and compiled[1].max() > 0, name
    difference_w = (power_w - compiled[1]).abs().max()
    assert difference_w < 0.011 + 1e-4 * compiled[1].max(), f"{name}: {difference_w} W"
"""


def run(
    folder: Path, *command: str, expect: int = 0, words: str = "", **variables: str | None
) -> str:
    """Run a command in a folder, with variables of the environment beside this process's."""
    environment = {
        name: value
        for name, value in (os.environ | variables).items()
        if not name.startswith("PYTHON") and value is not None
    }
    done = subprocess.run(
        [str(folder / command[0]), *command[1:]],
        cwd=folder,
        env=environment,
        input=words,
        capture_output=True,
        text=True,
    )
    if done.returncode != expect:
        sys.exit(
            f"{' '.join(command)}: exit code {done.returncode}, not"
            f" {expect}\n{done.stdout}{done.stderr}"
        )
    return done.stdout + done.stderr


def prove_prebuilt(folder: Path) -> str:
    """Predict by each prebuilt variant that runs here, without a compiler, as one compiled here."""
    bare = {"PATH": str(folder / "nothing"), "CC": None, "SEQ2POINT_CACHE": str(folder / "cache")}
    variants = run(folder, "edge/bin/python", "-c", PREBUILT, **bare).split()
    predict = ("edge/bin/seq2point", "disaggregate", "run/model.safetensors", "house.parquet", "-o")
    for choice in (*variants, "0"):
        run(folder, *predict, f"{choice}.csv", SEQ2POINT_NATIVE=choice, **bare)
    if (folder / "cache").exists():
        sys.exit("the wheel's libraries were compiled, without a compiler")
    run(folder, *predict, "compiled.csv", SEQ2POINT_NATIVE="compiled")
    run(folder, "edge/bin/python", "-c", EQUAL, "compiled", *variants, "0")
    return f"prebuilt: {', '.join(variants)}"


def main(wheels: Path) -> None:
    """Prove the newest wheel of a folder."""
    wheel = max(wheels.glob("*.whl"), key=lambda path: path.stat().st_mtime).resolve()
    constraints = str(ROOT / "constraints.txt")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        venv.create(folder / "env", with_pip=True)
        install = ("env/bin/pip", "install", "--quiet", "--no-compile", "--constraint", constraints)
        run(folder, *install, str(wheel))
        run(folder, "env/bin/seq2point", "--help")
        run(folder, "env/bin/seq2point", "protocol", "show", "one_minute")
        run(folder, "env/bin/python", "-c", NO_TORCH)
        run(folder, "env/bin/python", "-c", SIMULATE)
        run(folder, "env/bin/seq2point", "convert", "table", "house.parquet", "-o", "converted")
        refusal = run(
            folder,
            "env/bin/seq2point",
            "convert",
            "nilmtk",
            "house.parquet",
            "-o",
            "converted",
            expect=1,
        )
        if "seq2point[convert]" not in refusal:
            sys.exit(
                "without h5py, converting HDF5 must name the extra that it lacks; it said:"
                f" {refusal}"
            )
        run(folder, "env/bin/seq2point", "data", "check", "house.parquet")
        refusal = run(
            folder, "env/bin/seq2point", "train", "kettle", "--train", "house.parquet", expect=1
        )
        if "seq2point[train]" not in refusal:
            sys.exit(
                f"without torch, training must name the extra that it lacks; it said: {refusal}"
            )
        run(folder, *install, f"{wheel}[train,export]")
        run(folder, "env/bin/python", "-c", COMPILES)
        small = (
            "--network",
            "reduced",
            "--window",
            "49",
            "--steps",
            "50",
            "--threads",
            "1",
            "--out",
            "run",
        )
        run(folder, "env/bin/seq2point", "train", "kettle", "--train", "house.parquet", *small)
        run(
            folder,
            "env/bin/seq2point",
            "disaggregate",
            "run/model.safetensors",
            "house.parquet",
            "-o",
            "kettle.csv",
        )
        if not (folder / "kettle.csv").stat().st_size:
            sys.exit("the wheel disaggregated nothing")
        run(
            folder,
            "env/bin/seq2point",
            "export",
            "run/model.safetensors",
            "--target",
            "onnx",
            "-o",
            "model.onnx",
        )
        venv.create(folder / "edge")
        install = ("env/bin/pip", "--python", "edge/bin/python", *install[1:])
        run(folder, *install, str(wheel))
        run(folder, "edge/bin/python", "-c", USE, f"{HEAVY},onnxruntime", words=CORE)
        pure = wheel.stem.endswith("-any")
        prebuilt = "pure Python" if pure else prove_prebuilt(folder)
        run(folder, *install, f"{wheel}[live]")
        run(folder, "edge/bin/python", "-c", USE, f"{HEAVY},onnxruntime", words=LIVE)
        run(folder, "edge/bin/python", "-c", ANSWERED)
        run(folder, *install, f"{wheel}[edge]")
        run(folder, "edge/bin/python", "-c", USE, HEAVY, words=EDGE)
        run(folder, "edge/bin/python", "-c", SAME)
    print(
        f"{wheel.name} ({prebuilt}): installs and works in bare environments, without torch and"
        " with it, live and exported without it"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
