"""A run makes every part once, makes again what a change decides and nothing else, and goes on
where it was interrupted.
"""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch

from seq2point.errors import DataError, UsageError
from seq2point.model.evaluation import evaluate
from seq2point.model.model_file import Model
from seq2point.recording.scaling import Scale
from seq2point.report.protocols.numbers import make_report
from seq2point.studies import ResultCache
from seq2point.studies.protocols import rows as rows_module
from seq2point.studies.protocols import runner as module
from seq2point.studies.protocols import steps as steps_module
from seq2point.studies.protocols.houses import load_stretch
from seq2point.studies.protocols.library import NamedProtocol
from seq2point.studies.protocols.overrides import list_variants, override_protocol
from seq2point.studies.protocols.protocol_file import House
from seq2point.studies.protocols.runner import Results, Runner
from seq2point.studies.protocols.steps import ProtocolSteps
from seq2point.training import train_with_history

Small = Callable[..., NamedProtocol]
PRUNING = """
[pruning]
method = "structured"
settings = { sparsity = 0.5, frequency = 1 }
training = { steps = 2 }
finetune = { steps = 2, learning_rate = 1e-4 }

[[published]]
model"""


def run(
    source: NamedProtocol,
    data: Path,
    store: Path,
    seeds: int = 1,
    appliances: tuple[str, ...] = ("kettle",),
) -> Results:
    return run_all([ProtocolSteps(source.protocol, source.where, data)], store, seeds, appliances)


def run_all(
    variants: Sequence[ProtocolSteps],
    store: Path,
    seeds: int = 1,
    appliances: tuple[str, ...] = ("kettle",),
) -> Results:
    return Runner(variants, ResultCache(store), "cpu", 1, progress=False).run(appliances, seeds)


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
    return dict(
        Model.load(
            Path(results["kettle"][row][seed]["folder"]) / module.WEIGHTS
        ).network.state_dict()
    )


def alike(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(t, other[name]) for name, t in one.items())


def test_the_result_is_what_the_model_that_lies_there_reaches_on_the_test_house(
    small: Small, data: Path, tmp_path: Path
):
    source = small()
    results = run(source, data, tmp_path)
    (row,) = results["kettle"]["network"]
    model = Model.load(Path(row["folder"]) / module.WEIGHTS)
    test = load_stretch(
        source.protocol, House(house="5"), source.protocol.appliance("kettle"), data
    )
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


def test_an_appliance_may_have_a_window_of_its_own(small: Small, data: Path, tmp_path: Path):
    source = small(texts={"thresholds = { on_power_w = 1500 }": "window = 21"})
    results = run(source, data, tmp_path)
    (row,) = results["kettle"]["network"]
    assert Model.load(Path(row["folder"]) / module.WEIGHTS).window == 21
    assert override_protocol(source, window=25).window_of("kettle") == 25


