"""Threads of NumPy's OpenBLAS, which a command that computes in own C need not start.

OpenBLAS starts a thread for each processor when NumPy is imported, and each spins while it waits.
In a first answer that took a fifth of the processor time (docs/lab/performance.md).
"""

import os

from seq2point.system.c_library import may_load_libraries

VARIABLES = ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS")
"""What OpenBLAS reads when it is loaded."""


def use_one_blas_thread() -> None:
    """Let NumPy, which is not imported yet, multiply matrices with one thread in this process.

    The user's own number stays. So do all threads where there is no own C: NumPy does its work.
    """
    if may_load_libraries() and not any(name in os.environ for name in VARIABLES):
        os.environ[VARIABLES[0]] = "1"
