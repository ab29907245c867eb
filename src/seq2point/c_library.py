"""C built by the system's compiler at its first use, for this machine's processor.

The build is kept in the user's cache folder (SEQ2POINT_CACHE names another), under a name that follows from the source, the
compiler's flags and the processor. Whatever has C has the same in Python too: without a compiler, or with SEQ2POINT_NATIVE=0,
there is no library.
"""

import ctypes
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from seq2point.errors import Seq2PointError
from seq2point.files import written_whole

FLAGS = ("-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-shared", "-fPIC", "-pthread")

log = logging.getLogger("seq2point")


def compiler() -> str | None:
    """The path of this machine's C compiler, CC's where it is set; None where there is none."""
    return next(filter(None, map(shutil.which, (os.environ.get("CC", "cc"), "gcc", "clang"))), None)


def load(source: Path, otherwise: str) -> ctypes.CDLL | None:
    """The library of one C file, built where it is not there yet; None where it cannot be had, and the log says `otherwise`."""
    if os.environ.get("SEQ2POINT_NATIVE") == "0" or os.name != "posix":
        return None
    command = compiler()
    if command is None:
        log.info("no C compiler here: %s", otherwise)
        return None
    key = hashlib.sha256(b"\0".join((source.read_bytes(), " ".join((command, *FLAGS)).encode(), _processor()))).hexdigest()[:16]
    try:
        path = _cache_folder() / f"{source.stem}-{key}.so"
        if not path.exists():
            with written_whole(path) as beside:
                _compile(command, source, beside)
        return ctypes.CDLL(str(path))
    except subprocess.SubprocessError as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        log.warning("%s could not be compiled (%s): %s", source.name, said[0] if said else error, otherwise)
        return None
    except (Seq2PointError, OSError, RuntimeError):  # no folder that keeps it: build it for this process alone
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{source.stem}.so"
            try:
                _compile(command, source, path)
                return ctypes.CDLL(str(path))
            except (OSError, subprocess.SubprocessError) as error:
                log.warning("%s: %s; %s", path, error, otherwise)
                return None


def _compile(compiler: str, source: Path, path: Path) -> None:
    command = [compiler, *FLAGS, "-o", str(path), str(source), "-lm"]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)


def _cache_folder() -> Path:
    named = os.environ.get("SEQ2POINT_CACHE")
    return Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seq2point"


def _processor() -> bytes:
    """What tells one processor from another where several share a cache folder."""
    about = Path("/proc/cpuinfo")
    lines = about.read_text().splitlines() if about.exists() else []
    known = {line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part"))}
    return "\n".join([platform.machine(), platform.processor(), *sorted(known)]).encode()
