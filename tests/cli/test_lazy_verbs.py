"""A command imports its own verb and no other, and `--help` lists all."""

import subprocess
import sys

import pytest
import typer

from seq2point.cli import GROUP_VERBS, GROUPS, VERBS, app, make_app

CODE = """
import sys
from seq2point.cli import main
sys.argv = ["seq2point", *{words!r}]
try:
    main()
except SystemExit:
    pass
print(*sorted(name for name in sys.modules if name.startswith("seq2point.")), file=sys.stderr)
"""


def list_modules(*words: str) -> set[str]:
    """The modules of the package that a command imports, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(words=words)], capture_output=True, text=True, check=True
    )
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("words", [("disaggregate", "--help"), ("data", "check", "--help")])
def test_a_command_imports_its_own_verb_and_its_own_options(words: tuple[str, ...]):
    imported = list_modules(*words)
    verbs = {f"seq2point.cli.{name.replace('-', '_')}" for name in VERBS} | {
        f"seq2point.cli.{path.rpartition('.')[0]}"
        for verbs in GROUP_VERBS.values()
        for path in verbs.values()
    }
    own = {
        "disaggregate": {"disaggregate"},
        "data": {"data_check", "data_explain", "data_synthesise"},
    }
    assert imported & verbs == {f"seq2point.cli.{name}" for name in own[words[0]]}
    assert "seq2point.configuration.live" not in imported
    assert "seq2point.configuration.columns" in imported


def test_one_verb_alone_is_the_same_as_among_all():
    whole = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert set(whole) == {*VERBS, *GROUPS}
    for name in (*VERBS, *GROUPS):
        alone = typer.main.get_command(make_app((name,))).commands[name]  # type: ignore[attr-defined]
        assert alone.help == whole[name].help
        assert [p.opts for p in alone.params] == [p.opts for p in whole[name].params]
