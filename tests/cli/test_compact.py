"""`seq2point compact` and `seq2point factorise` as a user meets them."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seq2point.compression import medians
from seq2point.model.model_file import Model
from seq2point.network import masks

Command = Callable[..., Any]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(medians, "MOST_TURNS", 2)
    monkeypatch.setattr(medians, "LEAST_S", 1e-4)


@pytest.fixture
def pruned(tiny_model: Model, tmp_path: Path) -> Path:
    """A model without five of its eight hidden units and without its first time steps."""
    kept = torch.ones_like(tiny_model.network.hidden.weight, dtype=torch.bool)
    kept[3:] = False
    kept.view(8, 4, -1)[..., :6] = False
    model = replace(tiny_model, masks={"hidden.weight": kept})
    masks.apply_(model.network, model.masks)
    model.save(tmp_path / "pruned.safetensors")
    return tmp_path / "pruned.safetensors"


def test_compact_writes_a_smaller_model_with_the_same_answers_and_shows_what_it_saves(
    seq2point: Command, pruned: Path, tmp_path: Path
):
    out = tmp_path / "small.safetensors"
    answer = seq2point("compact", pruned, "-o", out, "--threads", 1)
    assert answer.code == 0, answer.err
    shape = Model.load(out).architecture
    assert (shape.window, shape.target_index, shape.hidden) == (27, 10, 3)
    mains_w = np.random.default_rng(0).uniform(0, 3000, 300).astype(np.float32)
    before, after = (Model.load(path).disaggregate(mains_w) for path in (pruned, out))
    known = ~np.isnan(before)
    np.testing.assert_allclose(after[known], before[known], rtol=1e-4, atol=1e-2)
    for words in (
        "pruned",
        "compacted",
        "hidden units",
        "33, 16",
        "27, 10",
        "latency, batch 1",
        "sliding, samples/s",
        str(out),
    ):
        assert words in answer.out
    assert "Zeros alone make nothing faster" in answer.out
    assert re.search(r"compacted from\W+957 parameters", seq2point("info", out).out)
    assert f"the same predictions from {shape.parameters / 957:.1%} of the parameters" in answer.out


def test_compact_says_plainly_that_scattered_zeros_leave_nothing_to_remove(
    seq2point: Command, tiny_model: Model, tmp_path: Path
):
    weight = tiny_model.network.hidden.weight
    generator = torch.Generator().manual_seed(1)
    tiny_model.masks = {"hidden.weight": torch.rand(weight.shape, generator=generator) > 0.87}
    masks.apply_(tiny_model.network, tiny_model.masks)
    tiny_model.save(tmp_path / "m.safetensors")
    answer = seq2point(
        "compact",
        tmp_path / "m.safetensors",
        "-o",
        tmp_path / "out.safetensors",
        "--json",
        tmp_path / "c.json",
    )
    assert answer.code == 0
    assert (
        "nothing to remove: no hidden unit, channel, outer tap or outer time step is pruned as a"
        " whole" in answer.out
    )
    assert "No smaller architecture can leave them out." in " ".join(answer.out.split())
    assert Model.load(tmp_path / "out.safetensors").architecture == tiny_model.architecture
    report = json.loads((tmp_path / "c.json").read_text())
    assert report["changed"] is False
    assert list(report["models"]) == ["pruned"]


def test_compact_of_a_model_that_was_never_pruned_says_so(
    seq2point: Command, tiny_model: Model, tmp_path: Path
):
    tiny_model.save(tmp_path / "m.safetensors")
    answer = seq2point("compact", tmp_path / "m.safetensors", "-o", tmp_path / "out.safetensors")
    assert answer.code == 0
    assert "has no masks: nothing was pruned" in answer.out


def test_compact_with_a_dash_writes_nothing_but_json_to_standard_output(
    seq2point: Command, pruned: Path, tmp_path: Path
):
    answer = seq2point("compact", pruned, "-o", tmp_path / "small.safetensors", "--json", "-")
    report = json.loads(answer.out)
    assert report["changed"] is True
    assert report["models"]["compacted"]["architecture"]["hidden"] == 3
    assert "compacted" in answer.err


@pytest.mark.parametrize(
    ("option", "value", "rank"), [("--rank", 2, 2), ("--sparsity", 0.5, 3), ("--energy", 1.0, 3)]
)
def test_factorise_writes_a_model_of_low_rank(
    seq2point: Command, pruned: Path, tmp_path: Path, option: str, value: float, rank: int
):
    out = tmp_path / "narrow.safetensors"
    answer = seq2point("factorise", pruned, "-o", out, option, value)
    assert answer.code == 0, answer.err
    assert Model.load(out).architecture.rank == rank
    assert f"rank {rank} of 8 keeps" in answer.out
    assert "projection.weight" in answer.out
    assert f"rank {rank}" in seq2point("info", out).out


@pytest.mark.parametrize("words", [(), ("--rank", 2, "--energy", 0.9)])
def test_factorise_wants_one_way_to_say_how_far(
    seq2point: Command, pruned: Path, tmp_path: Path, words: tuple[object, ...]
):
    answer = seq2point("factorise", pruned, "-o", tmp_path / "narrow.safetensors", *words)
    assert answer.code == 2
    assert answer.err == "seq2point: give one of --rank, --energy and --sparsity\n"


def test_a_rank_too_high_and_a_missing_file_are_one_line(
    seq2point: Command, pruned: Path, tmp_path: Path
):
    answer = seq2point("factorise", pruned, "-o", tmp_path / "n.safetensors", "--rank", 9)
    assert (answer.code, answer.err) == (
        2,
        "seq2point: rank 9: the first Linear can have rank 1 to 8\n",
    )
    answer = seq2point("compact", tmp_path / "none.safetensors", "-o", tmp_path / "n.safetensors")
    assert answer.code == 1
    assert answer.err.endswith("no such model file\n")
