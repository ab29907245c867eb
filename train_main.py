"""The original command: `python train_main.py --pruning_algorithm="tfmot"`; `--help` lists its flags."""

from seq2point.cli import original

original.main_of(original.train_main)
