"""A run makes every part once, makes again what a change decides and nothing else, and goes on where it was interrupted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch

from seq2point.errors import DataError, UsageError
from seq2point.evaluation import evaluate
from seq2point.experiment import Store
from seq2point.model_file import Model
from seq2point.protocols import run as module
from seq2point.protocols.houses import load
from seq2point.protocols.library import Source
from seq2point.protocols.model import House
from seq2point.protocols.overrides import overridden
from seq2point.protocols.parts import Parts
from seq2point.protocols.report import label_of, report
from seq2point.protocols.run import Results, Runner
from seq2point.training import train_with_history
from seq2point.windows import Scale

Small = Callable[..., Source]
PRUNING = """
[pruning]
method = "structured"
settings = { sparsity = 0.5, frequency = 1 }
training = { steps = 2 }
finetune = { steps = 2, learning_rate = 1e-4 }

[[published]]
model"""


def run(source: Source, data: Path, store: Path, seeds: int = 1, appliances: tuple[str, ...] = ("kettle",)) -> Results:
    runner = Runner(Parts(source.protocol, source.where, data), Store(store), "cpu", 1, progress=False)
    return runner.run(appliances, seeds)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The options of every training that is made from here on."""
    made: list[dict[str, Any]] = []

    def train(*recordings: Any, **options: Any) -> Any:
        made.append(options)
        return train_with_history(*recordings, **options)

    monkeypatch.setattr(module, "train_with_history", train)
    return made


def weights(results: Results, row: str = "network", seed: int = 0) -> dict[str, torch.Tensor]:
    return dict(Model.load(Path(results["kettle"][row][seed]["folder"]) / module.WEIGHTS).network.state_dict())


def alike(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(t, other[name]) for name, t in one.items())


def test_the_result_is_what_the_model_that_lies_there_reaches_on_the_test_house(small: Small, data: Path, tmp_path: Path):
    source = small()
    results = run(source, data, tmp_path)
    (row,) = results["kettle"]["network"]
    model = Model.load(Path(row["folder"]) / module.WEIGHTS)
    test = load(source.protocol, House(house="5"), source.protocol.appliance("kettle"), data)
    found = evaluate(model, test)
    assert row["metrics"] == found.metrics["kettle"]
    assert row["baselines"]["zero"] == found.baselines["zero"]["kettle"]
    assert row["parameters"] == model.architecture.parameters
    assert (row["planned_steps"], row["seed"], row["data"][0]["house"]) == (3, 0, "5")
    assert model.appliances[0].on_power_w == 1500
    assert model.provenance["training"]["settings"]["engine"] == "windows"
    assert [d["house"] for d in model.provenance["training"]["training_data"]] == ["1", "2", "2"]


def test_what_is_finished_is_not_made_again_and_more_seeds_add_to_it(
    small: Small, data: Path, tmp_path: Path, trained: list[dict[str, Any]]
):
    first = run(small(), data, tmp_path, seeds=1)
    again = run(small(), data, tmp_path, seeds=2)
    assert [options["seed"] for options in trained] == [0, 1]
    assert again["kettle"]["network"][0] == first["kettle"]["network"][0]
    assert not alike(weights(again, seed=0), weights(again, seed=1))


