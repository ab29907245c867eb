"""Plain data comes out of pickles of every protocol; anything else stays unread, and nothing is
ever run.
"""

import datetime
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2point.datasets.sources.pickled import UNREAD, read_plain_pickle

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text())
PLAIN = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner),
        st.tuples(inner, inner),
        st.tuples(inner),
        st.dictionaries(st.text() | st.integers(), inner),
    ),
    max_leaves=20,
)


@given(PLAIN, st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_plain_data_comes_back(value: object, protocol: int):
    assert read_plain_pickle(pickle.dumps(value, protocol)) == value


@given(st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_what_is_not_plain_stays_unread_and_what_is_around_it_is_read(protocol: int):
    value = {"when": [datetime.date(2013, 3, 31), "after"], "zone": datetime.UTC, "name": "REFIT"}
    unpickled = read_plain_pickle(pickle.dumps(value, protocol))
    assert unpickled == {"when": [UNREAD, "after"], "zone": UNREAD, "name": "REFIT"}


def test_nothing_that_a_pickle_asks_for_is_run(tmp_path: Path):
    class Attack:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "run",)  # type: ignore[return-value]

    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert read_plain_pickle(pickle.dumps({"a": Attack()}, protocol)) == {"a": UNREAD}
    assert not (tmp_path / "run").exists()


@given(st.binary(max_size=60))
def test_what_is_no_pickle_is_refused(data: bytes):
    try:
        read_plain_pickle(data)
    except ValueError:
        return
    pickle.loads(data)


@pytest.mark.parametrize("data", [b"", b"(lp0\n", b".", b"(dp0\nVa\ns.", b"a.", b"}]s.", b"g7\n."])
def test_a_damaged_pickle_is_refused(data: bytes):
    with pytest.raises(ValueError, match="pickle"):
        read_plain_pickle(data)
