"""The original command: `python train_main.py --pruning_algorithm="tfmot"`; `--help` lists its flags."""

from seq2point.cli import original

original.run_as_script(original.train_main)
