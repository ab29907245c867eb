"""By how much the mains step where a plug does, in every house of the data.

    python -m experiments meters      a minute

What the check `agreement` of `seq2point data check` measures, also where it has nothing to warn of.
"""

import os
from pathlib import Path

import numpy as np

from experiments.tables import print_table
from seq2point.appliances import APPLIANCES
from seq2point.data.table import load_recording
from seq2point.data.table_file import open_table_file
from seq2point.quality.agreement import FEWEST_STEPS, find_step_ratios
from seq2point.quality.channels import Channel


def main() -> None:
    """Print the medians and quartiles, a row for each house."""
    names = list(APPLIANCES)
    rows = []
    for path in sorted(Path(os.environ["SEQ2POINT_DATA"]).glob("*_house*_*s*.parquet")):
        there = [name for name in names if name in open_table_file(path).names]
        recording = load_recording(path, there)
        cells = dict.fromkeys(names, "")
        for name in there:
            channel = Channel(name, recording.appliance_w(name), recording.period_s)
            ratios = find_step_ratios(recording.mains_w, channel)
            if len(ratios) >= FEWEST_STEPS:
                low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
                cells[name] = f"{middle:.2f} ({low:.2f} to {high:.2f})"
        rows.append([path.stem, *cells.values()])
    print_table("", ["", *(APPLIANCES[name].label for name in names)], rows)
