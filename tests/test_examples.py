import subprocess
import sys
from pathlib import Path

import pytest

import seq2point
from seq2point.compression.pruning import PRUNERS
from seq2point.data.parquet_file import write_recording
from seq2point.network.masks import measure_sparsity

ROOT = Path(__file__).parent.parent


def test_training_on_synthetic_houses_reports_every_real_file(tmp_path: Path) -> None:
    paths = [tmp_path / f"{seed}.parquet" for seed in (90, 91)]
    for seed, path in zip((90, 91), paths, strict=True):
        write_recording(seq2point.simulate_house(seed, days=0.5, period_s=60), path)
    options = ["--houses", "2", "--days", "2", "--window", "49", "--budget", "1"]
    tests = [word for path in paths for word in ("--test", str(path))]
    command = [
        sys.executable,
        str(ROOT / "examples" / "train_on_synthetic_houses.py"),
        "fridge",
        *options,
        *tests,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"fridge {path}" for path in paths]
    assert all("zero predictor" in line for line in lines)


def test_a_pruner_of_ones_own_trains_by_its_name() -> None:
    options = ["--sparsity", "0.7", "--steps", "20", "--days", "1", "--window", "49"]
    command = [sys.executable, str(ROOT / "examples" / "own_pruner.py"), "fridge", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    words = ("magnitude: 70.0% of the weights", "row_magnitude: 70.0% of the weights")
    assert [line.partition(" removed")[0] for line in done.stdout.splitlines()] == list(words)


def test_the_readmes_python_runs(tmp_path: Path, monkeypatch) -> None:
    text = (ROOT / "README.md").read_text()
    code = text.partition("```python")[2].partition("```")[0]
    long = {
        '"kettle", pruning': '"kettle", network="reduced", window=49, pruning',
        "budget_s=600": "steps=101",
    }
    for shown, quick in long.items():
        assert shown in code
        code = code.replace(shown, quick)
    house = seq2point.simulate_house(3, days=1)
    monkeypatch.chdir(tmp_path)
    write_recording(house, tmp_path / "house1.parquet")
    names = {"mains_w": house.mains_w}
    exec(code, names)
    assert len(names["kettle_w"]) == len(house)
    assert (tmp_path / "kettle.safetensors").exists()


def test_the_python_of_the_page_on_pruning_runs(tmp_path: Path, monkeypatch) -> None:
    blocks = (ROOT / "docs" / "guides" / "prune.md").read_text().split("```python")[1:]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(PRUNERS, "row_magnitude", PRUNERS["random"])  # goes when the test ends
    small = seq2point.Architecture(window=33, channels=(4, 4), kernels=(5, 3), hidden=8)
    seq2point.Model.untrained("kettle", 6.0, small).save("kettle.safetensors")
    names: dict = {}
    for block in blocks:
        exec(block.partition("```")[0], names)
    assert names["model"].masks["hidden.weight"].sum(1).unique().tolist() == [14]
    assert measure_sparsity(names["model"].network, names["model"].masks) == pytest.approx(
        0.87, abs=0.01
    )
    assert not names["model"].network.hidden.weight[~names["model"].masks["hidden.weight"]].any()
