"""The pruners under their public name; see `seq2point.compression.pruning`."""

from seq2point.compression.pruning import *  # noqa: F403
from seq2point.compression.pruning import __all__ as __all__
