"""A C source pair as a program of this machine, that answers as any exported model does: what
`verify` holds to the native one.

Compiling and running a file is no way to look at one that somebody else made, so `disaggregate` and
`info` do not take C.
"""

import hashlib
import shutil
import subprocess
import time
import weakref
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from seq2point.deploy.c_source import render_program
from seq2point.errors import ModelFileError, Seq2PointError
from seq2point.recording import Watts
from seq2point.runtime import ExportMetadata, Runtime
from seq2point.runtime.metadata import read_text
from seq2point.system.c_library import find_compiler

FLAGS = ("-std=c99", "-O2")
TIMED_READINGS = 2000


class CProgram(Runtime):
    """A compiled source pair; it takes chunks, one reading at a time."""

    chunk = 1 << 20

    def __init__(self, facts: ExportMetadata, source: Path, prefix: str):
        super().__init__(facts)
        self._source = source
        folder = Path(mkdtemp())
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._program = compile_program(source, prefix, folder)

    def _run(self, mains_w: Watts) -> Watts:
        gap = np.full((len(mains_w), self.facts.fill + 1), np.nan, dtype=np.float32)
        answered, power_w = self.feed(np.concatenate([mains_w, gap], axis=1).ravel())
        whole = slice(self.window - 1, mains_w.shape[1])
        if not answered.reshape(len(mains_w), -1)[:, whole].all():
            raise Seq2PointError(f"{self._source}: a full window of readings was not answered")
        return power_w.reshape(len(mains_w), -1, power_w.shape[1])[:, whole]

    def feed(self, mains_w: Watts) -> tuple[np.ndarray[tuple[int], np.dtype[np.bool_]], Watts]:
        """Readings f32[T], NaN for gaps, one by one: whether each has an answer, bool[T], and
        power_w f32[T, A] as it then is.

        Raises Seq2PointError where the C fails its self-test, or crashes.
        """
        done = subprocess.run(
            [self._program], input=mains_w.astype("<f4").tobytes(), capture_output=True, check=False
        )
        if done.returncode:
            why = (
                "fails its self-test"
                if done.returncode == 3
                else f"stops with {done.returncode}: {done.stderr.decode()[:300]}"
            )
            raise Seq2PointError(f"{self._source}: the C {why}")
        records = np.frombuffer(
            done.stdout, dtype=[("answered", "?"), ("power_w", "<f4", (len(self.appliances),))]
        )
        return records["answered"], records["power_w"].astype(np.float32)

    def reading_s(self) -> float:
        """Seconds for a reading that is answered, on this machine: a long run without what a short
        one takes.
        """
        seconds = []
        for more in (0, TIMED_READINGS):
            readings_w = np.full(self.window + more, 300, dtype=np.float32)
            began = time.perf_counter()
            self.feed(readings_w)
            seconds.append(time.perf_counter() - began)
        return max(seconds[1] - seconds[0], 0.0) / TIMED_READINGS


def compile_program(
    source: Path, prefix: str, folder: Path, flags: tuple[str, ...] = FLAGS
) -> Path:
    """A program that feeds a source pair; raises Seq2PointError without a compiler, and where it
    refuses.
    """
    command = find_compiler()
    if command is None:
        raise Seq2PointError(
            f"{source}: no C compiler here to verify it with; install gcc or clang"
        )
    main, made = folder / "program.c", folder / "program"
    main.write_text(render_program(source.with_suffix(".h").name, prefix))
    line = [command, *flags, "-I", str(source.parent), str(main), str(source), "-o", str(made)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Seq2PointError(
            f"{source}: {command} refuses it ({done.stderr.strip().splitlines()[0]})"
        )
    return made


def open_source(path: Path) -> CProgram:
    """A source pair, compiled; raises ModelFileError for one that is not, to the byte, what
    seq2point wrote.
    """
    found = read_text(path)
    facts, header = ExportMetadata.of(found, path), path.with_suffix(".h")
    try:
        if hashlib.sha256(header.read_bytes()).hexdigest() != found.get("header_sha256"):
            raise ModelFileError(
                f"{header}: the header was altered, or is another model's; copy or export both"
                " again"
            )
    except OSError as error:
        raise ModelFileError(
            f"{header}: the C's header cannot be read ({error.strerror})"
        ) from None
    return CProgram(facts, path, str(found.get("prefix")))
