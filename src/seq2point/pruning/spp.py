"""Structured probabilistic pruning under its public name."""

from seq2point.compression.pruning.spp import SPP, probability_step

__all__ = ["SPP", "probability_step"]
