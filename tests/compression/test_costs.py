"""The cost table: what is counted is exact, what is timed is a time, and the words say which is
better.
"""

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from seq2point.compression import costs, medians
from seq2point.compression.compaction import compact, describe_remainder
from seq2point.compression.low_rank import factorise
from seq2point.metrics import Metrics
from seq2point.model.model_file import Model
from seq2point.network import masks
from seq2point.report.costs import make_accuracy_rows, make_cost_rows

REACHED: Metrics = {"mae_w": 14.52, "on_mae_w": 505.2, "sae": 0.125, "f1": None, "nde": 0.3}


@pytest.fixture(scope="module", autouse=True)
def quick() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(medians, "MOST_TURNS", 2)
        patch.setattr(medians, "LEAST_S", 1e-4)
        patch.setattr(costs, "SERIES", 512)
        yield


@pytest.fixture
def models(tiny_model: Model) -> dict[str, Model]:
    kept = torch.ones_like(tiny_model.network.hidden.weight, dtype=torch.bool)
    kept[3:] = False
    kept[0, :10] = False
    pruned = replace(tiny_model, masks={"hidden.weight": kept})
    masks.apply_(pruned.network, pruned.masks)
    return {"pruned": pruned, "compacted": compact(pruned)}


def test_what_is_counted_is_what_is_there(models: dict[str, Model], tmp_path: Path):
    result = costs.measure_costs(models)
    assert json.loads(json.dumps(result)) == result
    for name, model in models.items():
        numbers, shape = result["models"][name], model.architecture
        assert (numbers["parameters"], numbers["multiply_adds"]) == (
            shape.parameters,
            shape.multiply_adds,
        )
        assert numbers["nonzero_parameters"] == sum(
            int((p != 0).sum()) for p in model.network.parameters()
        )
        assert numbers["layers"] == [
            row._asdict() for row in masks.count_weights(model.network, model.masks)
        ]
        model.save(tmp_path / name)
        content = (tmp_path / name).read_bytes()
        assert numbers["file_bytes"] == len(content)
        assert numbers["gzipped_bytes"] == pytest.approx(len(gzip.compress(content, 6)), abs=20)
    assert result["models"]["compacted"]["file_bytes"] < result["models"]["pruned"]["file_bytes"]


def test_times_are_there_for_every_model_and_batch(models: dict[str, Model]):
    result = costs.measure_costs(models)
    for numbers in result["models"].values():
        assert set(numbers["latency_ms"]) == {"1", "256"}
        assert 0 < numbers["latency_ms"]["1"] < numbers["latency_ms"]["256"]
        assert numbers["sliding_samples_per_s"] > 0
    assert result["threads"] == torch.get_num_threads()


def test_measuring_leaves_the_networks_as_they_were(models: dict[str, Model]):
    models["pruned"].network.train()
    models["compacted"].network.eval()
    before = {name: t.clone() for name, t in models["pruned"].network.state_dict().items()}
    costs.measure_costs(models)
    assert models["pruned"].network.training
    assert not models["compacted"].network.training
    assert all(
        torch.equal(t, before[name]) for name, t in models["pruned"].network.state_dict().items()
    )


def test_models_take_turns():
    order = []
    works = {name: lambda name=name: order.append(name) for name in ("a", "b")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(medians, "LEAST_S", 0.0)
        medians_s = medians.measure_medians_s(works)
    assert order == ["a", "a", "b", "b", "a", "b", "a", "b"]
    assert set(medians_s) == {"a", "b"}


def test_the_notes_say_that_zeros_make_nothing_faster_and_what_stays(models: dict[str, Model]):
    first, second = costs.measure_costs(models, notes=describe_remainder(models["compacted"]))[
        "notes"
    ]
    assert first.startswith("Zeros alone make nothing faster")
    assert second.startswith("10 pruned weights are still there as zeros")
    assert describe_remainder(replace(models["compacted"], masks={})) == []


def test_the_table_in_words(models: dict[str, Model]):
    result = costs.measure_costs(models)
    table = {row[0]: row[1:] for row in make_cost_rows(result)}
    assert table[""] == ["pruned", "compacted"]
    assert table["hidden units"] == ["8", "3"]
    assert table["channels"] == ["4 4", "4 4"]
    assert table["window, sample predicted"] == ["33, 16", "33, 16"]
    assert table["hidden.weight"] == ["314 of 864 (550 zero)", "314 of 324 (10 zero)"]
    assert table["parameters"] == ["957", "407 (2.35x)"]
    assert "rank" not in table
    assert all(len(row) == 2 for row in table.values())


def test_more_samples_a_second_is_better_and_more_bytes_is_worse(models: dict[str, Model]):
    result = costs.measure_costs(models)
    for name, speed, size in (("pruned", 100.0, 10), ("compacted", 300.0, 20)):
        result["models"][name] |= {"sliding_samples_per_s": speed, "file_bytes": size}
    table = {row[0]: row[2] for row in make_cost_rows(result)}
    assert table["sliding, samples/s"] == "300 (3x)"
    assert table["file, bytes"] == "20 (0.5x)"


def test_a_network_with_a_rank_has_its_own_rows(tiny_model: Model):
    result = costs.measure_costs({"given": tiny_model, "factorised": factorise(tiny_model, 2)})
    table = {row[0]: row[1:] for row in make_cost_rows(result)}
    assert table["rank"] == ["full", "2"]
    assert table["projection.weight"] == ["-", "216"]
    assert table["hidden.weight"] == ["864", "16"]


def test_accuracy_stands_by_stage_and_by_appliance_where_there_are_several(
    models: dict[str, Model],
):
    chosen = {name: REACHED[name] for name in ("mae_w", "on_mae_w", "sae", "f1")}
    result = costs.measure_costs(
        models, {"before pruning": {"kettle": REACHED}, "after pruning": {"kettle": REACHED}}
    )
    assert result["accuracy"] == {"before pruning": chosen, "after pruning": chosen}
    heading, *stages = make_accuracy_rows(result)
    assert heading == ["", "MAE", "MAE while on", "SAE", "F1"]
    assert stages == [
        [stage, "14.5 W", "505.2 W", "0.125", "-"] for stage in ("before pruning", "after pruning")
    ]
    in_houses = costs.measure_costs(
        models, {"pruned": {"kettle": REACHED}}, tested_on=["house 5", "mine"]
    )
    assert in_houses["tested_on"] == ["house 5", "mine"]
    assert make_accuracy_rows(in_houses)[0][0] == "on house 5, mine"
    two = costs.measure_costs(models, {"pruned": {"kettle": REACHED, "fridge": REACHED}})
    assert two["accuracy"] == {"pruned": {"kettle": chosen, "fridge": chosen}}
    assert [row[0] for row in make_accuracy_rows(two)[1:]] == [
        "pruned, kettle",
        "pruned, fridge",
    ]
    assert costs.measure_costs(models)["accuracy"] == {}
