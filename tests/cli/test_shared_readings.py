"""Houses that are given twice, and tests on what was learned: refused, or said in one line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seq2point.data.parquet_file import write_recording

Command = Callable[..., Any]
pytestmark = pytest.mark.filterwarnings("default")

TESTED = "it is tested on readings that it learns from"
VALIDATED = "it is validated on readings that it learns from"
FEW = ("--steps", 2, "--engine", "windows", "--batch-size", 32, "--threads", 1)
NETWORK = ("--network", "reduced", "--window", 31)


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory, make_house: Callable[..., Any]) -> Path:
    """A house, a copy of it under another name, its second half, and another house."""
    folder = tmp_path_factory.mktemp("shared")
    whole = make_house(2500, 1)
    write_recording(whole, folder / "one.parquet")
    write_recording(whole, folder / "copy.parquet")
    write_recording(whole.slice(1250, 2500), folder / "half.parquet")
    write_recording(make_house(2500, 5), folder / "other.parquet")
    return folder


@pytest.fixture
def run_verb(
    seq2point: Command, trained: tuple[Path, Any], houses: Path, tmp_path: Path
) -> Command:
    """Runs a verb on houses by their names, for a few steps."""

    def run(verb: str, typed: str, *words: object) -> Any:
        return seq2point(*_make_words(verb, typed, trained[0], houses, tmp_path), *words)

    return run


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("--train one --test one", [TESTED]),
        ("--train one --test copy", [TESTED]),
        ("--train one --test half", [TESTED]),
        ("--train one --validate one --test other", [VALIDATED]),
        ("--train other --validate one --test half", []),
        ("--train one --test other", []),
    ],
)
@pytest.mark.parametrize("verb", ["train", "transfer"])
def test_it_says_where_what_is_learned_is_tested(
    run_verb: Command, verb: str, typed: str, says: list[str]
):
    answer = run_verb(verb, typed)
    assert answer.code == 0, answer.err
    for text in (TESTED, VALIDATED):
        assert answer.err.count(text) == says.count(text)
    assert "`" not in answer.err


@pytest.mark.parametrize("verb", ["train", "transfer"])
@pytest.mark.parametrize("typed", ["--train one --train one", "--train one --train copy"])
def test_a_house_is_not_trained_on_twice(run_verb: Command, tmp_path: Path, verb: str, typed: str):
    answer = run_verb(verb, typed)
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "house 1: the same readings come twice in what is trained on" in answer.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("test", "count"), [("one", 0), ("copy", 1), ("other", 0)])
def test_a_curve_may_test_the_later_days_of_its_house_and_no_copy_of_it(
    run_verb: Command, test: str, count: int
):
    words = ("--days", 0.05, "--seeds", 1, "--freeze", "none", "--no-from-nothing")
    answer = run_verb("transfer-curve", f"--train one --test {test}", *words)
    assert answer.code == 0, answer.err
    assert answer.err.count(TESTED) == count


def _make_words(
    verb: str, typed: str, run: Path, houses: Path, tmp_path: Path
) -> tuple[object, ...]:
    files = [
        word if word.startswith("--") else houses / f"{word}.parquet" for word in typed.split()
    ]
    if verb == "train":
        return (verb, "kettle", *files, *NETWORK, *FEW, "-o", tmp_path / "out")
    out = tmp_path / ("curve" if verb == "transfer-curve" else "out.safetensors")
    return (verb, run / "model.safetensors", *files, *FEW, "-o", out)
