"""UK-DALE: houses 1 to 5, with readings every 6 s and times in UTC.

Kelly and Knottenbelt, The UK-DALE dataset, domestic appliance-level electricity demand and
whole-house demand from five UK homes, Scientific Data 2:150007 (2015).
Channel 1 is the mains ('aggregate'). `mains.dat` (1 s, three houses) and the button presses are not
read.
"""

from seq2point.datasets.contract import Source
from seq2point.datasets.sources.channel_files import LAYOUT, ChannelFiles

SHARED = {  # plugs of house 4
    "kettle_radio": ("kettle", "its plug is shared with a radio"),
    "washing_machine_microwave_breadmaker": (
        "washing_machine",
        "its plug is shared with a microwave and a bread maker",
    ),
}

FILES = ChannelFiles(
    "UK-DALE", "CC BY 4.0", 6.0, mains=("aggregate", "mains"), otherwise="1", renamed=SHARED
)

SOURCE = Source("ukdale", LAYOUT, FILES.list_houses)
