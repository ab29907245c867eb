"""README's commands run as they are written, in their order, each on what those before it have
left.
"""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from tests import raw_trees
from tests.cli.conftest import answer_of, write_csv

from seq2point import PRUNERS, Architecture, Model, Recording, simulate_house
from seq2point import network as networks
from seq2point.cli import main, original
from seq2point.compression import costs, medians
from seq2point.compression.compaction import compact
from seq2point.data.parquet_file import write_recording
from seq2point.deploy import microcontroller
from seq2point.recording.windows import DEFAULT_WINDOWS
from seq2point.studies import prune_copy

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BUDGET = re.compile(r"--budget \S+")
SHORT = "--steps 2"  # in place of a time, which would not give the same network twice
TYPED = re.compile(r"^    ((?:seq2point|python) .*)$", re.MULTILINE)
DAYS = 15
SHAPE = Architecture(channels=(6, 6, 8, 10, 10), hidden=64)
"""As deep as the default network, and a thousandth of its weights."""


def home(seed: int, days: float = DAYS) -> Recording:
    """A simulated home at a reading a minute, with a heat pump."""
    house = simulate_house(seed, days, 60.0, ["kettle"])
    heat_w = np.where(np.arange(len(house)) % 240 < 60, np.float32(900), np.float32(0))
    return Recording(
        str(seed),
        60.0,
        house.mains_w + heat_w,
        {**house.appliances_w, "heat_pump": heat_w},
        house.start,
    )


def write_stand_ins(folder: Path) -> None:
    """Small files under the names that README's commands read."""
    for name, seed in (("house1", 11), ("house2", 12), ("my_house", 13)):
        write_recording(home(seed), folder / f"{name}.parquet")
    write_csv(home(14), folder / "house3.csv")
    write_csv(Recording("mains", 60.0, home(15).mains_w, {}, home(15).start), folder / "mains.csv")
    for number in range(1, 6):
        bare = simulate_house(20 + number, 3, 60.0, ["kettle"])
        raw_trees.write_channels(bare, folder / "UK-DALE", {"mains": "aggregate"}, str(number))
    (folder / "kettle").mkdir()
    for use, seed in (("training", 31), ("validation", 32), ("test", 33)):
        house = simulate_house(seed, 0.4, 8.0, ["kettle"])
        busy = int(np.argmax(house.appliance_w("kettle")))
        house = house.slice(max(busy - 400, 0), max(busy - 400, 0) + 800)
        columns = np.stack(
            [(house.mains_w - 522) / 814, (house.appliance_w("kettle") - 700) / 1000], axis=1
        )
        np.savetxt(folder / "kettle" / f"kettle_{use}_.csv", columns, delimiter=",", fmt="%.6f")


PROGRAMS = {
    "seq2point": main,
    "train_main.py": lambda: original.run_as_script(original.train_main),
    "test_main.py": lambda: original.run_as_script(original.test_main),
}


@pytest.mark.filterwarnings("ignore")
def test_the_commands_run_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for module, name, value in (
        (medians, "MOST_TURNS", 2),
        (medians, "LEAST_S", 1e-4),
        (costs, "SERIES", 512),
    ):  # no timing counts here
        monkeypatch.setattr(module, name, value)
    monkeypatch.setitem(networks.NETWORKS, "seq2point", SHAPE)
    write_stand_ins(tmp_path)
    monkeypatch.chdir(tmp_path)
    typed = TYPED.findall(README)
    assert len(typed) > 20
    for line in typed:
        program, *words = shlex.split(
            BUDGET.sub(SHORT, line).removeprefix("python "), comments=True
        )
        answer = answer_of(PROGRAMS[program], *words)
        assert answer.code == 0, f"{line}\n{answer.err}"


def test_what_trains_says_for_how_long():
    """Nothing that README shows takes hours where it is typed as it stands."""
    trains = (
        "seq2point train ",
        "seq2point transfer",
        "seq2point protocol run ",
        "seq2point fit-budget ",
    )
    for line in TYPED.findall(README):
        finetunes = line.startswith("seq2point prune ") and "--finetune" in line
        if line.startswith(trains) or finetunes:
            assert re.search(r"--(budget|steps|epochs) ", line), line


@pytest.mark.parametrize("window", sorted(set(DEFAULT_WINDOWS.values())))
def test_the_pruning_that_it_shows_makes_any_default_network_fit_a_microcontroller(window: int):
    sparsity, units = re.search(
        r"--sparsity (\S+) --set units_sparsity=(\S+) --finetune", README
    ).groups()  # type: ignore[union-attr]
    model = Model.untrained("kettle", 6.0, networks.find_network("seq2point", window))
    pruner = PRUNERS["structured"](sparsity=sparsity, units_sparsity=units)  # type: ignore[call-arg]
    found = microcontroller.count_cost(compact(prune_copy(model, pruner)).architecture, 8)
    assert found.flash_bytes < microcontroller.FLASH_BYTES
    assert found.ram_bytes < microcontroller.RAM_BYTES


def test_the_targets_of_make_are_there():
    targets = re.findall(r"`?make (\w+)", README)
    assert {"demo", "test", "check", "bench"} <= set(targets)
    makefile = (ROOT / "Makefile").read_text()
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
