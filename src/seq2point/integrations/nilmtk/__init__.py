"""For users of NILMTK: our networks behind its Disaggregator interface, and nilmtk-contrib's
weights in and out.

Nothing here needs nilmtk or nilmtk-contrib; what their API and nilmbench call is here under the
same names. Frames are pandas'.
"""

from seq2point.integrations.nilmtk.contrib import load_contrib, save_contrib
from seq2point.integrations.nilmtk.disaggregator import Seq2Point

__all__ = ["Seq2Point", "load_contrib", "save_contrib"]
