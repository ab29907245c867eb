"""Run studies by name: hours of training, each result kept in runs/ and made once.

SEQ2POINT_DATA=... python -m experiments pruning pruning_table
"""

import os
import sys
from importlib import import_module

from seq2point.errors import Seq2PointError

NAMES = (
    "pruning",
    "pruning_table",
    "transfer",
    "transfer_table",
    "other_houses",
    "recipe",
    "fill",
    "simulator",
    "unseen_homes",
    "own_labels",
    "periods",
    "household",
    "live_kettle",
    "finished",
    "meters",
    "reproduce",
    "reproduce_tables",
)


def main(names: list[str]) -> str | None:
    """Run some studies; returns what is wrong, or None."""
    if not names or set(names) - set(NAMES):
        return f"usage: python -m experiments NAME ...; choose of {', '.join(NAMES)}"
    if not os.environ.get("SEQ2POINT_DATA"):
        return "experiments: SEQ2POINT_DATA must name the folder of the houses"
    for name in names:
        try:
            import_module(f"experiments.{name}").main()
        except Seq2PointError as error:
            return f"experiments {name}: {error}"
        print()
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
