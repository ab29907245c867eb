"""The sliding evaluation under its public name; see `seq2point.network.sliding`."""

from seq2point.network.sliding import predict, predict_windows

__all__ = ["predict", "predict_windows"]
