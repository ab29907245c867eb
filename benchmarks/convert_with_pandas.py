"""The rival of benchmarks/convert.py: house 2 of REFIT as one would convert it with pandas, without
counts, checks or bounds.

    python -m benchmarks.convert_with_pandas CLEAN_House2.csv house2.parquet [needed]

With `needed` it reads only the columns that it needs.
"""

import sys

import pandas as pd

CHANNELS = {
    "Aggregate": "mains",
    "Appliance8": "kettle",
    "Appliance1": "fridge",
    "Appliance3": "dishwasher",
    "Appliance2": "washing_machine",
    "Appliance5": "microwave",
}


def main(source: str, target: str, needed: str = "") -> None:
    frame = pd.read_csv(source, usecols=["Unix", *CHANNELS, "Issues"] if needed else None)
    frame = frame[frame["Issues"] != 1]
    frame.index = pd.to_datetime(frame["Unix"], unit="s", utc=True).rename("time")
    frame = frame[~frame.index.duplicated()].sort_index()
    frame = frame[list(CHANNELS)].rename(columns=CHANNELS)
    plugs = [name for name in CHANNELS.values() if name != "mains"]
    frame["mains"] = frame["mains"].mask(frame["mains"] > 32_766)
    frame[plugs] = frame[plugs].mask(frame[plugs] > 4000)
    frame = frame.resample("8s").mean().ffill(limit=3).astype("float32")
    frame.to_parquet(target, compression="zstd")


if __name__ == "__main__":
    main(*sys.argv[1:])
