"""C libraries: those that a wheel brings for this processor, or else built at their first use.

A prebuilt library is a file of the package, as its Python is. It counts if its name fits the C that
lies beside it, so that a changed source is compiled. The fastest variant is taken that processor.c
finds this machine able to run.

What is built here is kept in the user's cache folder, or in SEQ2POINT_CACHE. Its name follows from
the source, the files that it includes, the compiler's flags and the processor. A library runs code.
So a cached one is loaded only if nobody but this user and root could have written it, and only if
its digest fits; otherwise it is built again.

Where neither is to be had, or with SEQ2POINT_NATIVE=0, there is no library and Python does the same
work. SEQ2POINT_NATIVE=compiled takes no prebuilt library, and the name of a variant takes that one
alone: avx512, avx2, baseline or neon.
"""

import ctypes
import hashlib
import logging
import os
import platform
import stat
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from seq2point.errors import Seq2PointError
from seq2point.system import c_compiler
from seq2point.system.atomic_files import atomic_write
from seq2point.system.c_compiler import FOR_THIS_PROCESSOR, Variant, find_compiler

PREBUILT = Path(__file__).parents[1] / c_compiler.FOLDER
"""Where a wheel has brought libraries; a checkout has none."""
PROCESSOR = Path(__file__).parents[1] / c_compiler.PROCESSOR
CACHE_VARIABLE = "SEQ2POINT_CACHE"
CHOICE_VARIABLE = "SEQ2POINT_NATIVE"
NONE, COMPILED = "0", "compiled"
"""Values of SEQ2POINT_NATIVE beside the names of variants."""
DIGEST = b"\nsha256:"
DIGEST_BYTES = len(DIGEST) + 64
WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH

log = logging.getLogger("seq2point")


class _UntrustedFolderError(Exception):
    """Others could change the content of a folder. The text says why."""


def load_library(source: Path, otherwise: str) -> ctypes.CDLL | None:
    """Return the library of a C file: prebuilt, or from the cache, or built; None where all fail.

    `otherwise` says in the log what happens without the library.
    """
    choice = os.environ.get(CHOICE_VARIABLE, "")
    if choice == NONE or os.name != "posix":
        return None
    if choice != COMPILED and (library := _load_prebuilt(source, choice)):
        return library
    if choice not in ("", COMPILED):
        log.warning("%s: no prebuilt '%s' that runs here: %s", source.name, choice, otherwise)
        return None
    command = find_compiler()
    if command is None:
        log.info("no C compiler here: %s", otherwise)
        return None
    try:
        return _load_cached(command, source, f"{source.stem}-{_cache_key(command, source)}.so")
    except subprocess.SubprocessError as error:
        lines = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        reason = lines[0] if lines else error
        log.warning("%s could not be compiled (%s): %s", source.name, reason, otherwise)
        return None
    except _UntrustedFolderError as error:
        log.warning("%s: %s is built anew each time", error, source.name)
    except (Seq2PointError, OSError, RuntimeError):
        pass  # there is no cache folder to write to
    return _build_for_process(command, source, otherwise)


def may_load_libraries() -> bool:
    """Return whether there are libraries to load, or a compiler to build them, without trying."""
    if os.environ.get(CHOICE_VARIABLE) == NONE or os.name != "posix":
        return False
    return PREBUILT.is_dir() or find_compiler() is not None


def list_runnable() -> tuple[Variant, ...]:
    """Return the variants that this machine can run, the fastest first.

    Without a prebuilt processor.c to ask, these are the ones that every machine of the architecture
    runs.
    """
    bits = _read_processor()
    return tuple(each for each in c_compiler.list_variants() if each.bit & bits == each.bit)


def _load_prebuilt(source: Path, choice: str) -> ctypes.CDLL | None:
    """Return a library that the wheel brought, the fastest or the chosen one; None without any."""
    if not PREBUILT.is_dir():
        return None
    for variant in list_runnable():
        path = PREBUILT / c_compiler.name_prebuilt(source, variant)
        if choice in ("", variant.name) and path.is_file():
            try:
                return ctypes.CDLL(str(path))
            except OSError as error:  # of another system: musl for glibc
                log.info("%s cannot be loaded (%s)", path, error)
    return None


