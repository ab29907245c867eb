"""Measured sizes of the sections that a compiler makes of a C source pair."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from seq2point.system.c_compiler import find_compiler

FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-Os")
CORTEX_M4 = ("-mcpu=cortex-m4", "-mthumb")


class Sizes(NamedTuple):
    """Bytes of the source and one state: code with constants, initialised and zeroed memory."""

    text: int
    data: int
    bss: int


def measure_sizes(header: Path, prefix: str = "s2p") -> dict[str, Sizes | str]:
    """Return the sizes by compiler: this machine's, and arm-none-eabi-gcc for a Cortex-M4.

    Compilers that are not installed are left out. Where one cannot compile the source, its error
    stands in place of the sizes.
    """
    return {
        name: _compile(header, prefix, command, size) for name, command, size in _list_compilers()
    }


def _list_compilers() -> Iterator[tuple[str, tuple[str, ...], str]]:
    compiler = find_compiler()
    if compiler and shutil.which("size"):
        yield Path(compiler).name, (compiler,), "size"
    if shutil.which("arm-none-eabi-gcc") and shutil.which("arm-none-eabi-size"):
        yield (
            f"arm-none-eabi-gcc {CORTEX_M4[0]}",
            ("arm-none-eabi-gcc", *CORTEX_M4),
            "arm-none-eabi-size",
        )


def _compile(header: Path, prefix: str, command: tuple[str, ...], size: str) -> Sizes | str:
    with TemporaryDirectory() as folder:
        state = Path(folder) / "state.c"
        state.write_text(f'#include "{header.name}"\n{prefix}_state state;\n')
        objects: list[str] = []
        try:
            for source in (header.with_suffix(".c"), state):
                target = Path(folder) / f"{len(objects)}.o"
                line = [
                    *command,
                    *FLAGS,
                    "-I",
                    str(header.parent),
                    "-c",
                    str(source),
                    "-o",
                    str(target),
                ]
                subprocess.run(line, check=True, capture_output=True, text=True, timeout=120)
                objects.append(str(target))
            table = subprocess.run(
                [size, *objects], check=True, capture_output=True, text=True, timeout=120
            ).stdout
        except (OSError, subprocess.SubprocessError) as error:
            lines = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
            return lines[0] if lines else str(error)
    rows = [list(map(int, row.split()[:3])) for row in table.splitlines()[1:]]
    return Sizes(*map(sum, zip(*rows, strict=True)))
