"""The names that outsiders rely on: scripts, notebooks and other packages break where one of these
moves.
"""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

import seq2point

NAMES = {
    "seq2point": (
        "load_recording",
        "train",
        "Model",
        "Architecture",
        "PRUNERS",
        "Recording",
        "evaluate",
        "simulate_house",
    ),
    "seq2point.appliances": ("define", "find_appliance", "canonical_name"),
    "seq2point.configuration": ("TrainOptions", "TrainingConfig", "ColumnsConfig"),
    "seq2point.nilmtk": ("Seq2Point", "load_contrib", "save_contrib"),
    "seq2point.errors": (
        "Seq2PointError",
        "DataError",
        "ModelFileError",
        "TrainingError",
        "UsageError",
        "UnhealthyDataError",
        "VerificationError",
    ),
    "seq2point.sliding": ("predict",),
    "seq2point.pruning": ("PRUNERS", "find_pruner", "prune_once", "keep_highest"),
    "seq2point.pruning.schedule": ("ConstantSparsity", "PolynomialDecay"),
    "seq2point.pruning.spp": ("probability_step",),
}
SOURCE = Path(seq2point.__file__).parent
BANNED = {
    "account",
    "aside",
    "asked",
    "answered",
    "answers",
    "apart",
    "begun",
    "compiled",
    "course",
    "doctor",
    "drawn",
    "facts",
    "found",
    "given",
    "kept",
    "lineage",
    "made_up",
    "meant",
    "named",
    "of_use",
    "opened",
    "order",
    "over",
    "parted",
    "ranked",
    "room",
    "said",
    "seal",
    "sealed",
    "shown",
    "standing",
    "stated",
    "titled",
    "told",
    "uses",
    "wanted",
    "what",
    "whole",
    "worked",
    "written",
    "written_whole",
}
"""Words that say too little, or that have a better word in the glossary (docs/reference)."""
SHELVES = ("utils", "helpers", "common", "manager", "misc", "base")
"""Names of modules that anything fits into."""


def public_names() -> list[tuple[str, str]]:
    """Return the public functions, methods and classes of the package, with their modules."""
    names = []
    for path in sorted(SOURCE.rglob("*.py")):
        module = str(path.relative_to(SOURCE))
        top = ast.parse(path.read_text()).body
        inside = [node for kind in top if isinstance(kind, ast.ClassDef) for node in kind.body]
        for node in (*top, *inside):
            kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
            if isinstance(node, kinds) and not node.name.startswith("_"):
                names.append((module, node.name))
    return names


def test_no_public_name_is_a_banned_word():
    assert [f"{module}: {name}" for module, name in public_names() if name in BANNED] == []


def test_no_public_function_is_a_participle():
    verbs = {"feed"}
    constructors = {"untrained", "pretrained", "published"}  # of a model, of a scale
    participles = [
        f"{module}: {name}"
        for module, name in public_names()
        if name.endswith("ed") and name.islower() and "_" not in name
    ]
    assert [name for name in participles if name.split()[1] not in verbs | constructors] == []


def test_no_module_is_a_shelf_for_anything():
    stems = {path.stem for path in SOURCE.rglob("*.py")}
    assert stems & {*SHELVES, *BANNED} == set()


@pytest.mark.parametrize("module", NAMES)
def test_the_names_stay_where_they_are(module: str):
    home = import_module(module)
    assert all(hasattr(home, name) for name in NAMES[module])


def test_everything_that_the_package_lists_is_there_and_nothing_else_is_promised():
    assert all(getattr(seq2point, name) for name in seq2point.__all__)
    with pytest.raises(AttributeError, match="module 'seq2point' has no attribute 'disaggragate'"):
        seq2point.disaggragate  # noqa: B018


def test_errors_are_the_same_at_the_top_and_in_their_module():
    from seq2point import errors

    assert seq2point.DataError is errors.DataError
    assert all(
        issubclass(getattr(errors, name), seq2point.Seq2PointError)
        for name in NAMES["seq2point.errors"]
    )


def test_a_model_is_made_saved_loaded_and_run_through_its_public_names(tmp_path: Path):
    small = seq2point.Architecture(window=33, channels=(4, 4), kernels=(5, 3), hidden=8)
    model = seq2point.Model.untrained("kettle", 6.0, small)
    model.save(tmp_path / "kettle.safetensors")
    loaded = seq2point.Model.load(tmp_path / "kettle.safetensors")
    mains_w = np.full(100, 300, dtype=np.float32)
    for engine in ("sliding", "windows"):
        power_w = loaded.disaggregate(mains_w, engine=engine)
        assert power_w.shape == (100,)
        np.testing.assert_allclose(power_w, model.disaggregate(mains_w), rtol=1e-4)


def test_sliding_predict_gives_one_number_for_each_full_window():
    network = seq2point.Architecture(window=33, channels=(4, 4), kernels=(5, 3), hidden=8).build()
    assert seq2point.sliding.predict(network, torch.zeros(500)).shape == (500 - 33 + 1,)


def test_schedules_tell_their_sparsity_at_a_step():
    from seq2point.compression.pruning.schedule import ConstantSparsity, PolynomialDecay

    assert ConstantSparsity(0.5).sparsity_at(100) == 0.5
    assert PolynomialDecay(0.0, 0.5, 0, 100).sparsity_at(100) == 0.5


def test_the_pruners_table_knows_low_magnitude():
    assert "magnitude" in seq2point.PRUNERS


def test_importing_the_package_and_its_light_rooms_imports_no_torch():
    code = """
import sys
import seq2point
assert not {"torch", "lightning", "sklearn", "polars", "numpy"} & set(
    sys.modules
), "import seq2point is not light"
seq2point.load_recording, seq2point.simulate_house, seq2point.Recording, seq2point.DataError
assert not {"torch", "lightning", "sklearn"} & set(
    sys.modules
), "reading a recording needs no torch"
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
