"""Run benchmarks by name; without one, all that take minutes."""

import sys
from importlib import import_module

from seq2point.system.device import prepare_process

NAMES = (
    "inference",
    "training",
    "length",
    "year",
    "training_memory",
    "pruner_cost",
    "convert",
    "time_to_error",
    "material",
    "busy",
    "live",
    "fleet",
    "report_page",
)

if __name__ == "__main__":
    prepare_process()
    for name in sys.argv[1:] or NAMES:
        import_module(f"benchmarks.{name}").main()
        print()
