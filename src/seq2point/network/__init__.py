"""The network: its shape as data, its module, masks over its weights, its sliding evaluation."""

from seq2point.network.architecture import NETWORKS, Architecture, Layer, connect, find_network
from seq2point.network.module import Seq2Point

__all__ = ["NETWORKS", "Architecture", "Layer", "Seq2Point", "connect", "find_network"]
