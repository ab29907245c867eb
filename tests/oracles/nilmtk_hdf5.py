"""A file as NILMTK's converter of REFIT writes it, by the real pandas and PyTables with Blosc, for
`nilmtk.h5`.

Runs in an environment that has pandas and tables (`pip install pandas tables`), which this package
does not need.
"""

import datetime
from pathlib import Path

import numpy as np
import pandas as pd

STORED = Path(__file__).with_name("nilmtk.h5")
ROWS = 400


def frame(meter: int, columns: list[tuple[str, str]]) -> pd.DataFrame:
    """Readings every 6 s across the morning on which summer time begins; the value is row + 1000 *
    column + meter.
    """
    times = pd.to_datetime(1_364_690_000 + 6 * np.arange(ROWS), unit="s", utc=True).tz_convert(
        "Europe/London"
    )
    values = np.arange(ROWS)[:, None] + 1000 * np.arange(len(columns)) + meter
    names = pd.MultiIndex.from_tuples(columns, names=["physical_quantity", "type"])
    return pd.DataFrame(values.astype("float32"), index=times, columns=names)


def main() -> None:
    active = [("power", "active")]
    mains = [("voltage", ""), ("power", "apparent"), *active]
    plug = {"submeter_of": 0, "device_model": "IAM"}
    with pd.HDFStore(STORED, "w", complevel=9, complib="blosc") as store:
        for building, house in ((1, 1), (14, 15)):
            for meter, columns in ((1, mains), (2, active), (3, active), (4, active)):
                key = f"/building{building}/elec/meter{meter}"
                store.put(
                    key, frame(meter, columns), format="table", index=False, track_times=False
                )
            store.get_node(f"/building{building}")._v_attrs.metadata = {
                "instance": building,
                "original_name": f"House{house}",
                "elec_meters": {
                    1: {"site_meter": True, "device_model": "Clamp"},
                    2: plug,
                    3: plug,
                    4: plug,
                },
                "appliances": [
                    {
                        "original_name": "Fridge-Freezer",
                        "type": "fridge freezer",
                        "instance": 1,
                        "meters": [2],
                    },
                    {"type": "food processor", "instance": 1, "meters": [3]},
                    {"type": "kettle", "instance": 1, "meters": [3], "dominant_appliance": True},
                    {"type": "unknown", "instance": 1, "meters": [4]},
                ],
                "timeframe": {"start": datetime.datetime(2013, 3, 31, tzinfo=datetime.UTC)},
            }
        store.root._v_attrs.metadata = {
            "name": "REFIT",
            "timezone": "Europe/London",
            "date": datetime.date(2015, 1, 1),
        }


if __name__ == "__main__":
    main()
