"""A console shows names and paths as they are, and there is no other kind of console."""

import ast
import io
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path

import pytest
from rich.table import Table

import seq2point
from seq2point.system.console import make_console, show_status

SOURCE = Path(seq2point.__file__).parent
NAMES = ("a[/b]/mains.csv", "[bold]use [kW][/]", "house :house:", "\\[1]")


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_shown_as_it_is(name: str) -> None:
    err = io.StringIO()
    with redirect_stderr(err):
        console = make_console(to_stderr=True, wrap=False)
        console.print(f"reading {name}")
        table = Table(name, title=name)
        table.add_row(name)
        console.print(table)
    shown = err.getvalue()
    assert f"reading {name}" in shown
    assert shown.count(name) == 4


@pytest.mark.parametrize("name", NAMES)
def test_a_spinner_shows_a_name_as_it_is_on_a_terminal_alone(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with show_status(f"reading {name}"):
        pass
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("FORCE_COLOR", "1")  # for Rich this is a terminal
    with show_status(f"reading {name}"):
        pass
    assert f"reading {name}" in capsys.readouterr().err


def _calls(path: Path) -> Iterator[ast.Call]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _name(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in sorted(SOURCE.rglob("*.py"))
        if "rich" in path.read_text(encoding="utf-8") and path.stem != "console"
    ],
    ids=lambda path: path.relative_to(SOURCE).as_posix(),
)
def test_no_other_console_reads_markup(path: Path) -> None:
    for call in _calls(path):
        name, options = _name(call), {word.arg: word.value for word in call.keywords}
        where = f"{path.name}:{call.lineno}"
        assert name not in {"Console", "status", "Status", "from_markup"}, where
        if name == "TextColumn":
            assert ast.unparse(options["markup"]) == "False", where