@cache
def _read_processor() -> int:
    """Return the bits of processor.c, 0 where the wheel brought none that runs."""
    *_, baseline = c_compiler.list_variants()
    path = PREBUILT / c_compiler.name_prebuilt(PROCESSOR, baseline)
    try:
        return int(ctypes.CDLL(str(path)).s2p_processor())
    except OSError:
        return 0


def _cache_key(command: str, source: Path) -> str:
    """Return 16 hexadecimal digits that follow from all that decides what is built."""
    return c_compiler.digest_build(source, command, *FOR_THIS_PROCESSOR, _processor())


def _load_cached(command: str, source: Path, name: str) -> ctypes.CDLL:
    """Return the library of the cache folder, built there unless a trusted one is there.

    Raises _UntrustedFolderError for a folder that others can write, and OSError or Seq2PointError
    for one that cannot be written.
    """
    folder = _make_private_folder()
    path = folder / name
    if path.is_symlink():
        path.unlink()  # atomic_write would replace the link's target
    if not _is_trusted(path):
        with atomic_write(path) as beside:
            c_compiler.compile_library(command, source, beside, FOR_THIS_PROCESSOR)
            content = beside.read_bytes()
            beside.write_bytes(content + DIGEST + hashlib.sha256(content).hexdigest().encode())
        path.chmod(0o600)
    return ctypes.CDLL(str(path))


def _build_for_process(command: str, source: Path, otherwise: str) -> ctypes.CDLL | None:
    """Return the library, built for this process alone; None where that fails."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{source.stem}.so"
        try:
            c_compiler.compile_library(command, source, path, FOR_THIS_PROCESSOR)
            return ctypes.CDLL(str(path))
        except (OSError, subprocess.SubprocessError) as error:
            log.warning("%s: %s; %s", path, error, otherwise)
            return None


def _make_private_folder() -> Path:
    """Return the cache folder, made for this user alone.

    Raises _UntrustedFolderError where others own it or could replace its files.
    """
    folder = _cache_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if CACHE_VARIABLE not in os.environ and folder.stat().st_uid == os.geteuid():
        folder.chmod(0o700)
    status = folder.stat()
    if status.st_uid not in (os.geteuid(), 0):
        raise _UntrustedFolderError(f"{folder} belongs to another user")
    if status.st_mode & WRITABLE_BY_OTHERS:
        raise _UntrustedFolderError(f"{folder} can be written by others (run chmod 700 on it)")
    for above in folder.resolve().parents:
        mode = above.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            raise _UntrustedFolderError(f"{above}, above the cache, can be written by others")
    return folder


def _is_trusted(path: Path) -> bool:
    """Whether only this user and root can have written a library, and its digest fits."""
    try:
        status = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
    except OSError:
        return False
    ours = status.st_uid in (os.geteuid(), 0) and not status.st_mode & WRITABLE_BY_OTHERS
    library, digest = content[:-DIGEST_BYTES], content[-DIGEST_BYTES:]
    return ours and digest == DIGEST + hashlib.sha256(library).hexdigest().encode()


def _cache_folder() -> Path:
    """Return the folder of SEQ2POINT_CACHE, or else the user's cache folder.

    The XDG Base Directory Specification ignores a relative XDG_CACHE_HOME.
    """
    if folder := os.environ.get(CACHE_VARIABLE):
        return Path(folder)
    xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (xdg if xdg.is_absolute() else Path.home() / ".cache") / "seq2point"


def _processor() -> str:
    """Return what tells one processor from another that shares the cache folder."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    keys = ("model name", "flags", "Features", "CPU part")
    models = {line for line in lines if line.startswith(keys)}
    named = sorted(models) or [platform.processor()]  # which asks another program
    return "\n".join([platform.machine(), *named])
