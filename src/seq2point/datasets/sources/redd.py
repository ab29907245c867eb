"""REDD's low-frequency houses 1 to 6: two legs of mains at 1 s, which are summed, and circuits
every 3 to 4 s, stamps in UTC.

Kolter and Johnson, REDD: a public data set for energy disaggregation research, SustKDD 2011.
Channels are circuits, not plugs, so nothing is too much for one of them. Of the three washer dryers
of house 1 channel 20 is the one that published work takes.
"""

from pathlib import Path

from seq2point.datasets.contract import RawHouse, Selection, Source
from seq2point.datasets.sources.channel_files import LAYOUT, ChannelFiles

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


def houses(root: Path, wanted: Selection) -> list[RawHouse]:
    """The houses under a folder, which is `low_freq` or holds it; raises as `ChannelFiles.houses`
    does.
    """
    inner = root / "low_freq"
    return FILES.houses(inner if inner.is_dir() else root, wanted)


SOURCE = Source("redd", LAYOUT, houses)
