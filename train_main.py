"""The original command: `python train_main.py --pruning_algorithm="tfmot"`; see `--help`."""

from seq2point.cli import original

original.run_as_script(original.train_main)
