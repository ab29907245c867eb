"""The sparsity schedules under their public name."""

from seq2point.compression.pruning.schedule import ConstantSparsity, PolynomialDecay

__all__ = ["ConstantSparsity", "PolynomialDecay"]
