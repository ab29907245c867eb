"""A verb's flags follow from the configuration classes that it takes, and so do its errors."""

from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from tests.cli.conftest import answer_of

from seq2point.cli import app, main
from seq2point.cli.declare import FLAGS, expand, flag_of, say_flags
from seq2point.cli.options import Take
from seq2point.configuration import (
    ColumnsConfig,
    LearningConfig,
    MachineConfig,
    PruningConfig,
    Tolerances,
    TrainingConfig,
    TrainOptions,
)
from seq2point.errors import DataError, UsageError


def params_of(verb: str) -> dict[str, Any]:
    command: Any = typer.main.get_command(app)
    return {flag: p for p in command.commands[verb].params for flag in p.opts + p.secondary_opts}


@pytest.mark.parametrize("kind", [LearningConfig, MachineConfig, PruningConfig, ColumnsConfig])
def test_train_has_a_flag_with_the_description_of_every_field(kind: type[Any]):
    params = params_of("train")
    for name, field in kind.model_fields.items():
        if (kind, name) != (ColumnsConfig, "appliances"):
            said = say_flags(field.description, names=kind.model_fields)
            assert params[flag_of(name)].help.startswith(said)
            assert not any(
                f"`{other}`" in params[flag_of(name)].help for other in kind.model_fields
            )


def test_a_default_of_the_class_is_the_default_of_the_flag(monkeypatch: pytest.MonkeyPatch):
    for name in ("patience", "seed", "schedule", "engine", "active"):
        assert (
            params_of("train")[flag_of(name)].default == LearningConfig.model_fields[name].default
        )


def test_a_verb_gets_the_object_with_the_values_of_its_flags():
    taken: list[Any] = []

    def verb(
        learning: Annotated[
            LearningConfig, Take(only=("steps", "budget_s"), defaults={"steps": 7})
        ],
        pruning: PruningConfig,
    ) -> None:
        """Take the options."""
        taken.append((learning, pruning))

    expanded = expand(verb)
    expanded(steps=7, budget=None, pruning="lamp", sparsity=0.5, set=["frequency=3"])
    learning, pruning = taken[0]
    assert (learning.steps, learning.budget_s, learning.patience) == (7, None, 10)
    assert (pruning.pruning, pruning.pruning_settings) == ("lamp", {"frequency": "3"})


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--active", "2"), "--active 2.0: input should be less than 1"),
        (("--budget", "10m", "--steps", "3"), "give one of --epochs, --steps and --budget"),
        (("--engine", "windows", "--gain", "0.2"), "change whole chunks"),
        (("--sparsity", "0.5"), "--sparsity without pruning: choose --pruning magnitude or "),
        (("--devices", "0"), "--devices: input should be greater than or equal to 1"),
        (
            ("--pruning", "spp", "--sparsity", "0.5", "--set", "sparsity=0.4"),
            "--sparsity and the setting sparsity are the same",
        ),
    ],
)
def test_an_error_of_the_library_names_the_flag(
    tmp_path: Path, words: tuple[str, ...], message: str
):
    answer = answer_of(main, "train", "kettle", "--train", tmp_path / "no.csv", *words)
    assert answer.code == 2
    assert message in answer.err


def test_python_names_the_field_where_the_command_line_names_the_flag():
    error = UsageError("0: too few", field="budget_s")
    assert str(error) == "budget_s 0: too few"
    assert say_flags(str(error), error.field, set()) == "--budget 0: too few"
    text = str(DataError("resample with `period_s`, see `data check`"))
    assert say_flags(text, None, set()) == "resample with --period, see `data check`"


def test_every_flag_that_is_not_its_fields_name_is_a_fields():
    fields = {*TrainOptions.model_fields, *ColumnsConfig.model_fields, *Tolerances.model_fields}
    assert {*FLAGS} <= fields


def test_the_training_config_is_part_of_the_options_of_a_training():
    options = TrainOptions.of(steps=3, seed=5, pruning="lamp")
    config = options.part(TrainingConfig)
    assert (config.steps, config.seed, type(config)) == (3, 5, TrainingConfig)
    assert {*TrainingConfig.model_fields} <= {*TrainOptions.model_fields}
