"""A process that reads damaged files, so that a crash or a hang in a library ends it and not the
tests.

A line of standard input is a kind and a folder, as JSON; the line that answers says `read`,
`refused` or `escaped`, and what was said. A pickle that is executed counts as escaped.
"""

import json
import resource
import sys
import traceback
from pathlib import Path

from tests.fuzz.kinds import KINDS

from seq2point.errors import Seq2PointError

MEMORY_BYTES = 12 << 30
unpickled: list[str] = []


def watch(event: str, details: tuple[object, ...]) -> None:
    if event == "pickle.find_class":
        unpickled.append(f"{details}")


def outcome(kind: str, folder: Path) -> tuple[str, str]:
    unpickled.clear()
    try:
        KINDS[kind].read(folder)
        said = "read", ""
    except Seq2PointError as error:
        said = "refused", str(error)
    except BaseException:
        said = "escaped", traceback.format_exc()
    return ("escaped", f"unpickled {unpickled}") if unpickled else said


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    sys.addaudithook(watch)
    for line in sys.stdin:
        kind, folder = json.loads(line)
        print(json.dumps(outcome(kind, Path(folder))), flush=True)


if __name__ == "__main__":
    main()
