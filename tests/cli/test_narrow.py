"""What the verbs print on a terminal of 80 columns: whole words and numbers, and no line that is
longer but for a path.
"""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from seq2point.report.terminal import FittedTable, print_prose

Command = Callable[..., Any]

VERBS = [
    "test {model} --data {test} --threads 1",
    "info {model}",
    "info {compact}",
    "prune {model} --method structured --out {out}/pruned.safetensors --threads 1",
    "compact {model} --out {out}/small.safetensors --threads 1",
    "factorise {compact} --rank 4 --out {out}/low.safetensors --threads 1",
    "export {unmasked} --target onnx --out {out}/model.onnx --verify {test} --threads 1",
    "disaggregate {model} {test} --out {out}/answer.csv --threads 1",
    "data check {train} {test}",
    "data synthesise --houses 1 --days 1 --out {out}/homes",
    "convert table {test} --out {out}/converted",
    "models",
    "models kettle-8s",
    "pruners",
    "protocol list",
    "protocol show one_minute_houses",
]


@pytest.fixture
def words(trained: tuple[Path, Any], unmasked: Path, files: Any, tmp_path: Path) -> dict[str, Path]:
    model = trained[0] / "model.safetensors"
    compact = trained[0] / "compact.safetensors"
    models = {"model": model, "compact": compact, "unmasked": unmasked}
    return models | {"train": files.train, "test": files.test, "out": tmp_path}


@pytest.mark.parametrize("verb", VERBS, ids=[" ".join(verb.split()[:2]) for verb in VERBS])
def test_no_verb_cuts_what_it_prints(verb: str, words: dict[str, Path], narrow: Command):
    answer = narrow(*verb.format(**words).split())
    assert answer.code == 0, answer.err
    assert answer.out or verb.startswith("disaggregate")
    assert "…" not in answer.out + answer.err
    assert [
        line
        for line in answer.out.splitlines()
        if len(line) > 80 and str(words["out"].parent.parent) not in line
    ] == []
    assert "1 rows" not in answer.out
    assert "1 threads" not in answer.out


ROWS = [
    [
        "washing machine",
        "a sentence of some length that wraps",
        "12,345,678 W",
        "0.123",
        "1,000,000 bytes",
    ]
] * 2
HEADING = ["", "advice", "highest power of all", "F1", "file"]


@pytest.mark.parametrize("width", [34, 60, 80, 200])
def test_a_table_keeps_every_number_whole_at_any_width(width: int):
    file = StringIO()
    console = Console(width=width, file=file)
    console.print(FittedTable("a title", HEADING, ROWS, wrap=(0, 1)))
    lines = file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert all(
        sum(number in line for line in lines) == 2
        for number in ("12,345,678 W", "0.123", "1,000,000 bytes")
    )
    assert (sum("washing" in line for line in lines) == 2) == (width >= 60)


def test_prose_wraps_between_words_and_keeps_a_path_whole():
    file, path = StringIO(), "/a/long/path/" + "folder/" * 8
    print_prose(Console(width=30, file=file), f"- the model is written to {path} as you asked")
    assert file.getvalue().splitlines() == [
        "- the model is written to",
        f"  {path}",
        "  as you asked",
    ]
