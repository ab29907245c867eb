"""The Python of every guide runs as it stands, block after block, on small files."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.cli.conftest import answer_of, write_csv
from tests.docs.pages import DOCS, PAGES, blocks, name_of

from seq2point import PRUNERS, Architecture, Model, Recording, simulate_house
from seq2point.cli import main
from seq2point.compression import costs, medians
from seq2point.data.parquet_file import write_recording
from seq2point.network import masks
from seq2point.pruning import find_pruner, prune_once

SHAPE = Architecture(window=33, channels=(4, 6), kernels=(5, 3), hidden=12)
GUIDES = [page for page in PAGES if page.parent == DOCS / "guides" and blocks(page, "python")]


def home(seed: int) -> Recording:
    """Three days at a reading a minute, with a kettle and a heat pump."""
    house = simulate_house(seed, 3, 60.0, ["kettle"])
    heat_w = np.where(np.arange(len(house)) % 240 < 60, np.float32(900), np.float32(0))
    return Recording(
        str(seed),
        60.0,
        house.mains_w + heat_w,
        {**house.appliances_w, "heat_pump": heat_w},
        house.start,
    )


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the guides begin with."""
    folder = tmp_path_factory.mktemp("guides")
    for name, seed in (("house1", 11), ("house2", 12), ("my_house", 13)):
        write_recording(home(seed), folder / f"{name}.parquet")
    write_csv(Recording("mains", 60.0, home(15).mains_w, {}, home(15).start), folder / "mains.csv")
    torch.manual_seed(0)
    model = Model.untrained("kettle", 60.0, SHAPE)
    model.save(folder / "kettle.safetensors")
    answer = answer_of(
        main,
        "export",
        folder / "kettle.safetensors",
        "--target",
        "onnx",
        "-o",
        folder / "kettle.onnx",
    )
    assert answer.code == 0, answer.err
    model.masks = prune_once(model.network, find_pruner("structured", sparsity=0.5))
    masks.apply_(model.network, model.masks)
    model.save(folder / "pruned.safetensors")
    return folder


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_the_python_of_a_guide_runs(
    page: Path, stand_ins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for module, name, value in (
        (medians, "MOST_TURNS", 2),
        (medians, "LEAST_S", 1e-4),
        (costs, "SERIES", 512),
    ):  # no timing counts here
        monkeypatch.setattr(module, name, value)
    monkeypatch.setitem(
        PRUNERS, "row_magnitude", PRUNERS["random"]
    )  # what a guide registers goes when the test ends
    shutil.copytree(stand_ins, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "guide"}
    for block in blocks(page, "python"):
        exec(compile(block.text, f"{page.name}:{block.line}", "exec", dont_inherit=True), names)


def test_every_block_of_python_outside_the_guides_is_run_elsewhere():
    assert [name_of(page) for page in PAGES if page not in GUIDES and blocks(page, "python")] == [
        "docs/reference/file_formats.md",
        "docs/tutorial/first_model.md",
    ]
