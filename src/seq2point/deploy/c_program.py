"""A C source pair as a program of this machine, which predicts as any exported model does.

`verify` compares it with the native model. `disaggregate` and `info` do not take C: compiling and
running a file is no safe way to look at one that somebody else made.
"""

import hashlib
import shutil
import subprocess
import time
import weakref
from pathlib import Path
from string import Template
from tempfile import mkdtemp

import numpy as np

from seq2point.deploy.c_templates import load_template
from seq2point.errors import ModelFileError, Seq2PointError
from seq2point.recording import Watts
from seq2point.runtime import ExportMetadata, Runtime
from seq2point.runtime.metadata import read_metadata_line
from seq2point.system.c_compiler import find_compiler

FLAGS = ("-std=c99", "-O2")
SELF_TEST_FAILED = 3
"""Exit code of program.c where the self-test fails."""
TIMED_READINGS = 2000
"""Readings that are timed."""


class CProgram(Runtime):
    """A compiled source pair; it takes chunks, and reads them one reading at a time."""

    chunk = 1 << 20

    def __init__(self, metadata: ExportMetadata, source: Path, prefix: str):
        super().__init__(metadata)
        self._source = source
        folder = Path(mkdtemp())
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._program = compile_program(source, prefix, folder)

    def _run(self, mains_w: Watts) -> Watts:
        gap = np.full((len(mains_w), self.metadata.fill + 1), np.nan, dtype=np.float32)
        predicted, power_w = self.feed(np.concatenate([mains_w, gap], axis=1).ravel())
        whole = slice(self.window - 1, mains_w.shape[1])
        if not predicted.reshape(len(mains_w), -1)[:, whole].all():
            raise Seq2PointError(f"{self._source}: the C gives no prediction for a full window")
        return power_w.reshape(len(mains_w), -1, power_w.shape[1])[:, whole]

    def feed(self, mains_w: Watts) -> tuple[np.ndarray[tuple[int], np.dtype[np.bool_]], Watts]:
        """Feed readings f32[T] in watts one by one, NaN for gaps.

        Returns whether each gives a prediction, bool[T], and the appliances' power after it,
        f32[T, A] in watts. Raises Seq2PointError where the C fails its self-test, or crashes.
        """
        result = subprocess.run(
            [self._program], input=mains_w.astype("<f4").tobytes(), capture_output=True, check=False
        )
        if result.returncode:
            failure = (
                "fails its self-test"
                if result.returncode == SELF_TEST_FAILED
                else f"stops with {result.returncode}: {result.stderr.decode()[:300]}"
            )
            raise Seq2PointError(f"{self._source}: the C {failure}")
        records = np.frombuffer(
            result.stdout, dtype=[("predicted", "?"), ("power_w", "<f4", (len(self.appliances),))]
        )
        return records["predicted"], records["power_w"].astype(np.float32)

    def measure_reading_s(self) -> float:
        """Return the seconds that a reading with a prediction takes on this machine.

        It is the time of a long run less that of a short one.
        """
        seconds = []
        for count in (0, TIMED_READINGS):
            readings_w = np.full(self.window + count, 300, dtype=np.float32)
            start_s = time.perf_counter()
            self.feed(readings_w)
            seconds.append(time.perf_counter() - start_s)
        return max(seconds[1] - seconds[0], 0.0) / TIMED_READINGS


def compile_program(
    source: Path, prefix: str, folder: Path, flags: tuple[str, ...] = FLAGS
) -> Path:
    """Compile a program that feeds a source pair, in a folder; return its path.

    Raises Seq2PointError without a compiler, and where the compiler refuses the source.
    """
    command = find_compiler()
    if command is None:
        raise Seq2PointError(
            f"{source}: there is no C compiler to verify it with; install gcc or clang"
        )
    main, program = folder / "program.c", folder / "program"
    template = Template(load_template("program.c", prefix))
    main.write_text(template.substitute(header=source.with_suffix(".h").name))
    line = [command, *flags, "-I", str(source.parent), str(main), str(source), "-o", str(program)]
    result = subprocess.run(line, capture_output=True, text=True, check=False)
    if result.returncode:
        raise Seq2PointError(
            f"{source}: {command} refuses it ({result.stderr.strip().splitlines()[0]})"
        )
    return program


def open_source(path: Path) -> CProgram:
    """Compile and open a source pair.

    Raises ModelFileError for files that are not, to the byte, what seq2point wrote.
    """
    values = read_metadata_line(path)
    metadata, header = ExportMetadata.parse(values, path), path.with_suffix(".h")
    try:
        if hashlib.sha256(header.read_bytes()).hexdigest() != values.get("header_sha256"):
            raise ModelFileError(
                f"{header}: the header was altered, or is another model's; copy or export both"
                " again"
            )
    except OSError as error:
        raise ModelFileError(f"{header}: the header cannot be read ({error.strerror})") from None
    return CProgram(metadata, path, str(values.get("prefix")))
