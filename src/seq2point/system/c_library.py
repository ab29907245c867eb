"""C built by the system's compiler at its first use, for this machine's processor.

The build is kept in the user's cache folder (SEQ2POINT_CACHE names another), under a name that
follows from the source with the files that it includes, the compiler's flags and the processor. A
library runs code, so that one is loaded only where nobody but this user and root can have put it
there, and only with the digest that was written into it; anything else is built again in its place.
Whatever has C has the same in Python too: without a compiler, or with SEQ2POINT_NATIVE=0, there is
no library.
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
NAMED = "SEQ2POINT_CACHE"
INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.MULTILINE)
DIGEST = b"\nsha256:"
DIGEST_BYTES = len(DIGEST) + 64
WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH

log = logging.getLogger("seq2point")


class _UntrustedFolderError(Exception):
    """A folder of which others could change the content; the text says why."""


def find_compiler() -> str | None:
    """The path of this machine's C compiler, CC's where it is set; None where there is none."""
    return next(filter(None, map(shutil.which, (os.environ.get("CC", "cc"), "gcc", "clang"))), None)


def load_library(source: Path, otherwise: str) -> ctypes.CDLL | None:
    """The library of a C file and those that it includes, built where it is not there yet.

    None where it cannot be had; the log says `otherwise`.
    """
    if os.environ.get("SEQ2POINT_NATIVE") == "0" or os.name != "posix":
        return None
    command = find_compiler()
    if command is None:
        log.info("no C compiler here: %s", otherwise)
        return None
    try:
        return _from_cache(command, source, f"{source.stem}-{_cache_key(command, source)}.so")
    except subprocess.SubprocessError as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        log.warning(
            "%s could not be compiled (%s): %s", source.name, said[0] if said else error, otherwise
        )
        return None
    except _UntrustedFolderError as error:
        log.warning("%s: %s is built anew each time", error, source.name)
    except (Seq2PointError, OSError, RuntimeError):
        pass  # no folder that keeps it
    return _for_this_process(command, source, otherwise)


def source_files(source: Path) -> list[Path]:
    """Return a C file and all files that it includes in quotes, directly or not, in order.

    A file that is not there is left out: the compiler names it.
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


def _from_cache(command: str, source: Path, name: str) -> ctypes.CDLL:
    """The library in the cache folder, built there unless a whole one stands there.

    Raises _UntrustedFolderError for a folder that others can write, and OSError or Seq2PointError
    for one that cannot be written.
    """
    folder = _private_folder()
    path = folder / name
    if path.is_symlink():
        path.unlink()  # writing would replace what it points to
    if not _is_ours_and_whole(path):
        with atomic_write(path) as beside:
            _compile(command, source, beside)
            content = beside.read_bytes()
            beside.write_bytes(content + DIGEST + hashlib.sha256(content).hexdigest().encode())
        path.chmod(0o600)
    return ctypes.CDLL(str(path))


def _for_this_process(command: str, source: Path, otherwise: str) -> ctypes.CDLL | None:
    """The library, built for this process alone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{source.stem}.so"
        try:
            _compile(command, source, path)
            return ctypes.CDLL(str(path))
        except (OSError, subprocess.SubprocessError) as error:
            log.warning("%s: %s; %s", path, error, otherwise)
            return None


def _private_folder() -> Path:
    """The cache folder, made for this user alone.

    Raises _UntrustedFolderError where others own it or could replace what it holds.
    """
    folder = _cache_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if NAMED not in os.environ and folder.stat().st_uid == os.geteuid():
        folder.chmod(0o700)
    status = folder.stat()
    if status.st_uid not in (os.geteuid(), 0):
        raise _UntrustedFolderError(f"{folder} belongs to another user")
    if status.st_mode & WRITABLE_BY_OTHERS:
        advice = "make it yours alone: chmod 700"
        raise _UntrustedFolderError(f"{folder} can be written by others ({advice})")
    for above in folder.resolve().parents:
        mode = above.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            raise _UntrustedFolderError(f"{above}, above the cache, can be written by others")
    return folder


def _is_ours_and_whole(path: Path) -> bool:
    """Whether a library was put there by this user or root, can be changed by nobody else, and is
    what was built.
    """
    try:
        status = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
    except OSError:
        return False
    ours = status.st_uid in (os.geteuid(), 0) and not status.st_mode & WRITABLE_BY_OTHERS
    library, seal = content[:-DIGEST_BYTES], content[-DIGEST_BYTES:]
    return ours and seal == DIGEST + hashlib.sha256(library).hexdigest().encode()


def _compile(compiler: str, source: Path, path: Path) -> None:
    command = [compiler, *FLAGS, "-o", str(path), str(source), "-lm"]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)


def _cache_folder() -> Path:
    """The named folder, or the user's cache folder by the XDG Base Directory Specification, which
    ignores a relative one.
    """
    if named := os.environ.get(NAMED):
        return Path(named)
    xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (xdg if xdg.is_absolute() else Path.home() / ".cache") / "seq2point"


def _processor() -> bytes:
    """What tells one processor from another where several share a cache folder."""
    about = Path("/proc/cpuinfo")
    lines = about.read_text().splitlines() if about.exists() else []
    known = {
        line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part"))
    }
    return "\n".join([platform.machine(), platform.processor(), *sorted(known)]).encode()
