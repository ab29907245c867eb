"""Text tables come piece by piece: the same numbers from the compiled reader and from Polars, and
whatever the pieces.
"""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2point.data import native_reader
from seq2point.data.text.text_table import TextLayout, TextRows, read_rows
from seq2point.errors import DataError

NAN = np.nan
THREE = TextLayout(",", 3, 0, (1, 2))
CELLS = st.one_of(
    st.integers(0, 10**12).map(str),
    st.floats(-1e6, 1e6, width=32).map(lambda x: f"{x:.3f}"),
    st.floats(0, 1e5, width=32).map(repr),
    st.sampled_from(
        [
            "",
            "0",
            "-0",
            "007",
            "1381323977",
            "1381323977.25",
            "32767",
            "00000000",
            "123456789012345678",
        ]
    ),
)


def rows_of(
    path: Path, text: str | bytes, layout: TextLayout, piece_bytes: int = 1 << 22
) -> list[TextRows]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(read_rows(path, layout, piece_bytes))


def joined(pieces: list[TextRows]) -> tuple[np.ndarray, list[np.ndarray], list[int]]:
    times = np.concatenate([as_numbers(piece.times) for piece in pieces])
    series = [
        np.concatenate([piece.series[i] for piece in pieces]) for i in range(len(pieces[0].series))
    ]
    return times, series, [sum(piece.no_number[i] for piece in pieces) for i in range(len(series))]


def as_numbers(times: object) -> np.ndarray:
    if isinstance(times, pl.Series):
        return times.cast(pl.Float64, strict=False).fill_null(NAN).to_numpy()
    assert isinstance(times, np.ndarray)
    return times


@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=20),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_the_compiled_reader_and_polars_give_the_same_numbers(
    tmp_path: Path, rows: list[tuple[str, ...]], end: str, last: bool
):
    if native_reader.load_functions() is None:
        pytest.skip("no C compiler here")
    rows = [row if any(row) else ("1", *row[1:]) for row in rows]
    text = end.join(",".join(row) for row in rows) + (end if last else "")
    times, series, no_number = joined(rows_of(tmp_path / "rows.csv", text, THREE))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native_reader, "load_functions", lambda: None)
        times_there, series_there, no_number_there = joined(
            rows_of(tmp_path / "rows.csv", text, THREE)
        )
    np.testing.assert_array_equal(times, times_there)
    np.testing.assert_array_equal(series, series_there)
    assert no_number == no_number_there == [0, 0]
    assert times.tolist() == pytest.approx(
        [float(row[0] or "nan") for row in rows], rel=1e-15, nan_ok=True
    )


@given(st.integers(16, 200))
def test_pieces_of_any_size_are_the_same_rows_and_bytes(tmp_path: Path, piece_bytes: int):
    text = "".join(f"{i},{i * 7 % 100},{i / 8}\n" for i in range(100)) + "100,1,2"
    pieces = rows_of(tmp_path / "rows.csv", text, THREE, piece_bytes)
    times, (first, second), _ = joined(pieces)
    np.testing.assert_array_equal(times, np.arange(101))
    np.testing.assert_array_equal(first[:100], np.arange(100) * 7 % 100)
    np.testing.assert_array_equal(second[:100], np.arange(100) / 8)
    assert sum(piece.size for piece in pieces) == len(text)


ODD: dict[str, tuple[str | bytes, list[float], list[float], int]] = {
    "what is no number": ("1,2,3\n2,unavailable,4\n3,nan,1\n", [1, 2, 3], [2, NAN, NAN], 1),
    "quotes": ('1,2,3\n"2","3.5","4"\n', [1, 2], [2, 3.5], 0),
    "a quote that nothing closes": ('1,2,3\n2,"3,4\n', [1, 2], [2, 3], 0),
    "an exponent": ("1,2e1,3\n2,1,1\n", [1, 2], [20, 1], 0),
    "a line cut short": ("1,2,3\n2,5\n3,4,5\n", [1, 2, 3], [2, 5, 4], 0),
    "two lines run together": ("1,2,3\n2,5,62,5,6\n3,4,5\n", [1, NAN, 3], [2, 5, 4], 0),
    "blank lines": ("1,2,3\n\n2,5,6\n\n", [1, 2], [2, 5], 0),
    "zero bytes where power failed": (b"1,2,3\n\0\0\0\n3,4,5\n", [1, NAN, 3], [2, NAN, 4], 0),
    "no text": (b"1,2,3\n\xff\xfe,4,5\n", [1, NAN], [2, 4], 0),
    "spaces": ("1, 2,3\n 2 ,5,6\n", [1, 2], [2, 5], 0),
}


@pytest.mark.parametrize("name", ODD)
def test_rows_that_are_not_plain_numbers_are_read_for_what_they_are(tmp_path: Path, name: str):
    text, times, first, strange = ODD[name]
    parsed, series, no_number = joined(rows_of(tmp_path / "rows.csv", text, THREE))
    np.testing.assert_array_equal(parsed, times)
    np.testing.assert_array_equal(series[0], np.float32(first))
    assert no_number[0] == strange


def test_a_byte_order_mark_and_the_first_lines_are_passed_over(tmp_path: Path):
    (rows,) = rows_of(
        tmp_path / "rows.csv", b"\xef\xbb\xbfTime,A,B\n1,2,3\n", THREE._replace(first_line=1)
    )
    assert rows.times.tolist() == [1]
    (rows,) = rows_of(tmp_path / "rows.csv", b"\xef\xbb\xbf1,2,3\n", THREE)
    assert rows.times.tolist() == [1]


def test_an_empty_file_has_no_rows(tmp_path: Path):
    assert rows_of(tmp_path / "rows.csv", "", THREE) == []
    assert rows_of(tmp_path / "rows.csv", "time,a,b\n", THREE._replace(first_line=1)) == []


def test_a_file_of_one_endless_line_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("seq2point.data.text.line_pieces.LONGEST_LINE_BYTES", 1000)
    with pytest.raises(DataError, match=r"rows\.csv: a line of more than"):
        rows_of(tmp_path / "rows.csv", "1" * 5000, THREE, piece_bytes=100)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match=r"nowhere\.csv: cannot be read \(No such file"):
        list(read_rows(tmp_path / "nowhere.csv", THREE))
