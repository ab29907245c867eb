"""The recipes of CONTRIBUTING.md work: a test adds what each says, and it works at once."""

import re
import sys
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import yaml
from tests.cli.conftest import answer_of
from tests.contracts import test_pruners, test_sources
from tests.docs.pages import ROOT
from torch import Tensor, nn

import seq2point
from seq2point import Architecture, Model, Recording, deploy
from seq2point.cli import app, main
from seq2point.cli.help_and_usage import Verb
from seq2point.cli.input_guard import guard_inputs
from seq2point.data.parquet_file import write_recording
from seq2point.datasets import contract, sources
from seq2point.network import NETWORKS
from seq2point.pruning import PRUNERS, PruneState, SingleWeights, count_kept, keep_highest
from seq2point.studies.protocols import library
from seq2point.studies.protocols.steps import ProtocolSteps
from seq2point.system.atomic_files import write_json

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
SCREEN = 80


class Tiny(SingleWeights):
    """Keep the weights of the highest index."""

    name = "tiny"
    source = "a recipe"
    advice = "A recipe."

    def choose(self, network: nn.Module, sparsity: float, state: PruneState) -> dict[str, Tensor]:
        return {
            name: keep_highest(scores, count_kept(scores.numel(), sparsity))
            for name, scores in self.magnitudes(network, state).items()
        }


@pytest.fixture
def kettles() -> Recording:
    kettle_w = np.where(np.arange(800) % 100 < 15, np.float32(2500), np.float32(0))
    return Recording("1", 60.0, kettle_w + 200, {"kettle": kettle_w})


def walk_pruner(patch: pytest.MonkeyPatch, folder: Path, kettles: Recording) -> None:
    patch.setitem(PRUNERS, Tiny.name, Tiny)
    smallest = test_pruners.Smallest(
        test_pruners.POLYNOMIAL, test_pruners.TOO_SLOW, test_pruners.each(0.7), test_pruners.ONE
    )
    pruner = Tiny(**smallest.enough)
    test_pruners.test_it_keeps_the_promised_number_of_weights_and_at_least_one_of_every_tensor(
        kettles, pruner, smallest
    )
    test_pruners.test_deciding_changes_neither_the_weights_nor_the_state_it_is_given(pruner)
    test_pruners.test_a_setting_that_it_lacks_is_a_usage_error_that_names_it(pruner)
    assert "tiny" in answer_of(main, "pruners").out


def walk_source(patch: pytest.MonkeyPatch, folder: Path, kettles: Recording) -> None:
    redd = sources.find_source("redd")
    module: Any = ModuleType(f"{sources.__name__}.tiny")
    module.SOURCE = contract.Source(
        "tiny", redd.layout, lambda root, *rest: redd.list_houses(root / "inner", *rest)
    )
    patch.setitem(sys.modules, module.__name__, module)
    patch.setattr(sources, "NAMES", (*sources.NAMES, "tiny"))
    root = test_sources.redd(folder / "raw" / "inner").parent
    tree = test_sources.Tree(sources.find_source("tiny"), root)
    test_sources.test_its_houses_come_in_order_with_the_mains_first_and_then_the_appliances_of_the_store(
        tree
    )
    test_sources.test_what_was_written_in_its_layout_comes_back_gaps_included(tree, folder)


def walk_network(patch: pytest.MonkeyPatch, folder: Path, kettles: Recording) -> None:
    patch.setitem(NETWORKS, "tiny", Architecture(channels=(2, 2), kernels=(5, 3), hidden=4))
    write_recording(kettles, folder / "house.parquet")
    train = (
        "train",
        "kettle",
        "--train",
        folder / "house.parquet",
        "--network",
        "tiny",
        "--window",
        33,
        "--steps",
        2,
    )
    answer = answer_of(main, *train, "--out", folder / "run")
    assert answer.code == 0, answer.err
    assert Model.load(folder / "run" / "model.safetensors").architecture.channels == (2, 2)


