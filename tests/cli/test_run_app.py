"""How a command ends: exit codes, one line for what a user can cause, and a light help."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from seq2point.cli import options
from seq2point.cli.input_guard import guard_inputs
from seq2point.cli.run_app import run_app
from seq2point.configuration.training import WINDOWS
from seq2point.errors import DataError, Interrupted, ModelFileError, TrainingError, UsageError

Command = Callable[..., Any]
HEAVY = ("torch", "lightning", "polars", "sklearn", "matplotlib", "numpy")


def raising(error: BaseException) -> Callable[[], None]:
    def app(**_: object) -> None:
        raise error

    return lambda: run_app(app)


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (
            DataError("house.csv, line 3: 'mains' is 'x', not a number"),
            1,
            "house.csv, line 3: 'mains' is 'x', not a number",
        ),
        (ModelFileError("m: cut off"), 1, "m: cut off"),
        (TrainingError("no number"), 1, "no number"),
        (UsageError("no such network"), 2, "no such network"),
        (KeyboardInterrupt(), 130, "stopped"),
        (Interrupted(15), 143, "stopped"),
        (
            OSError(28, "No space left on device"),
            1,
            "output: cannot be written (No space left on device)",
        ),
        (
            OSError(28, "No space left on device", "log.csv"),
            1,
            "log.csv: cannot be written (No space left on device)",
        ),
        (
            ModuleNotFoundError(name="torch"),
            1,
            "this needs torch; install it with: pip install 'seq2point[train]'",
        ),
        (
            ModuleNotFoundError(name="matplotlib.pyplot"),
            1,
            "this needs matplotlib.pyplot; install it with: pip install",
        ),
    ],
)
def test_what_a_user_can_cause_is_one_line_and_an_exit_code(
    program: Command, error: BaseException, code: int, says: str
):
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

    answer = program(lambda: run_app(app))
    assert answer.code == 130
    assert answer.err == "seq2point: stopped\n"


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_in_any_verb_is_one_line_and_a_code_of_its_own(
    program: Command, number: int, code: int
):
    app = typer.Typer()

    @app.command()
    def verb() -> None:
        signal.raise_signal(number)

    before = signal.getsignal(number)
    answer = program(lambda: run_app(app))
    assert (answer.code, answer.err) == (code, "seq2point: stopped\n")
    assert signal.getsignal(number) == before


@pytest.mark.parametrize(
    ("verb", "kept", "says"),
    [
        (
            "train",
            "kettle keeps a checkpoint",
            "; kettle keeps a checkpoint, and the same command with --resume goes on",
        ),
        ("train", "", ""),
        ("prune", "kettle keeps a checkpoint", ""),
    ],
)
def test_what_can_be_resumed_is_said_where_the_verb_can_resume(
    program: Command, verb: str, kept: str, says: str
):
    app = typer.Typer()

    def train(resume: bool = False) -> None:
        raise Interrupted(15, kept)

    def prune() -> None:
        raise Interrupted(15, kept)

    app.command()(guard_inputs({"train": train, "prune": prune}[verb]))
    answer = program(lambda: run_app(app))
    assert answer.code == 143
    assert answer.err.startswith(f"seq2point: stopped{says}")
    assert answer.err.count("\n") == 1


def ended(
    *words: object, stdout: str = os.devnull, stderr: int = subprocess.PIPE
) -> tuple[int, str]:
    with open(stdout, "w") as out:
        command = [sys.executable, "-m", "seq2point", *map(str, words)]
        done = subprocess.run(command, stdout=out, stderr=stderr, text=True, check=False)
    return done.returncode, done.stderr or ""


FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")


@FULL
@pytest.mark.parametrize("words", [["--help"], ["models"], ["models", "--json", "-"], ["pruners"]])
def test_what_cannot_be_printed_is_one_line(words: list[str]):
    assert ended(*words, stdout="/dev/full") == (
        1,
        "seq2point: output: cannot be written (No space left on device)\n",
    )


def test_a_reader_that_has_gone_is_no_error():
    shell = f"{sys.executable} -m seq2point models | head -n 1 > {os.devnull}"
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.parametrize(
    "defect", [ZeroDivisionError("ours"), ModuleNotFoundError(name="seq2point.nowhere")]
)
def test_a_defect_of_ours_is_not_hidden(program: Command, defect: Exception):
    with pytest.raises(type(defect)):
        program(raising(defect))


def test_help_lists_every_verb(seq2point: Command):
    answer = seq2point("--help")
    assert answer.code == 0
    assert all(
        verb in answer.out
        for verb in ("train", "test", "disaggregate", "info", "compact", "factorise", "demo")
    )


def test_the_help_of_train_tells_the_defaults(seq2point: Command):
    said = " ".join(seq2point("train", "--help").out.replace("│", " ").split())
    for default in (
        WINDOWS,
        "by method",
        "seq2point",
        "0.003, or 0.001 with engine windows",
        "linear",
        "runs/APPLIANCE_PRUNING_NETWORK",
    ):
        assert f"default: {default}" in said


@pytest.mark.parametrize(
    "words", [["--help"], ["train", "--help"], ["compact", "--help"], ["demo", "--help"]]
)
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
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert said.splitlines()[-1] == "HEAVY:"


def test_the_module_runs_as_the_command():
    for words, code, says in (
        (["--help"], 0, "Usage: seq2point [OPTIONS]"),
        (
            ["no-such-verb"],
            2,
            "seq2point: no such command",
        ),
    ):
        said = subprocess.run(
            [sys.executable, "-m", "seq2point", *words], capture_output=True, text=True, check=False
        )
        assert said.returncode == code
        assert says in said.stdout + said.stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90", 90),
        ("90s", 90),
        ("10m", 600),
        (" 1.5 H ", 5400),
        ("2d", 172800),
        (".5min", 30),
        (8.0, 8),
        (150, 150),
    ],
)
def test_durations_are_read_as_seconds_and_defaults_as_they_are(text: str | float, expected: float):
    assert options.parse_duration_s(text) == expected


@pytest.mark.parametrize("text", ["", "soon", "-5s", "0", "10 weeks", "1e3", "5 m 3 s"])
def test_what_is_no_duration_is_refused_with_an_example(text: str):
    with pytest.raises(typer.BadParameter, match=r"invalid duration .*: expected for example"):
        options.parse_duration_s(text)


VERBS = [
    *(
        ["train"],
        ["transfer"],
        ["transfer-curve"],
        ["prune"],
        ["fit-budget"],
        ["export"],
        ["verify"],
        ["test"],
        ["disaggregate"],
    ),
    *(
        ["convert"],
        ["demo"],
        ["data", "check"],
        ["data", "synthesise"],
        ["protocol", "run"],
        ["protocol"],
        [],
    ),
]


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_help_fits_80_columns_and_cuts_nothing(narrow: Command, verb: list[str]):
    answer = narrow(*verb, "--help")
    assert answer.code == 0
    assert "…" not in answer.out
    assert max(map(len, answer.out.splitlines())) <= 80


@pytest.mark.parametrize(
    "verb", [verb for verb in VERBS if verb and verb[0] != "protocol"], ids=" ".join
)
def test_help_groups_every_option_but_itself(narrow: Command, verb: list[str]):
    _, _, others = narrow(*verb, "--help").out.partition("Other options:\n")
    assert [line.split()[0] for line in others.splitlines()] == ["--help"] or verb == ["data"]


def test_the_help_of_train_groups_its_options_in_order(seq2point: Command):
    lines = seq2point("train", "--help").out.splitlines()
    panels = [
        line.removesuffix(":") for line in lines if line.endswith(":") and not line.startswith(" ")
    ]
    assert panels == [
        "Arguments",
        "Data",
        "Columns of the data",
        "Appliance",
        "Network",
        "Pruning",
        "Training",
        "Augmentation and loss",
        "Simulated houses, traces and teachers",
        "Machine",
        "Output",
        "Other options",
    ]
    assert len(lines) <= 186


# what is typed -> what the line says
MISTYPED = {
    "train kettle --trian x": (
        "seq2point train: no such option: --trian (Possible options: --traced, --traces, --train)"
    ),
    "train kettle": "seq2point train: missing option --train",
    "transfer": "seq2point transfer: missing argument 'MODEL'",
    "train kettle --train x --steps many": (
        "seq2point train: --steps: input should be a valid integer, unable to parse"
    ),
    "train kettle --train x --threads 0": (
        "seq2point train: --threads: input should be greater than or equal to 1"
    ),
    "train kettle --train x --budget 5x": (
        "seq2point train: --budget: invalid duration '5x': expected for example 90s or 1.5h"
    ),
    "train kettle --train x --engine fast": (
        "seq2point train: --engine: 'fast' is not one of 'sliding', 'windows'"
    ),
    "train kettle --train": "seq2point train: option --train requires an argument",
    "trian": "seq2point: no such command 'trian'; did you mean 'train'",
    "data chek": "seq2point data: no such command 'chek'; did you mean 'check'",
    "protocol run refit": "seq2point protocol run: missing option --data",
}


@pytest.mark.parametrize("words", MISTYPED)
def test_a_usage_error_is_one_line_that_names_the_verb(narrow: Command, words: str):
    answer = narrow(*words.split())
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith(MISTYPED[words])
    assert answer.err.endswith("; see --help\n")
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize("words", [[], ["data"], ["protocol"]])
def test_a_command_of_commands_alone_shows_its_help(seq2point: Command, words: list[str]):
    answer = seq2point(*words)
    assert answer.code == 2
    assert "Commands:" in answer.out
    assert answer.err == ""
