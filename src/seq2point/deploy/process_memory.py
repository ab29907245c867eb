"""Peak memory of a process on this machine that loads a model and predicts one window.

What a microcontroller needs is counted in microcontroller.py (`count_cost`).
"""

import subprocess
import sys
from pathlib import Path

PROGRAM = r"""
import re, sys
from pathlib import Path
import numpy as np
from seq2point import runtime
model = runtime.load(sys.argv[1], int(sys.argv[2]))
model.run(np.zeros((1, model.window), np.float32))
try:
    print(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])
except OSError:
    import resource
    unit = 1024 if sys.platform == "darwin" else 1
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit)
"""


def measure_peak_mb(path: Path, threads: int) -> float | None:
    """Return the peak resident megabytes, with the interpreter and all libraries.

    None where the system does not report them, and for a C source.
    """
    if path.suffix == ".c":
        return None
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path), str(threads)],
        capture_output=True,
        text=True,
        check=False,
    )
    return int(result.stdout) / 1024 if result.returncode == 0 else None
