"""NILMTK's interface under its public name; see `seq2point.integrations.nilmtk`."""

from seq2point.integrations.nilmtk import Seq2Point, load_contrib, save_contrib

__all__ = ["Seq2Point", "load_contrib", "save_contrib"]