def walk_target(patch: pytest.MonkeyPatch, folder: Path, kettles: Recording) -> None:
    def export(model: Model, out: Path, order: deploy.ExportOptions) -> deploy.ExportResult:
        write_json(model.architecture.model_dump(), out)
        return deploy.ExportResult({"model": out}, {})

    module: Any = ModuleType("seq2point.deploy.tiny")
    module.export = export
    patch.setitem(sys.modules, module.__name__, module)
    patch.setitem(deploy.TARGETS, "tiny", module.__name__)
    Model.untrained(
        "kettle", 60.0, Architecture(window=33, channels=(2,), kernels=(5,), hidden=4)
    ).save(folder / "m.safetensors")
    answer = answer_of(
        main, "export", folder / "m.safetensors", "--target", "tiny", "-o", folder / "m.json"
    )
    assert answer.code == 0, answer.err
    assert '"window"' in (folder / "m.json").read_text()


def walk_verb(patch: pytest.MonkeyPatch, folder: Path, kettles: Recording) -> None:
    def tiny(name: str) -> None:
        """Greet a name."""
        print(f"hello {name}")

    patch.setattr(app, "registered_commands", list(app.registered_commands))
    app.command(cls=Verb)(guard_inputs(tiny))
    assert answer_of(main, "tiny", "kettle").out == "hello kettle\n"
    assert "Greet a name." in answer_of(main, "--help").out


def walk_protocol(patch: pytest.MonkeyPatch, folder: Path, kettles: Recording) -> None:
    shown = answer_of(main, "protocol", "show", "one_minute", "--toml")
    assert tomllib.loads(shown.out)
    path = folder / "tiny.toml"
    path.write_text(shown.out)
    source = library.find_protocol(str(path))
    ProtocolSteps(source.protocol, source.where, folder).check(1)
    patch.setattr(library, "resources", lambda package: folder)
    assert library.list_names() == ["tiny"]
    assert library.find_protocol("tiny").protocol == replace(source, name="tiny").protocol


WALKS: dict[str, Callable[[pytest.MonkeyPatch, Path, Recording], None]] = {
    name.removeprefix("walk_"): walk
    for name, walk in list(globals().items())
    if name.startswith("walk_")
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("recipe", WALKS)
def test_a_recipe_works(
    recipe: str, kettles: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    WALKS[recipe](monkeypatch, tmp_path, kettles)


def test_every_recipe_is_walked():
    assert re.findall(r"^### To add an? (\w+)$", CONTRIBUTING, re.MULTILINE) == list(WALKS)


def named_in_files() -> list[tuple[str, str]]:
    """The tables that the recipes tell of, each with the file that should hold it."""
    return re.findall(r"`([A-Z][A-Za-z]+)` in\s+`(\S+\.py)`", CONTRIBUTING)


def test_the_files_that_the_recipes_name_are_there_and_hold_what_they_name():
    paths = re.findall(r"`((?:src|tests|docs)/[\w/.]+)`", CONTRIBUTING)
    assert len(paths) > 12
    assert not [path for path in paths if not (ROOT / path).exists()]
    assert {name for name, _ in named_in_files()} > {
        "PRUNERS",
        "NAMES",
        "RawLayout",
        "NETWORKS",
        "TARGETS",
    }
    for name, path in named_in_files():
        assert re.search(rf"^{name}\b", (ROOT / path).read_text(), re.MULTILINE), (name, path)


def test_it_fits_one_screen_and_names_the_targets_of_make():
    assert len(CONTRIBUTING.splitlines()) <= SCREEN
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^make (\w+)", CONTRIBUTING, re.MULTILINE)
    assert not [
        target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)
    ]


def test_the_citation_has_the_last_released_version_and_the_licence():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text()
    version, date = re.findall(r"^## \[(\d[^]]*)\] - (\S+)$", changelog, re.MULTILINE)[0]
    assert (citation["version"], str(citation["date-released"])) == (version, date)
    assert seq2point.__version__ == project["version"]
    assert (citation["title"], citation["license"]) == (project["name"], project["license"])
