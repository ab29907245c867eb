"""The original command: `python test_main.py --pruning_algorithm="tfmot"`; see `--help`."""

from seq2point.cli import original

original.run_as_script(original.test_main)
