"""The network: its shape as data, the module, masks over its weights, and its sliding evaluation."""

from seq2point.network.network import (
    NETWORKS,
    Architecture,
    Layer,
    Seq2Point,
    connect,
    find_network,
)

__all__ = ["NETWORKS", "Architecture", "Layer", "Seq2Point", "connect", "find_network"]
