"""C libraries, built by the system's compiler at their first use for this machine's processor.

The build is kept in the user's cache folder, or in SEQ2POINT_CACHE. Its name follows from the
source, the files that it includes, the compiler's flags and the processor. A library runs code. So
a cached one is loaded only if nobody but this user and root could have written it, and only if its
digest fits; otherwise it is built again. Without a compiler, or with SEQ2POINT_NATIVE=0, there is
no library and Python does the same work.
"""

import ctypes
import hashlib
import logging
import os
import platform
import re
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

from seq2point.errors import Seq2PointError
from seq2point.system.atomic_files import atomic_write

FLAGS = (
    "-O3",
    "-march=native",
    "-ffp-contract=fast",
    "-fno-math-errno",
    "-shared",
    "-fPIC",
    "-pthread",
)
CACHE_VARIABLE = "SEQ2POINT_CACHE"
INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.MULTILINE)
DIGEST = b"\nsha256:"
DIGEST_BYTES = len(DIGEST) + 64
WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH

log = logging.getLogger("seq2point")


class _UntrustedFolderError(Exception):
    """Others could change the content of a folder. The text says why."""


def find_compiler() -> str | None:
    """Return the path of the C compiler, CC's where it is set; None where there is none."""
    return next(filter(None, map(shutil.which, (os.environ.get("CC", "cc"), "gcc", "clang"))), None)


def load_library(source: Path, otherwise: str) -> ctypes.CDLL | None:
    """Return the library of a C file, built if the cache lacks it; None where that fails.

    `otherwise` says in the log what happens without the library.
    """
    if os.environ.get("SEQ2POINT_NATIVE") == "0" or os.name != "posix":
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


def _cache_key(command: str, source: Path) -> str:
    """Return 16 hexadecimal digits that follow from all that decides what is built."""
    contents = [hashlib.sha256(path.read_bytes()).digest() for path in source_files(source)]
    flags = " ".join((command, *FLAGS)).encode()
    return hashlib.sha256(b"\0".join((*contents, flags, _processor()))).hexdigest()[:16]


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
            _compile(command, source, beside)
            content = beside.read_bytes()
            beside.write_bytes(content + DIGEST + hashlib.sha256(content).hexdigest().encode())
        path.chmod(0o600)
    return ctypes.CDLL(str(path))


def _build_for_process(command: str, source: Path, otherwise: str) -> ctypes.CDLL | None:
    """Return the library, built for this process alone; None where that fails."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{source.stem}.so"
        try:
            _compile(command, source, path)
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


def _compile(compiler: str, source: Path, path: Path) -> None:
    command = [compiler, *FLAGS, "-o", str(path), str(source), "-lm"]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)


def _cache_folder() -> Path:
    """Return the folder of SEQ2POINT_CACHE, or else the user's cache folder.

    The XDG Base Directory Specification ignores a relative XDG_CACHE_HOME.
    """
    if folder := os.environ.get(CACHE_VARIABLE):
        return Path(folder)
    xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (xdg if xdg.is_absolute() else Path.home() / ".cache") / "seq2point"


def _processor() -> bytes:
    """Return what tells one processor from another that shares the cache folder."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    keys = ("model name", "flags", "Features", "CPU part")
    models = {line for line in lines if line.startswith(keys)}
    named = sorted(models) or [platform.processor()]  # which asks another program
    return "\n".join([platform.machine(), *named]).encode()
