"""The system's C compiler, and the variants of a library that a wheel brings.

A wheel brings each C library for several kinds of processor, so that a machine without a compiler
has it too. The build of a wheel (setup.py) loads this file by its path, before the package and what
it needs are installed. So it imports nothing but Python's own modules.
"""

import hashlib
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

FLAGS = ("-O3", "-ffp-contract=fast", "-fno-math-errno", "-shared", "-fPIC", "-pthread")
FOR_THIS_PROCESSOR = ("-march=native",)
INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.MULTILINE)
COMPILE_S = 120.0
"""Seconds after which a compiler is given up."""

SOURCES = ("kernels/kernels.c", "data/readings.c")
PROCESSOR = "system/processor.c"
"""The C files of the package that become libraries, below its folder."""
FOLDER = "prebuilt"
"""Where a wheel has its libraries, below the package's folder."""

AVX2 = ("-mavx2", "-mfma", "-mbmi", "-mbmi2")
AVX512 = (*AVX2, "-mavx512f", "-mavx512bw", "-mavx512cd", "-mavx512dq", "-mavx512vl")


class Variant(NamedTuple):
    """A library for a kind of processor: what the compiler is told, and the bit of processor.c.

    Bit 0 means every processor of the architecture.
    """

    name: str
    flags: tuple[str, ...]
    bit: int


BASELINE = Variant("baseline", (), 0)
X86_64 = (Variant("avx512", AVX512, 2), Variant("avx2", AVX2, 1), BASELINE)
ARM_64 = (Variant("neon", (), 0),)
"""Every 64-bit Arm processor has the vectors of Advanced SIMD, called NEON."""


def list_variants(machine: str | None = None) -> tuple[Variant, ...]:
    """Return the variants for a machine's architecture (default: this one's), the fastest first."""
    machine = (machine or platform.machine()).lower()
    if machine in ("x86_64", "amd64"):
        return X86_64
    return ARM_64 if machine in ("aarch64", "arm64") else (BASELINE,)


def find_compiler() -> str | None:
    """Return the path of the C compiler, CC's where it is set; None where there is none."""
    return next(filter(None, map(shutil.which, (os.environ.get("CC", "cc"), "gcc", "clang"))), None)


def compile_library(compiler: str, source: Path, path: Path, flags: tuple[str, ...]) -> None:
    """Compile a C file to a library, with flags beside FLAGS.

    Raises CalledProcessError or TimeoutExpired, and OSError for a compiler that cannot be started.
    """
    command = [compiler, *FLAGS, *flags, "-o", str(path), str(source), "-lm"]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=COMPILE_S)


def source_files(source: Path) -> list[Path]:
    """Return a C file and all files that it includes in quotes, directly or not, in order.

    A missing file is left out: the compiler names it.
    """
    files: list[Path] = []
    pending = [source.resolve()]
    while pending:
        path = pending.pop()
        if path in files or not path.is_file():
            continue
        files.append(path)
        names = INCLUDE.findall(path.read_bytes())
        pending += [(path.parent / os.fsdecode(name)).resolve() for name in reversed(names)]
    return files


def digest_build(source: Path, *words: str) -> str:
    """Return 16 hexadecimal digits that follow from a source, what it includes, and some words."""
    contents = [hashlib.sha256(path.read_bytes()).digest() for path in source_files(source)]
    told = " ".join((*FLAGS, *words)).encode()
    return hashlib.sha256(b"\0".join((*contents, told))).hexdigest()[:16]


def name_prebuilt(source: Path, variant: Variant) -> str:
    """Return a prebuilt library's file name, which a change of its source or flags changes."""
    return f"{source.stem}-{variant.name}-{digest_build(source, *variant.flags)}.so"


def build_variants(
    compiler: str, source: Path, folder: Path, variants: tuple[Variant, ...]
) -> list[Path]:
    """Build a C file for some kinds of processor. Returns those that the compiler could build.

    Raises CalledProcessError, TimeoutExpired or OSError where it can build none of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    built: list[Path] = []
    for variant in reversed(variants):  # the one that every compiler knows comes first
        path = folder / name_prebuilt(source, variant)
        try:
            compile_library(compiler, source, path, variant.flags)
        except subprocess.CalledProcessError:
            path.unlink(missing_ok=True)
            if not built:
                raise
        else:
            built.append(path)
    return built


def build_package(compiler: str, package: Path, folder: Path) -> None:
    """Build all libraries of the package for each kind of processor, as `build_variants` does."""
    variants = list_variants()
    build_variants(compiler, package / PROCESSOR, folder, variants[-1:])
    for source in SOURCES:
        build_variants(compiler, package / source, folder, variants)
