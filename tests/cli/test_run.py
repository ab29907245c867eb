"""How a command ends: exit codes, one line for what a user can cause, and a light help."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import typer

from seq2point.cli import options
from seq2point.cli.run import run
from seq2point.errors import DataError, ModelFileError, TrainingError, UsageError

Command = Callable[..., Any]
HEAVY = ("torch", "lightning", "polars", "sklearn", "matplotlib", "numpy")


def raising(error: BaseException) -> Callable[[], None]:
    def app() -> None:
        raise error

    return lambda: run(app)


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (DataError("house.csv, line 3: 'mains' is 'x', not a number"), 1, "house.csv, line 3: 'mains' is 'x', not a number"),
        (ModelFileError("m: cut off"), 1, "m: cut off"),
        (TrainingError("no number"), 1, "no number"),
        (UsageError("no such network"), 2, "no such network"),
        (KeyboardInterrupt(), 1, "stopped; --resume goes on from a training's last checkpoint"),
        (ModuleNotFoundError(name="torch"), 1, "this needs torch; install it with: pip install 'seq2point[train]'"),
        (ModuleNotFoundError(name="matplotlib.pyplot"), 1, "this needs matplotlib.pyplot; install it with: pip install"),
    ],
)
def test_what_a_user_can_cause_is_one_line_and_an_exit_code(program: Command, error: BaseException, code: int, says: str):
    answer = program(raising(error))
    assert answer.code == code
    assert answer.err.startswith(f"seq2point: {says}")
    assert answer.err.count("\n") == 1
    assert answer.out == ""


def test_ctrl_c_inside_a_verb_is_one_line_too(program: Command):
    app = typer.Typer()

    @app.command()
    def verb() -> None:
        raise KeyboardInterrupt

    answer = program(lambda: run(app))
    assert answer.code == 1
    assert answer.err == "seq2point: stopped; --resume goes on from a training's last checkpoint\n"


@pytest.mark.parametrize("defect", [ZeroDivisionError("ours"), ModuleNotFoundError(name="seq2point.nowhere")])
def test_a_defect_of_ours_is_not_hidden(program: Command, defect: Exception):
    with pytest.raises(type(defect)):
        program(raising(defect))


def test_help_lists_every_verb(seq2point: Command):
    answer = seq2point("--help")
    assert answer.code == 0
    assert all(verb in answer.out for verb in ("train", "test", "disaggregate", "info", "compact", "factorise", "demo"))


def test_the_help_of_train_tells_the_defaults(seq2point: Command):
    said = " ".join(seq2point("train", "--help").out.replace("│", " ").split())
    for default in (
        options.WINDOWS,
        "by method",
        "seq2point",
        "0.003, or 0.001 with --engine windows",
        "linear",
        "runs/APPLIANCE_PRUNING_NETWORK",
    ):
        assert f"default: {default}]" in said or f"default: ({default})]" in said


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"], ["compact", "--help"], ["demo", "--help"]])
def test_help_imports_nothing_heavy(words: list[str]):
    code = f"""
import sys
sys.argv = ["seq2point", *{words!r}]
from seq2point.cli import main
try:
    main()
except SystemExit as left:
    assert not left.code
print("HEAVY:", *sorted(set({HEAVY!r}) & set(sys.modules)))
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "HEAVY:"


def test_the_module_runs_as_the_command():
    for words, code in (["--help"], 0), (["no-such-verb"], 2):
        said = subprocess.run([sys.executable, "-m", "seq2point", *words], capture_output=True, text=True, check=False)
        assert said.returncode == code
        assert "seq2point [OPTION" in said.stdout + said.stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90", 90), ("90s", 90), ("10m", 600), (" 1.5 H ", 5400), ("2d", 172800), (".5min", 30), (8.0, 8), (150, 150)],
)
def test_durations_are_read_as_seconds_and_defaults_as_they_are(text: str | float, expected: float):
    assert options.seconds(text) == expected


@pytest.mark.parametrize("text", ["", "soon", "-5s", "0", "10 weeks", "1e3", "5 m 3 s"])
def test_what_is_no_duration_is_refused_with_an_example(text: str):
    with pytest.raises(typer.BadParameter, match="is no duration; write 90s, 10m or"):
        options.seconds(text)
