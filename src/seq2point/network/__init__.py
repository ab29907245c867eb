"""The network: its module in torch, masks over its weights, its sliding evaluation.

Its shape as data is `seq2point.architecture`, which needs no torch.
"""

from seq2point.architecture import NETWORKS, Architecture, Layer, connect, find_network
from seq2point.network.module import Seq2Point

__all__ = ["NETWORKS", "Architecture", "Layer", "Seq2Point", "connect", "find_network"]
