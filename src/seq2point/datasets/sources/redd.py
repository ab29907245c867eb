"""REDD: the low-frequency houses 1 to 6.

Kolter and Johnson, REDD: a public data set for energy disaggregation research, SustKDD 2011.
The two legs of the mains, every second, are summed. Circuits come every 3 to 4 s, times are UTC.
Circuits are no plugs, so no limit of a plug applies. Of the three washer dryers of house 1,
published work takes channel 20.
"""

from pathlib import Path

from seq2point.datasets.contract import RawHouse, Selection, Source
from seq2point.datasets.sources.channel_files import LAYOUT, ChannelFiles
from seq2point.datasets.unreadable import OnUnreadable, warn_of_unreadable

FILES = ChannelFiles(
    "REDD",
    "the terms of REDD",
    3.0,
    mains=("mains",),
    legs=2,
    plug_limit_w=None,
    renamed={"dishwaser": ("dishwasher", "")},
    preferred={"1": {"washing_machine": "20"}},
)


def list_houses(
    root: Path, selection: Selection, on_unreadable: OnUnreadable = warn_of_unreadable
) -> list[RawHouse]:
    """Return the selected houses of a folder, which is `low_freq` or contains it.

    Raises DataError as `ChannelFiles.list_houses` does.
    """
    inner = root / "low_freq"
    return FILES.list_houses(inner if inner.is_dir() else root, selection, on_unreadable)


SOURCE = Source("redd", LAYOUT, list_houses)