CHANGES: dict[str, tuple[dict[str, str], bool, bool]] = {
    "what is published": ({"7.4": "7.5"}, False, False),
    "the title": ({"Small": "Another"}, False, False),
    "another appliance": (
        {"[appliances.fridge]": "[appliances.fridge]\ntest = [1]\ntrain = [5]"},
        False,
        False,
    ),
    "a threshold": ({"on_power_w = 1500": "on_power_w = 1600"}, False, True),
    "the test house": ({"test = [5]": "test = [{ house = 5, block = [0.5, 1.0] }]"}, False, True),
    "the stride": ({"window = 31": "window = 31\nstride = 2"}, False, True),
    "the training house": (
        {"train = [1,": "train = [{ house = 1, block = [0.0, 0.9] },"},
        True,
        True,
    ),
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
    before, after = (
        ProtocolSteps(source.protocol, source.where, data)
        for source in (small(), small(texts=texts))
    )
    one, other = before.plan_network("kettle", 0), after.plan_network("kettle", 0)
    assert (one.key != other.key) == trains
    assert (before.plan_test("kettle", one).key != after.plan_test("kettle", other).key) == tests


def test_other_readings_make_it_again(small: Small, data: Path, tmp_path: Path):
    for path in data.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    p, where = small().protocol, small().where
    one, other = ProtocolSteps(p, where, data), ProtocolSteps(p, where, tmp_path)
    assert one.plan_network("kettle", 0).key == other.plan_network("kettle", 0).key
    (tmp_path / "ukdale_house1_6s.parquet").write_bytes(
        (data / "ukdale_house5_6s.parquet").read_bytes()
    )
    assert one.plan_network("kettle", 0).key != other.plan_network("kettle", 0).key
    assert (
        one.plan_network("kettle", 0).key
        != one.plan_network("kettle", 1).key
        != one.plan_network("fridge", 1).key
    )


class StopAt(pl.Callback):
    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == 2:
            raise KeyboardInterrupt


def test_an_interrupted_part_goes_on_from_its_checkpoint_to_the_same_weights(
    small: Small, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    whole = run(small(), data, tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(
            module,
            "train_with_history",
            lambda *r, **o: train_with_history(*r, **o, callbacks=[StopAt()]),
        )
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
    assert [(o["steps"], o.get("learning_rate")) for o in trained] == [
        (3, None),
        (2, None),
        (2, 1e-4),
    ]
    dense, pruned = (results["kettle"][row][0] for row in ("network", "structured-0.5"))
    assert pruned["compacted"]
    assert pruned["parameters"] < 0.5 * dense["parameters"]
    assert weights(results, "structured-0.5")["hidden.weight"].shape[0] == 4
    assert (pruned["planned_steps"], pruned["finetuning"]["planned_steps"]) == (2, 2)
    costs = pruned["costs"]["models"]
    assert set(costs) == {"network", "pruned", "compacted"}
    assert costs["network"]["file_bytes"] < costs["pruned"]["file_bytes"]  # its masks
    assert costs["compacted"]["file_bytes"] < costs["network"]["file_bytes"]
    assert costs["compacted"]["nonzero_parameters"] == pruned["nonzero_parameters"]
    assert all(of["latency_ms"] > 0 for of in costs.values())
    (parts,) = variants = [ProtocolSteps(source.protocol, source.where, data)]
    row = make_report(source, variants, ResultCache(tmp_path), ["kettle"])["appliances"]["kettle"][
        "rows"
    ][parts.row]
    assert (row["label"], row["sparsity_asked"]) == ("structured", "50 % of units and channels")
    assert row["share_left"]["mean"] == pruned["nonzero_parameters"] / dense["parameters"]
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
    assert scale == Scale(
        mains_mean_w=0, mains_std_w=6000, appliance_mean_w=(1,), appliance_std_w=(3000,)
    )


def test_the_report_has_spreads_hashes_and_what_is_published(
    small: Small, data: Path, tmp_path: Path
):
    source = small()
    results = run(source, data, tmp_path, seeds=2, appliances=("kettle", "fridge"))
    found = make_report(
        source,
        [ProtocolSteps(source.protocol, source.where, data)],
        ResultCache(tmp_path),
        ["kettle", "fridge"],
    )
    maes = [seed["metrics"]["mae_w"] for seed in results["kettle"]["network"]]
    spread = found["appliances"]["kettle"]["rows"]["network"]["metrics"]["mae_w"]
    assert spread["values"] == maes
    assert spread["mean"] == pytest.approx(sum(maes) / 2)
    assert spread["sd"] == pytest.approx(abs(maes[0] - maes[1]) / 2**0.5)
    assert set(found["hashes"]["data"]) == {path.name for path in data.iterdir()}
    assert found["hashes"]["protocol"] == source.sha256
    both = [
        found["appliances"][name]["rows"]["network"]["metrics"]["mae_w"]["mean"]
        for name in ("kettle", "fridge")
    ]
    assert found["mean"]["mae_w"]["network"]["mean"] == pytest.approx(sum(both) / 2)
    table = found["markdown"].splitlines()
    assert f"{spread['mean']:.2f} ± {spread['sd']:.2f}" in found["markdown"]
    assert "| *someone's network* |  | 7.40 | - | - |" in table
    assert any(
        line.startswith("| kettle, house 5 | *someone's network* | ")
        and "| 7.40 | - | 0.25 |" in line
        for line in table
    )
    assert sum("| zero predictor |" in line for line in table) == 3
    (line,) = (line for line in table if line.startswith("- kettle: tested on house 5"))
    assert re.fullmatch(r".* \(9\.\d of 9\.6 hours scored \(9\d%\)\)", line)


def test_overrides_stand_over_the_protocol(small: Small, data: Path):
    source = small(texts={"\n[[published]]\nmodel": PRUNING})
    p = override_protocol(
        source,
        network="reduced",
        window=61,
        scaling="fitted",
        sparsity=0.25,
        test=[Path("/x.csv")],
        lengths={"budget_s": 9.0},
    )
    assert (p.network, p.window, p.scaling, p.training["budget_s"]) == (
        "reduced",
        61,
        "fitted",
        9.0,
    )
    assert "steps" not in p.training
    assert p.pruning is not None
    assert p.pruning.settings == {"sparsity": 0.25, "frequency": 1}
    assert (p.pruning.training, p.pruning.finetune) == (
        {"budget_s": 9.0},
        {"learning_rate": 1e-4, "budget_s": 9.0},
    )
    assert all(p.roles(name).test == (House(file="/x.csv"),) for name in p.appliances)
    assert override_protocol(source, pruning="none").pruning is None
    magnitude = override_protocol(
        source, pruning="magnitude", pruning_settings={"frequency": "3"}
    ).pruning
    assert magnitude is not None
    assert (magnitude.method, magnitude.settings) == ("magnitude", {"frequency": "3"})
    assert (magnitude.training, magnitude.finetune) == (
        {"steps": 2},
        {"steps": 2, "learning_rate": 1e-4},
    )
    assert override_protocol(source) == source.protocol
    with pytest.raises(UsageError, match="--sparsity and --set are of a pruning method"):
        override_protocol(small(), sparsity=0.5)
    with pytest.raises(UsageError, match=r"small\.toml: scaling 'own' needs"):
        override_protocol(small(), scaling="own")


def test_a_length_replaces_that_of_an_appliance_too(small: Small, data: Path):
    own = "[appliances.kettle]\ntraining = { steps = 9, learning_rate = 1e-3 }"
    source = small(texts={"[appliances.kettle]": own})
    shorter = override_protocol(source, lengths={"budget_s": 2.0})
    steps = ProtocolSteps(shorter, source.where, data)
    for name in ("kettle", "fridge"):
        settings = steps.settings(name, 0)
        assert (settings.budget_s, settings.steps) == (2.0, None)
    assert steps.settings("kettle", 0).learning_rate == 1e-3
    assert source.protocol.appliances["kettle"].training["steps"] == 9


def grid(
    source: NamedProtocol,
    data: Path,
    methods: Sequence[str],
    sparsities: Sequence[float],
    **lengths: int,
) -> list[ProtocolSteps]:
    protocols = list_variants(
        source,
        methods,
        sparsities,
        lengths=lengths,
        pruning_settings={"frequency": 1} if methods else None,
    )
    return [ProtocolSteps(protocol, source.where, data) for protocol in protocols]


def rows_after(
    source: NamedProtocol, variants: Sequence[ProtocolSteps], store: Path, **options: Any
) -> dict[str, Any]:
    """The kettle of a report, once all is run."""
    run_all(variants, store, **options)
    found = make_report(source, variants, ResultCache(store), ["kettle"])
    assert json.loads(json.dumps(found)) == found
    return dict(found["appliances"]["kettle"])


def test_methods_come_once_and_none_is_the_network_itself(small: Small):
    source = small()
    chosen = list_variants(source, ["tfmot", "none", "magnitude", "lamp"], [0.5, 0.8, 0.5])
    assert [(p.pruning.method, p.pruning.settings["sparsity"]) for p in chosen if p.pruning] == [
        ("magnitude", 0.5), ("magnitude", 0.8), ("lamp", 0.5), ("lamp", 0.8),
    ]  # fmt: skip
    assert [p.pruning for p in list_variants(source, ["none"])] == [None]
    assert list_variants(source) == [source.protocol]


def test_every_method_at_every_sparsity_is_a_row_and_prunes_the_same_network(
    small: Small, data: Path, tmp_path: Path, trained: list[dict[str, Any]]
):
    source = small()
    variants = grid(source, data, ["magnitude", "structured"], [0.5, 0.75])
    of = rows_after(source, variants, tmp_path)
    assert list(of["rows"]) == [
        "network",
        "magnitude-0.5",
        "magnitude-0.75",
        "structured-0.5",
        "structured-0.75",
    ]
    assert [options.get("pruning") is None for options in trained] == [
        True,
        False,
        False,
        False,
        False,
    ]
    dense = of["parts"]["network"][0]["parameters"]
    for name, row in of["rows"].items():
        model = Model.load(Path(of["parts"][name][0]["folder"]) / module.WEIGHTS)
        left = sum(int(p.count_nonzero()) for p in model.network.parameters())
        assert row["weights_left"]["mean"] == left
        assert row["share_left"]["mean"] == left / dense
    shares = {name: row["share_left"]["mean"] for name, row in of["rows"].items()}
    assert all(
        shares[f"{method}-0.5"] > shares[f"{method}-0.75"] for method in ("magnitude", "structured")
    )
    asked = [row["sparsity_asked"] for row in of["rows"].values()]
    assert asked == [
        None,
        "50 % of weights",
        "75 % of weights",
        "50 % of units and channels",
        "75 % of units and channels",
    ]


def test_a_report_grows_with_every_run_and_loses_no_row(
    small: Small, data: Path, tmp_path: Path, trained: list[dict[str, Any]]
):
    source = small()
    first = rows_after(source, grid(source, data, ["magnitude"], [0.5]), tmp_path)
    second = rows_after(source, grid(source, data, ["lamp"], [0.75]), tmp_path, seeds=2)
    assert list(second["rows"]) == ["network", "magnitude-0.5", "lamp-0.75"]
    assert second["rows"]["magnitude-0.5"] == first["rows"]["magnitude-0.5"]
    assert [len(parts) for parts in second["parts"].values()] == [2, 1, 2]
    assert len(trained) == 5
    dense = rows_after(source, grid(source, data, [], []), tmp_path)
    assert dense == second
    longer = rows_after(source, grid(source, data, ["magnitude"], [0.5], steps=4), tmp_path)
    names = {key.rpartition("-")[0] for key in set(longer["rows"]) - set(second["rows"])}
    assert names == {"network", "magnitude-0.5", "lamp-0.75"} - {"lamp-0.75"}
    labels = [row["label"] for row in longer["rows"].values()]
    assert sum(label.startswith("own shape, window 31, steps ") for label in labels) == 2
    assert {"magnitude, steps 3", "magnitude, steps 4"} <= set(labels)
    assert longer["rows"]["network"]["decides"]["network"]["training"]["steps"] == 4
    lines = {row["line"] for row in longer["rows"].values() if row["method"] == "magnitude"}
    assert lines == {"magnitude, steps 3", "magnitude, steps 4"}


def test_what_was_scored_elsewhere_stays_apart_with_its_houses_and_baselines(
    small: Small, data: Path, tmp_path: Path
):
    source = small()
    here = rows_after(source, grid(source, data, ["magnitude"], [0.5]), tmp_path)
    other = small(texts={"test = [5]": ""})
    found = make_report(
        other, [ProtocolSteps(other.protocol, other.where, data)], ResultCache(tmp_path), []
    )
    assert found["appliances"]["kettle"] == here
    of = rows_after(other, [ProtocolSteps(other.protocol, other.where, data)], tmp_path)
    (elsewhere,) = of["elsewhere"]
    assert (of["tested_on"], of["role_tested_on"]) == (["house 2, 50% to 100%"], "validation")
    assert (elsewhere["tested_on"], elsewhere["rows"]) == (["house 5"], here["rows"])
    assert list(of["rows"]) == ["network"]
    assert of["baselines"] != elsewhere["baselines"]
    text = make_report(
        other, [ProtocolSteps(other.protocol, other.where, data)], ResultCache(tmp_path), ["kettle"]
    )["markdown"]
    assert "| kettle, house 5 | └ magnitude | 50 % of weights | 1 | " in text
    assert "| kettle, house 2, 50% to 100% | zero predictor | " in text
    published = [line for line in text.splitlines() if "someone's network" in line]
    assert len(published) == 1
    assert published[0].startswith("| kettle, house 2")


def test_rows_of_another_version_of_the_code_stay_and_say_so(
    small: Small, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    source = small()
    first = rows_after(source, grid(source, data, ["magnitude"], [0.5]), tmp_path)
    for module_with_version in (steps_module, rows_module):
        monkeypatch.setattr(module_with_version, "VERSION", 99)
    second = rows_after(source, grid(source, data, ["lamp"], [0.5]), tmp_path)
    labels = {key: row["label"] for key, row in second["rows"].items()}
    assert labels == {
        "network": "own shape, window 31",
        "magnitude-0.5": "magnitude †",
        "lamp-0.5": "lamp",
    }
    assert second["rows"]["magnitude-0.5"]["metrics"] == first["rows"]["magnitude-0.5"]["metrics"]


def test_nothing_is_trained_where_houses_are_missing_or_the_appliance_is_not_in_the_protocol(
    small: Small, data: Path, tmp_path: Path, trained: list[dict[str, Any]]
):
    with pytest.raises(UsageError, match=r"small\.toml: has no 'microwave', only kettle, fridge"):
        run(small(), data, tmp_path, appliances=("kettle", "microwave"))
    with pytest.raises(
        DataError, match=r"lacks ukdale_house6_6s\.parquet \(fridge, kettle\); make them with"
    ):
        run(
            small(texts={"test = [5]": "test = [6]"}),
            data,
            tmp_path,
            appliances=("kettle", "fridge"),
        )
    assert not trained
    assert not list(tmp_path.iterdir())
