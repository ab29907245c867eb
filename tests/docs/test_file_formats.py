"""Every file of the page on formats is understood, or refused, as the page says."""

import re
import shlex
from pathlib import Path

import pytest
from tests.cli.conftest import answer_of
from tests.docs.pages import DOCS

from seq2point.cli import main

PAGE = (DOCS / "reference" / "file_formats.md").read_text()
EXAMPLE = re.compile(r"^`(\S+)`:\n\n```(?:csv|xml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^```console\n\$ seq2point (.*)\n(.*)\n```$", re.MULTILINE)
EXAMPLES = re.split(r"^### ", PAGE.partition("\n## Examples\n")[2], flags=re.MULTILINE)[1:]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.partition("\n")[0])
def test_a_file_is_read_as_the_page_says(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ((name, text),) = EXAMPLE.findall(example)
    Path(name).write_text(text)
    for code in PYTHON.findall(example):
        exec(code, {})
    commands = COMMAND.findall(example)
    assert commands
    for command, line in commands:
        answer = answer_of(main, *shlex.split(command), columns=5000)
        is_refused = line.startswith("seq2point: ")
        assert answer.code == (1 if is_refused else 0), answer.err
        lines = (answer.err if is_refused else answer.out).strip().splitlines()
        assert lines[-1].strip() == line
