"""The collector of garbage begins later, and then works as it always does."""

import subprocess
import sys

from seq2point.system.garbage import FIRST

CODE = f"""
import gc, weakref
from seq2point.system.garbage import postpone_collection
usual = gc.get_threshold()
postpone_collection()
postpone_collection()
class Node: pass
def make_cycle():
    node = Node()
    node.own = node
    return weakref.ref(node)
early = make_cycle()
kept = [[] for _ in range({FIRST} // 2)]
print(early() is not None, gc.get_freeze_count(), len(gc.callbacks))
kept += [[] for _ in range({FIRST})]
print(gc.get_freeze_count() > {FIRST} // 2, gc.get_threshold() == usual, len(gc.callbacks))
late = make_cycle()
kept += [[] for _ in range(100_000)]
print(late() is None)
"""


def test_the_collector_begins_with_what_is_new_and_goes_on_as_usual():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["True 0 1", "True True 0", "True"]
    assert not done.stderr


def test_a_collector_that_is_off_stays_off():
    code = (
        "import gc; gc.disable()\nfrom seq2point.system.garbage import postpone_collection\n"
        "postpone_collection(); print(gc.isenabled(), gc.callbacks)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "[]"]
