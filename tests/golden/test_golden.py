"""What a rebuilding of the house must not change: losses of tiny trainings, and the command line.

`SEQ2POINT_GOLDEN=write python -m pytest tests/golden` writes the values anew; say in the commit why
they changed
"""

import inspect
import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.training.conftest import rectangles

from seq2point import PRUNERS, Architecture
from seq2point.training import train_with_history

FOLDER = Path(__file__).parent
WRITING = os.environ.get("SEQ2POINT_GOLDEN") == "write"
SHAPE = Architecture(window=33, channels=(4, 4), kernels=(5, 3), hidden=8)
ENGINES: dict[str, dict[str, Any]] = {
    "windows": {"engine": "windows", "batch_size": 40, "learning_rate": 0.01},
    "sliding": {
        "engine": "sliding",
        "chunk": 40,
        "batch_size": 80,
        "loads": 2,
        "stretch": 0.2,
        "missing": 0.1,
    },
}
CASES = [(engine, pruning) for engine in ENGINES for pruning in ("none", *PRUNERS)]


def golden(name: str, found: Any) -> Any:
    """The stored values of a name, or those that were found where they are written anew."""
    path = FOLDER / f"{name}.json"
    if WRITING:
        path.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    return json.loads(path.read_text())


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("engine", "pruning"), CASES)
def test_a_tiny_training_has_the_losses_that_it_had(engine: str, pruning: str):
    trained = train_with_history(
        rectangles(1200, seed=3),
        "kettle",
        network=SHAPE,
        pruning=pruning,
        steps=40,
        patience=1000,
        progress=False,
        **ENGINES[engine],
    )
    found = [
        [row[name] for name in ("step", "val_loss", "interval_loss", "sparsity")]
        for row in trained.history[::5]
    ]
    expected = golden(f"{engine}-{pruning}", found)
    assert len(found) == len(expected)
    for row, was in zip(found, expected, strict=True):
        assert row == pytest.approx(was, rel=1e-3, abs=1e-6)


def command_line() -> dict[str, list[str]]:
    """Every verb with its options, and the arguments without names, as a user types them."""
    import typer

    from seq2point.cli import app

    def walk(command: Any, words: tuple[str, ...]) -> dict[str, list[str]]:
        if hasattr(command, "commands"):
            found: dict[str, list[str]] = {}
            for name, verb in command.commands.items():
                found |= walk(verb, (*words, name))
            return found
        flags = [flag for p in command.params for flag in p.opts + p.secondary_opts]
        return {" ".join(words): sorted(flags)}

    return walk(typer.main.get_command(app), ())


def test_the_command_line_has_the_verbs_and_options_that_it_had():
    found = command_line()
    expected = golden("command_line", found)
    assert {
        verb: options
        for verb, options in expected.items()
        if set(options) - set(found.get(verb, ()))
    } == {}
    assert sorted(found) == sorted(expected)


def test_the_python_functions_have_the_parameters_that_they_had():
    import seq2point

    names = ("load_recording", "train", "evaluate", "simulate_house")
    found = {name: list(inspect.signature(getattr(seq2point, name)).parameters) for name in names}
    found |= {
        f"Model.{name}": list(inspect.signature(getattr(seq2point.Model, name)).parameters)
        for name in ("save", "load", "untrained", "pretrained", "predict_w", "disaggregate")
    }
    expected = golden("python", found)
    for name, parameters in expected.items():
        assert [p for p in parameters if p not in found[name]] == [], name
