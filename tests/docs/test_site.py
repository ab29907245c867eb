"""The site builds without a warning, and its pages have every verb and public name."""

import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
import typer.main
from tests.docs.pages import DOCS

import seq2point
from seq2point.cli import app

pytest.importorskip(
    "sphinx", reason="the documentation is built by an extra: pip install 'seq2point[docs]'"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    build = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-d",
        str(out / "doctrees"),
        str(DOCS),
        str(out / "html"),
    ]
    made = subprocess.run(build, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return out / "html"


def test_the_command_line_page_has_every_verb(site: Path):
    page = (site / "reference" / "command_line.html").read_text()
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    groups = {
        name: command.commands for name, command in commands.items() if hasattr(command, "commands")
    }
    paths = [
        *(set(commands) - set(groups)),
        *(f"{group} {name}" for group, verbs in groups.items() for name in verbs),
    ]
    assert len(paths) > 20
    assert not [path for path in paths if f"<h2>seq2point {path}<" not in page]
    assert "--transplant" in page


def test_the_python_page_has_every_public_name(site: Path):
    page = unescape((site / "reference" / "python.html").read_text())
    ids = [
        *seq2point.__all__,
        "sliding.predict",
        "pruning.schedule.PolynomialDecay",
        "nilmtk.Seq2Point",
    ]
    assert not [
        name
        for name in ids
        if f'id="seq2point.{name}"' not in page and f'id="seq2point.errors.{name}"' not in page
    ]
