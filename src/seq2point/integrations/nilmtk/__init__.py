"""For users of NILMTK: networks behind its Disaggregator interface, and nilmtk-contrib's weights.

Nothing here needs nilmtk or nilmtk-contrib. What their API and nilmbench call has the same names
here. Frames are pandas'.
"""

from seq2point.integrations.nilmtk.contrib import load_contrib, save_contrib
from seq2point.integrations.nilmtk.disaggregator import Seq2Point

__all__ = ["Seq2Point", "load_contrib", "save_contrib"]
