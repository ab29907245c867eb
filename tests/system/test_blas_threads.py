"""NumPy's OpenBLAS starts no threads that would wait for nothing; the user's own number stays."""

import os
import subprocess
import sys

import pytest

from seq2point.system.blas_threads import VARIABLES

CODE = """
import os, sys
from seq2point.cli import main
sys.argv = ["seq2point", {verb!r}, "--help"]
try:
    main()
except SystemExit:
    pass
assert "numpy" not in sys.modules
print(*(os.environ.get(name) for name in {variables!r}))
"""


def read_variables(verb: str, **environment: str) -> list[str]:
    """What OpenBLAS would read once a verb has begun, in a process of its own."""
    clean = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(verb=verb, variables=VARIABLES)],
        capture_output=True,
        text=True,
        check=True,
        env=clean | environment,
    )
    return done.stdout.splitlines()[-1].split()


@pytest.mark.parametrize("verb", ["disaggregate", "data", "live"])
def test_a_verb_without_torch_multiplies_with_one_thread(verb: str):
    assert read_variables(verb) == ["1", "None", "None"]


def test_a_verb_of_torch_keeps_all_threads():
    assert read_variables("train") == ["None", "None", "None"]


@pytest.mark.parametrize("name", VARIABLES)
def test_the_users_number_stays(name: str):
    assert read_variables("disaggregate", **{name: "3"}) == [
        "3" if each == name else "None" for each in VARIABLES
    ]


def test_all_threads_stay_where_numpy_does_the_work_of_the_kernels():
    assert read_variables("disaggregate", SEQ2POINT_NATIVE="0") == ["None", "None", "None"]