CHANGES: dict[str, tuple[dict[str, str], bool, bool]] = {
    "what is published": ({"7.4": "7.5"}, False, False),
    "the title": ({"Small": "Another"}, False, False),
    "another appliance": ({"[appliances.fridge]": "[appliances.fridge]\ntest = [1]\ntrain = [5]"}, False, False),
    "a threshold": ({"on_power_w = 1500": "on_power_w = 1600"}, False, True),
    "the test house": ({"test = [5]": "test = [{ house = 5, block = [0.5, 1.0] }]"}, False, True),
    "the stride": ({"window = 31": "window = 31\nstride = 2"}, False, True),
    "the training house": ({"train = [1,": "train = [{ house = 1, block = [0.0, 0.9] },"}, True, True),
    "the validation house": ({"block = [0.5, 1.0]": "block = [0.6, 1.0]"}, True, True),
    "the window": ({"window = 31": "window = 33"}, True, True),
    "the network": ({"hidden = 8": "hidden = 9"}, True, True),
    "the clipping": ({"[houses]": "[clipping]\nmains_w = 4000\n\n[houses]"}, True, True),
    "the scaling": ({"window = 31": 'window = 31\nscaling = "fitted"'}, True, True),
    "the training": ({"steps = 3": "steps = 4"}, True, True),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_makes_again_what_it_decides(change: str, small: Small, data: Path):
    texts, trains, tests = CHANGES[change]
    before, after = (Parts(source.protocol, source.where, data) for source in (small(), small(texts=texts)))
    one, other = before.network("kettle", 0), after.network("kettle", 0)
    assert (one.key != other.key) == trains
    assert (before.test("kettle", one).key != after.test("kettle", other).key) == tests


def test_other_readings_make_it_again(small: Small, data: Path, tmp_path: Path):
    for path in data.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    p, where = small().protocol, small().where
    one, other = Parts(p, where, data), Parts(p, where, tmp_path)
    assert one.network("kettle", 0).key == other.network("kettle", 0).key
    (tmp_path / "ukdale_house1_6s.parquet").write_bytes((data / "ukdale_house5_6s.parquet").read_bytes())
    assert one.network("kettle", 0).key != other.network("kettle", 0).key
    assert one.network("kettle", 0).key != one.network("kettle", 1).key != one.network("fridge", 1).key


class StopAt(pl.Callback):
    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == 2:
            raise KeyboardInterrupt


def test_an_interrupted_part_goes_on_from_its_checkpoint_to_the_same_weights(
    small: Small, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    whole = run(small(), data, tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(module, "train_with_history", lambda *r, **o: train_with_history(*r, **o, callbacks=[StopAt()]))
        with pytest.raises(KeyboardInterrupt):
            run(small(), data, tmp_path / "parts")
    (checkpoint,) = (tmp_path / "parts").rglob("last.ckpt")
    begun = torch.load(checkpoint, weights_only=True)["global_step"]
    resumed = run(small(), data, tmp_path / "parts")
    assert begun == 1
    assert alike(weights(resumed), weights(whole))
    assert not checkpoint.exists()
    row = resumed["kettle"]["network"][0]
    assert [r["step"] for r in row["history"]] == [1, 2, 3]


def test_pruning_adds_a_smaller_network_under_each_trained_from_it(
    small: Small, data: Path, tmp_path: Path, trained: list[dict[str, Any]]
):
    source = small(texts={"\n[[published]]\nmodel": PRUNING})
    run(small(), data, tmp_path)
    results = run(source, data, tmp_path)
    assert [(o["steps"], o.get("learning_rate")) for o in trained] == [(3, None), (2, None), (2, 1e-4)]
    dense, pruned = (results["kettle"][row][0] for row in ("network", "pruned"))
    assert pruned["compacted"]
    assert pruned["parameters"] < 0.5 * dense["parameters"]
    assert weights(results, "pruned")["hidden.weight"].shape[0] == 4
    assert (pruned["planned_steps"], pruned["finetuning"]["planned_steps"]) == (2, 2)
    found = report(source, Parts(source.protocol, source.where, data), results)
    rows = found["appliances"]["kettle"]["rows"]
    assert rows["pruned"]["label"].startswith("structured, ")
    assert ", compacted, 1 seed" in rows["pruned"]["label"]
    scattered = [{"sparsity": 0.5, "compacted": False}] * 2
    assert label_of(Parts(source.protocol, "", data), "pruned", scattered) == "structured, 50% of the weights removed, 2 seeds"
    assert run(source, data, tmp_path) == results
    assert len(trained) == 3


def test_the_protocols_own_constants_scale_the_model(small: Small, data: Path, tmp_path: Path):
    own = """
[own_scaling]
leak = "the test house's maximum"
mains = { mean_w = 0, std_w = 6000 }
appliances = { kettle = { mean_w = 1, std_w = 3000 }, fridge = { mean_w = 0, std_w = 300 } }

[houses]"""
    source = small(texts={"\n[houses]": own, "window = 31": 'window = 31\nscaling = "own"'})
    row = run(source, data, tmp_path)["kettle"]["network"][0]
    scale = Model.load(Path(row["folder"]) / module.WEIGHTS).scale
    assert scale == Scale(mains_mean_w=0, mains_std_w=6000, appliance_mean_w=(1,), appliance_std_w=(3000,))


def test_the_report_has_spreads_hashes_and_what_is_published(small: Small, data: Path, tmp_path: Path):
    source = small()
    results = run(source, data, tmp_path, seeds=2, appliances=("kettle", "fridge"))
    found = report(source, Parts(source.protocol, source.where, data), results)
    maes = [seed["metrics"]["mae_w"] for seed in results["kettle"]["network"]]
    spread = found["appliances"]["kettle"]["rows"]["network"]["metrics"]["mae_w"]
    assert spread["values"] == maes
    assert spread["mean"] == pytest.approx(sum(maes) / 2)
    assert spread["sd"] == pytest.approx(abs(maes[0] - maes[1]) / 2**0.5)
    assert set(found["hashes"]["data"]) == {path.name for path in data.iterdir()}
    assert found["hashes"]["protocol"] == source.sha256
    both = [found["appliances"][name]["rows"]["network"]["metrics"]["mae_w"]["mean"] for name in ("kettle", "fridge")]
    assert found["mean"]["mae_w"]["network"]["mean"] == pytest.approx(sum(both) / 2)
    table = found["markdown"].splitlines()
    assert f"{spread['mean']:.2f} ± {spread['sd']:.2f}" in found["markdown"]
    assert "| *someone's network* | 7.40 | - | - |" in table
    assert "| *someone's network* |  | 7.40 | - | 0.25 | - | - | - |" in table
    assert sum(line.startswith("| zero predictor |") for line in table) == 3
    assert "Tested on house 5:" in table


def test_overrides_stand_over_the_protocol(small: Small, data: Path):
    source = small(texts={"\n[[published]]\nmodel": PRUNING})
    p = overridden(
        source, network="reduced", window=61, scaling="fitted", sparsity=0.25, test=[Path("/x.csv")], lengths={"budget_s": 9.0}
    )
    assert (p.network, p.window, p.scaling, p.training["budget_s"]) == ("reduced", 61, "fitted", 9.0)
    assert "steps" not in p.training
    assert p.pruning is not None
    assert p.pruning.settings == {"sparsity": 0.25, "frequency": 1}
    assert (p.pruning.training, p.pruning.finetune) == ({"budget_s": 9.0}, {"learning_rate": 1e-4, "budget_s": 9.0})
    assert all(p.roles(name).test == (House(file="/x.csv"),) for name in p.appliances)
    assert overridden(source, pruning="none").pruning is None
    magnitude = overridden(source, pruning="magnitude", pruning_settings={"frequency": "3"}).pruning
    assert magnitude is not None
    assert (magnitude.method, magnitude.settings, magnitude.finetune) == ("magnitude", {"frequency": "3"}, {})
    assert overridden(source) == source.protocol
    with pytest.raises(UsageError, match="--sparsity and --set are of a pruning method"):
        overridden(small(), sparsity=0.5)
    with pytest.raises(UsageError, match=r"small\.toml: scaling 'own' needs"):
        overridden(small(), scaling="own")


def test_nothing_is_trained_where_houses_are_missing_or_the_appliance_is_not_in_the_protocol(
    small: Small, data: Path, tmp_path: Path, trained: list[dict[str, Any]]
):
    with pytest.raises(UsageError, match=r"small\.toml: has no 'microwave', only kettle, fridge"):
        run(small(), data, tmp_path, appliances=("kettle", "microwave"))
    with pytest.raises(DataError, match=r"lacks ukdale_house6_6s\.parquet \(fridge, kettle\); make them with"):
        run(small(texts={"test = [5]": "test = [6]"}), data, tmp_path, appliances=("kettle", "fridge"))
    assert not trained
    assert not list(tmp_path.iterdir())
