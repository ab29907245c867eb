"""The kinds of files that the package reads: how a small one is made, and what reads it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tests import raw_trees

from seq2point import Recording, quality
from seq2point.data.long_table import open_long_table
from seq2point.data.parquet_file import write_recording
from seq2point.data.table import load_recording
from seq2point.datasets.contract import Selection
from seq2point.datasets.conversion.house import ConversionConfig
from seq2point.datasets.conversion.jobs import convert_houses, plan_jobs
from seq2point.datasets.sources import find_source
from seq2point.simulator import simulate_house

START_S = 1_700_000_000


class Kind(NamedTuple):
    """`make` writes a small valid file and all that it needs into a folder; `read` reads it, or
    raises.

    `files` are the paths, relative to the folder, of which one is damaged.
    """

    make: Callable[[Path], None]
    read: Callable[[Path], object]
    files: tuple[str, ...]


def house() -> Recording:
    return simulate_house(1, days=0.02, period_s=8.0)


def converted(layout: str, root: Path) -> None:
    out = (
        root.parent / "converted"
    )  # beside a folder of raw data, among the files where the root is one
    convert_houses(
        plan_jobs(find_source(layout), root, out, Selection(), ConversionConfig()),
        ConversionConfig(),
        out,
    )


def table(name: str) -> Callable[[Path], None]:
    """Read a table in every way that there is."""

    def read(folder: Path) -> None:
        path = folder / name
        report, _ = quality.check_file(path)
        report.model_dump_json()
        converted("table", path)
        if long_table := open_long_table(path, large_bytes=0):
            for _ in long_table.pieces():
                pass
        load_recording(path)

    return read


def small_model(path: Path) -> None:
    from seq2point import Architecture, Model

    Model.untrained(
        "kettle", 8.0, Architecture(window=9, channels=(2,), kernels=(3,), hidden=3)
    ).save(path)


def load_model(folder: Path) -> None:
    from seq2point import Model

    Model.load(folder / "model.safetensors").predict_w(house())


def exported_model(folder: Path) -> None:
    from seq2point import Model
    from seq2point.configuration import ExportOptions
    from seq2point.deploy.onnx import export

    small_model(folder / "model.safetensors")
    export(Model.load(folder / "model.safetensors"), folder / "model.onnx", ExportOptions())


def load_exported(folder: Path) -> None:
    from seq2point import runtime

    runtime.load(folder / "model.onnx", 1).predict_w(house())


def card(folder: Path) -> None:
    from seq2point.model import pretrained

    (folder / "kettle-8s.json").write_bytes((pretrained.FOLDER / "kettle-8s.json").read_bytes())


def load_card(folder: Path) -> None:
    from seq2point.model import pretrained

    pretrained.FOLDER = folder
    pretrained.load_pretrained("kettle-8s")
    pretrained.find_pretrained("kettle", 8.0)


def manifest(folder: Path) -> None:
    raw_trees.write_csv(house(), folder / "home.csv", {})
    go_on_from_manifest(folder)


def go_on_from_manifest(folder: Path) -> None:
    jobs = plan_jobs(
        find_source("table"), folder / "home.csv", folder, Selection(), ConversionConfig()
    )
    for _ in range(2):
        convert_houses(jobs, ConversionConfig(), folder)


def study(folder: Path) -> None:
    from seq2point.studies.result_cache import CachedResult, ResultCache

    store, part = ResultCache(folder), CachedResult("part", {"seed": 1})
    store.find_or_make(part, lambda _: {"mae_w": 1.0})
    (store.find_folder(part) / "result.json").rename(folder / "result.json")


def read_study(folder: Path) -> None:
    from seq2point.studies.result_cache import CachedResult, ResultCache

    store, part = ResultCache(folder), CachedResult("part", {"seed": 1})
    store.find_folder(part).mkdir(parents=True, exist_ok=True)
    (store.find_folder(part) / "result.json").write_bytes((folder / "result.json").read_bytes())
    store.find_or_make(part, lambda _: {"mae_w": 1.0})


def protocol(folder: Path) -> None:
    from importlib.resources import files

    text = (
        files("seq2point.studies.protocols")
        .joinpath("zhang_ukdale.toml")
        .read_text(encoding="utf-8")
    )
    (folder / "own.toml").write_text(text, encoding="utf-8")


def read_protocol(folder: Path) -> None:
    from seq2point.studies.protocols import library

    json.dumps(library.find_protocol(str(folder / "own.toml")).as_json())


KINDS = {
    "csv": Kind(
        lambda folder: raw_trees.write_csv(house(), folder / "home.csv", {}) and None,
        table("home.csv"),
        ("home.csv",),
    ),
    "csv of unix numbers": Kind(
        lambda folder: _unix_csv(folder / "home.csv"), table("home.csv"), ("home.csv",)
    ),
    "parquet": Kind(
        lambda folder: write_recording(house(), folder / "home.parquet"),
        table("home.parquet"),
        ("home.parquet",),
    ),
    "hdf5": Kind(
        lambda folder: raw_trees.write_nilmtk({1: house()}, folder / "nilmtk.h5") and None,
        lambda folder: converted("nilmtk", folder / "nilmtk.h5"),
        ("nilmtk.h5",),
    ),
    "refit": Kind(
        lambda folder: raw_trees.write_refit(house(), folder) and None,
        lambda folder: converted("refit", folder),
        ("CLEAN_House2.csv",),
    ),
    "ukdale": Kind(
        lambda folder: raw_trees.write_channels(house(), folder, {"mains": "aggregate"}) and None,
        lambda folder: converted("ukdale", folder),
        ("house_1/labels.dat", "house_1/channel_1.dat", "house_1/channel_2.dat"),
    ),
    "redd": Kind(
        lambda folder: (
            raw_trees.write_channels(house(), folder, {"mains": "mains"}, legs=(0.5, 0.5)) and None
        ),
        lambda folder: converted("redd", folder),
        ("house_1/labels.dat", "house_1/channel_1.dat"),
    ),
    "protocol": Kind(protocol, read_protocol, ("own.toml",)),
    "model": Kind(
        lambda folder: small_model(folder / "model.safetensors"), load_model, ("model.safetensors",)
    ),
    "onnx": Kind(exported_model, load_exported, ("model.onnx",)),
    "card": Kind(card, load_card, ("kettle-8s.json",)),
    "manifest": Kind(manifest, go_on_from_manifest, ("conversion.json",)),
    "study": Kind(study, read_study, ("result.json",)),
}


def _unix_csv(path: Path) -> None:
    recording = house()
    rows = zip(START_S + 8 * np.arange(len(recording)), recording.mains_w, strict=True)
    path.write_text("unix,mains\n" + "".join(f"{time},{watts:.1f}\n" for time, watts in rows))
