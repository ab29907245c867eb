"""Every command and option of the pages exists; the tutorial's run and print what it shows."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer.main
from tests.cli.conftest import answer_of
from tests.docs.pages import DOCS, PAGES, blocks, commands, name_of

from seq2point.cli import app, main

TUTORIAL = DOCS / "tutorial" / "first_model.md"
SHOWING = [page for page in PAGES if commands(page)]


def unknown_words(command: str) -> list[str]:
    """What the command line has no verb or option for."""
    place: Any = typer.main.get_command(app)
    options: set[str] = set()
    unknown = []
    for word in shlex.split(command, comments=True)[1:]:
        if hasattr(place, "commands"):
            if word not in place.commands:
                return [word]
            place = place.commands[word]
            options = {
                name
                for parameter in getattr(place, "params", ())
                for name in (*parameter.opts, *parameter.secondary_opts)
            }
        elif re.match(r"--?[a-z]", word) and word.partition("=")[0] not in options | {"--help"}:
            unknown.append(word)
    return unknown


@pytest.mark.parametrize("page", SHOWING, ids=name_of)
def test_every_verb_and_option_that_a_page_shows_exists(page: Path):
    wrong = {
        f"line {line}: {command}": found
        for line, command in commands(page)
        if (found := unknown_words(command))
    }
    assert not wrong


def test_a_command_that_does_not_exist_is_noticed():
    assert unknown_words("seq2point tarin kettle") == ["tarin"]
    assert unknown_words("seq2point data chekc house1.csv") == ["chekc"]
    words = "seq2point train kettle --trian house1.csv --out=runs -q x"
    assert unknown_words(words) == ["--trian", "-q"]


def shape_of(output: str) -> list[str]:
    """Return an output without what differs by machine: numbers, rules and spaces."""
    bare = re.sub(r"(?<![\w.])-?\d[\d,.]*", "#", re.sub(r"─+", "─", output))
    return [" ".join(line.split()) for line in bare.splitlines() if line.strip()]


def outputs() -> list[tuple[str, str]]:
    """The tutorial's commands with the outputs that it shows."""
    return [
        (command, output)
        for block in blocks(TUTORIAL, "console")
        for command, _, output in (
            part.partition("\n") for part in block.text.removeprefix("$ ").split("\n$ ")
        )
    ]


@pytest.mark.filterwarnings("ignore")
def test_the_tutorial_runs_and_shows_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for command, shown in outputs():
        if command.startswith("seq2point "):
            answer = answer_of(main, *shlex.split(command)[1:], columns=100)
            assert answer.code == 0, answer.err
            said = answer.out or answer.err.splitlines()[-1]
        else:
            said = subprocess.run(
                command, shell=True, capture_output=True, text=True, check=True
            ).stdout
        assert shape_of(said) == shape_of(shown), command
    for block in blocks(TUTORIAL, "python"):
        exec(compile(block.text, f"{TUTORIAL.name}:{block.line}", "exec"), {})
    assert Path("kettle.safetensors").exists()
