"""A cache makes each result once, by its inputs and a version, and finds it again."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2point.errors import TrainingError
from seq2point.studies import CachedResult, ResultCache, result_cache

DECIDED = {"data": "abc", "settings": {"steps": 3}, "seed": 0}
PART = CachedResult("kettle, seed 0", DECIDED, version=3)
NEXT = CachedResult("kettle, seed 0", DECIDED, version=4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda v: st.lists(v, max_size=3),
    max_leaves=4,
)
DECIDES = st.dictionaries(st.text(max_size=5), VALUES, max_size=4)


class Make:
    """Makes a result, leaves a file and something unfinished, and counts."""

    def __init__(self, result: dict[str, Any] | None = None, fail: BaseException | None = None):
        self.result, self.fail, self.times, self.found = result or {"mae_w": 7.5}, fail, 0, False

    def __call__(self, folder: Path) -> dict[str, Any]:
        self.times += 1
        checkpoint = folder / result_cache.UNFINISHED / "last.ckpt"
        self.found = checkpoint.exists()
        checkpoint.parent.mkdir(exist_ok=True)
        checkpoint.touch()
        if self.fail:
            raise self.fail
        (folder / "model").write_text("weights")
        return self.result


def test_a_part_is_made_once_and_then_found_with_its_files(tmp_path: Path):
    make = Make({"mae_w": 7.5, "by": (1, 2)})
    first = ResultCache(tmp_path).find_or_make(PART, make)
    again = ResultCache(tmp_path).find_or_make(
        CachedResult("another name", dict(reversed(PART.decides.items())), 3), Make({"mae_w": 0})
    )
    assert first == {"mae_w": 7.5, "by": [1, 2]}
    assert make.times == 1
    folder = ResultCache(tmp_path).find_folder(PART)
    assert sorted(path.name for path in folder.iterdir()) == ["model", "result.json"]
    assert again == {"mae_w": 0}
    assert (
        ResultCache(tmp_path).find_or_make(PART, Make(fail=AssertionError("made twice"))) == first
    )


def test_the_record_says_what_decided_the_result(tmp_path: Path):
    ResultCache(tmp_path).find_or_make(PART, Make())
    record = json.loads((ResultCache(tmp_path).find_folder(PART) / "result.json").read_text())
    assert record == {
        "name": PART.name,
        "decides": PART.decides,
        "version": 3,
        "result": {"mae_w": 7.5},
    }


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), ValueError("no memory")])
def test_a_part_that_was_interrupted_finds_what_it_left(tmp_path: Path, failure: BaseException):
    with pytest.raises(type(failure)):
        ResultCache(tmp_path).find_or_make(PART, Make(fail=failure))
    assert ResultCache(tmp_path).find(PART) is None
    make = Make()
    ResultCache(tmp_path).find_or_make(PART, make)
    assert make.found
    assert not (ResultCache(tmp_path).find_folder(PART) / result_cache.UNFINISHED).exists()


@given(one=DECIDES, other=DECIDES)
def test_what_decides_alike_has_one_key_and_what_does_not_has_two(
    one: dict[str, Any], other: dict[str, Any]
):
    def plain(decides: dict[str, Any]) -> str:
        return json.dumps(decides, sort_keys=True)

    assert (CachedResult("a", one).key == CachedResult("b", dict(reversed(other.items()))).key) == (
        plain(one) == plain(other)
    )


def test_what_is_no_json_has_no_key():
    with pytest.raises(ValueError):
        _ = CachedResult("a", {"rate": float("nan")}).key


def test_another_version_makes_it_again_unless_any_will_do(tmp_path: Path):
    ResultCache(tmp_path).find_or_make(PART, Make({"mae_w": 1}))
    lenient = ResultCache(tmp_path, any_version=True)
    assert lenient.find_or_make(NEXT, Make({"mae_w": 2})) == {"mae_w": 1}
    assert ResultCache(tmp_path).find_or_make(NEXT, Make({"mae_w": 2})) == {"mae_w": 2}
    assert lenient.find_or_make(NEXT, Make({"mae_w": 3})) == {"mae_w": 2}
    assert [record.version for record in lenient.list_records()] == [3, 4]


def test_a_result_that_was_keyed_by_source_is_read_as_of_an_earlier_version(tmp_path: Path):
    """Read a record of seq2point 0.1.0, with the hash of the source in it and in its folder."""
    folder = tmp_path / f"kettle_seed_0-{PART.key[:16]}-d33e1fad"
    folder.mkdir()
    record = {
        "name": PART.name,
        "decides": DECIDED,
        "code": "d33e1fad" * 8,
        "result": {"mae_w": 5},
    }
    (folder / "result.json").write_text(json.dumps(record))
    assert ResultCache(tmp_path).find(PART) is None
    assert ResultCache(tmp_path, any_version=True).find(PART) == {"mae_w": 5}
    (found,) = ResultCache(tmp_path).list_records()
    assert (found.version, found.key) == (result_cache.KEYED_BY_SOURCE, PART.key)


@pytest.mark.parametrize(
    "record",
    [
        "{",
        "[]",
        "[" * 100_000,
        '{"result": [1], "decides": {}}',
        '{"result": {}}',
        '{"result": {}, "decides": {"seed": 1}}',
        '{"result": {}, "decides": {"seed": 1}, "version": "new"}',
    ],
)
def test_a_damaged_or_strange_record_is_refused_with_its_place(tmp_path: Path, record: str):
    ResultCache(tmp_path).find_or_make(PART, Make())
    path = ResultCache(tmp_path).find_folder(PART) / "result.json"
    path.write_text(record)
    with pytest.raises(
        TrainingError, match=r"result\.json: (damaged|is of another part).*remove its folder"
    ):
        ResultCache(tmp_path).find_or_make(PART, Make())
