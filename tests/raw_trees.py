"""Recordings written as the raw data sets that they might have come from, for tests of what reads
those.
"""

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from seq2point.recording import Recording

REFIT_CHANNELS = {
    "2": {"fridge": 1, "washing_machine": 2, "dishwasher": 3, "microwave": 5, "kettle": 8},
    "15": {"fridge": 1, "washing_machine": 3, "dishwasher": 4, "microwave": 7},
    "20": {"fridge": 1, "washing_machine": 4, "dishwasher": 5, "microwave": 8, "kettle": 9},
}
NILMTK_TYPES = {
    "fridge": "fridge freezer",
    "dishwasher": "dish washer",
    "washing_machine": "washing machine",
}


def unix(recording: Recording) -> np.ndarray:
    return np.round(recording.times_s()).astype(np.int64)


def write_refit(
    recording: Recording, folder: Path, house: str = "2", flags: np.ndarray | None = None
) -> Path:
    """A CLEAN_House CSV; channels that the recording lacks are zero, gaps are empty cells."""
    folder.mkdir(parents=True, exist_ok=True)
    times = unix(recording)
    channels = {number: name for name, number in REFIT_CHANNELS[house].items()}
    columns = {"Unix": times, "Aggregate": recording.mains_w}
    for number in range(1, 10):
        columns[f"Appliance{number}"] = recording.appliances_w.get(
            channels.get(number, ""), np.zeros(len(times), np.float32)
        )
    table = pl.DataFrame(
        columns | {"Issues": np.zeros(len(times), int) if flags is None else flags}
    )
    words = pl.Series("Time", times * 1000).cast(pl.Datetime("ms")).dt.strftime("%Y-%m-%d %H:%M:%S")
    path = folder / f"CLEAN_House{house}.csv"
    table.insert_column(0, words).with_columns(pl.selectors.float().fill_nan(None)).write_csv(path)
    return path


def write_channels(
    recording: Recording,
    folder: Path,
    labels: Mapping[str, str],
    house: str = "1",
    legs: Sequence[float] = (1.0,),
) -> Path:
    """A house of UK-DALE's and REDD's layout: mains (in `legs`, their shares) and then the
    appliances, under their labels.

    Rows of gaps are left out.
    """
    place = folder / f"house_{house}"
    place.mkdir(parents=True, exist_ok=True)
    times, lines = unix(recording), []
    series = [(labels["mains"], recording.mains_w * np.float32(share)) for share in legs]
    series += [
        (labels.get(name, name), power_w) for name, power_w in recording.appliances_w.items()
    ]
    for number, (label, power_w) in enumerate(series, 1):
        known = ~np.isnan(power_w)
        lines.append(f"{number} {label}\n")
        rows = pl.DataFrame({"unix": times[known], "watts": power_w[known]})
        rows.write_csv(place / f"channel_{number}.dat", include_header=False, separator=" ")
    (place / "labels.dat").write_text("".join(lines))
    return place


def write_nilmtk(houses: Mapping[int, Recording], path: Path, dataset: str = "REFIT") -> Path:
    """An HDF5 file as NILMTK's converters leave it: tables of pandas and PyTables, attributes
    pickled.
    """
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs["metadata"] = np.bytes_(
            pickle.dumps({"name": dataset, "timezone": "Europe/London"}, 0)
        )
        for building, recording in houses.items():
            meters: dict[int, dict[str, object]] = {}
            appliances = []
            for meter, (name, power_w) in enumerate(
                {"mains": recording.mains_w, **recording.appliances_w}.items(), 1
            ):
                group = file.create_group(f"building{building}/elec/meter{meter}")
                kept = ~np.isnan(power_w) if name != "mains" else np.ones(len(power_w), bool)
                rows = np.empty(
                    int(kept.sum()), [("index", "<i8"), ("values_block_0", "<f4", (1,))]
                )
                rows["index"], rows["values_block_0"] = (
                    unix(recording)[kept] * 10**9,
                    power_w[kept, None],
                )
                table = group.create_dataset(
                    "table", data=rows, chunks=(max(min(len(rows), 4096), 1),), compression="gzip"
                )
                table.attrs["index_kind"] = np.bytes_(b"datetime64")
                table.attrs["values_block_0_kind"] = np.bytes_(
                    pickle.dumps([("power", "active")], 0)
                )
                meters[meter] = {"site_meter": True} if name == "mains" else {"submeter_of": 0}
                if name != "mains":
                    appliances.append(
                        {"type": NILMTK_TYPES.get(name, name), "instance": 1, "meters": [meter]}
                    )
            shift = int(dataset == "REFIT" and building >= 14)
            about = {
                "original_name": f"House{building + shift}",
                "elec_meters": meters,
                "appliances": appliances,
            }
            file[f"building{building}"].attrs["metadata"] = np.bytes_(pickle.dumps(about, 0))
    return path


def write_csv(recording: Recording, path: Path, names: Mapping[str, str]) -> Path:
    """Write a table with UTC times and its own column names; gaps are empty cells."""
    path.parent.mkdir(parents=True, exist_ok=True)
    words = (
        pl.Series("timestamp", unix(recording) * 1000)
        .cast(pl.Datetime("ms"))
        .dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    )
    columns = {
        names.get(name, name): values
        for name, values in {"mains": recording.mains_w, **recording.appliances_w}.items()
    }
    pl.DataFrame({"timestamp": words, **columns}).with_columns(
        pl.selectors.float().fill_nan(None)
    ).write_csv(path)
    return path
