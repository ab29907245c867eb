"""Tables of text of any origin, read cell for cell: what is unclear is refused by line."""

import bz2
import gzip
import lzma
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.examples import try_examples

from seq2point.data.text.file_kind import sniff_kind
from seq2point.data.text.line_pieces import PIECE_BYTES, choose_piece_bytes
from seq2point.data.text.text_file import TextFile, open_text
from seq2point.errors import DataError, UsageError

TABLE = "time,mains\n2023-11-05 00:00:00,270\n2023-11-05 00:01:00,180\n"
ROWS = [("2023-11-05 00:00:00", "270"), ("2023-11-05 00:01:00", "180")]


def write(folder: Path, text: str | bytes, name: str = "house.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read_all(file: TextFile, piece_bytes: int = 1 << 22) -> tuple[list[tuple], list[int]]:
    rows, lines = [], []
    for piece in file.read_pieces(file.names, file.names, piece_bytes=piece_bytes):
        rows += piece.frame.rows()
        lines += piece.lines.tolist()
    return rows, lines


def read_rows(path: Path, **options: str) -> list[tuple]:
    return read_all(open_text(path, **options))[0]


def test_a_piece_of_plain_numbers_is_read_as_numbers_and_another_as_text(tmp_path: Path):
    path = write(tmp_path, "time,mains\n1699142400,270\n1699142460,\n")
    (piece,) = open_text(path).read_pieces(["mains", "time"], ["time"])
    assert piece.frame.schema == {"mains": pl.Float32, "time": pl.Float64}
    np.testing.assert_array_equal(piece.frame["mains"].to_numpy(), np.float32([270, np.nan]))
    (piece,) = open_text(write(tmp_path, TABLE)).read_pieces(["mains"])
    assert piece.frame["mains"].to_list() == [270.0, 180.0]
    (piece,) = open_text(write(tmp_path, TABLE)).read_pieces(["time", "mains"])
    assert piece.frame.rows() == ROWS
    assert piece.lines.tolist() == [2, 3]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "windows-1252"]
)
def test_letters_come_out_right_in_any_encoding(tmp_path: Path, encoding: str):
    path = write(tmp_path, TABLE.replace("mains", "Hausanschluß").encode(encoding))
    file = open_text(path)
    assert file.names == ("time", "Hausanschluß")
    assert read_all(file)[0] == ROWS


def test_an_encoding_can_be_chosen(tmp_path: Path):
    path = write(tmp_path, TABLE.replace("mains", "сеть").encode("windows-1251"))
    assert open_text(path, encoding="windows-1251").names == ("time", "сеть")


def test_letters_far_below_the_heading_are_of_windows_1252_too(tmp_path: Path):
    rows = b"".join(b"kettle,%d,20231105\n" % i for i in range(20_000))
    path = write(tmp_path, b"name,power,day\n" + rows + "Küche,1,20231106\n".encode("cp1252"))
    rows = [row for piece in open_text(path).read_pieces(["name"]) for row in piece.frame.rows()]
    assert rows[-1] == ("Küche",)


def compress_zip(folder: Path, **members: bytes) -> Path:
    path = folder / "archive"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("_", "."), data)
    return path


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst"])
def test_compressed_tables_are_read_and_cut_ones_refused(tmp_path: Path, kind: str):
    compress = {
        "gz": gzip.compress,
        "bz2": bz2.compress,
        "xz": lzma.compress,
        "zst": lambda data: pa.compress(data, "zstd", asbytes=True),
    }[kind]
    rows = "".join(f"{i * 7919 % 5003},{i}\n" for i in range(50_000))
    data = compress(f"time,mains\n{rows}".encode())
    file = open_text(write(tmp_path, data, "table.bin"))
    assert file.dialect.compression == kind
    assert sum(map(len, file.read_pieces(["mains"], piece_bytes=1 << 16))) == 50_000
    path = write(tmp_path, data[: len(data) // 2], "table.bin")
    with pytest.raises(DataError, match=r"table\.bin: cannot be read"):
        read_rows(path)


def test_a_short_text_is_read_in_a_few_pieces_a_long_one_in_bounded_ones(tmp_path: Path):
    rows = "".join(f"{i},{i % 3000}\n" for i in range(250_000))
    file = open_text(write(tmp_path, f"time,mains\n{rows}"))
    pieces = list(file.read_pieces(["mains"]))
    assert [len(piece) > 60_000 for piece in pieces] == [True, True, True]
    whole = np.concatenate([piece.frame["mains"].to_numpy() for piece in pieces])
    np.testing.assert_array_equal(whole, np.arange(250_000) % 3000)
    assert choose_piece_bytes(1 << 40) == PIECE_BYTES


def test_the_one_table_of_a_zip_is_read(tmp_path: Path):
    path = compress_zip(tmp_path, house_csv=TABLE.encode(), picture_png=b"\x89PNG")
    assert read_rows(path) == ROWS


def test_several_tables_of_a_zip_are_named(tmp_path: Path):
    path = compress_zip(tmp_path, a_csv=b"1", b_csv=b"2")
    with pytest.raises(DataError, match=r"holds 2 files \(a\.csv, b\.csv\): unpack it"):
        open_text(path)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<?xml version='1.0'?><feed/>", "is XML and no table"),
        (b"<!DOCTYPE html><html></html>", "is a page of HTML"),
        (b'[{"time": 1, "mains": 2}]', "is JSON and no table"),
        (b"\x89HDF\r\n\x1a\n" + bytes(99), "is an HDF5 file"),
        (b"\xd0\xcf\x11\xe0" + bytes(99), "is a workbook: save its sheet as CSV"),
        (b"%PDF-1.7\n", "is a PDF"),
        (b"SQLite format 3\0" + bytes(99), "is a SQLite database"),
        (bytes(range(256)) * 9, "is neither text nor Parquet"),
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf \n\n", "holds no rows"),
    ],
)
def test_what_is_no_table_of_text_is_told_by_its_kind(tmp_path: Path, data: bytes, reason: str):
    with pytest.raises(DataError, match=reason):
        open_text(write(tmp_path, data))


def test_a_workbook_is_no_archive_of_tables(tmp_path: Path):
    path = tmp_path / "book.csv"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "")
    assert sniff_kind(path) == "excel"
    with pytest.raises(DataError, match="save its sheet as CSV"):
        open_text(path)


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path):
    with pytest.raises(DataError, match="is a folder"):
        open_text(tmp_path)
    with pytest.raises(DataError, match="no such file"):
        open_text(tmp_path / "none.csv")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
@pytest.mark.parametrize("last", ["", "\n", "  \n", ",\n,\n", "\x1a", "\0\0\0"])
def test_line_ends_and_blank_last_lines_change_nothing(tmp_path: Path, end: str, last: str):
    path = write(tmp_path, (TABLE + last).replace("\n", end))
    assert read_all(open_text(path)) == (ROWS, [2, 3])


def test_blank_lines_amid_are_no_rows_and_line_numbers_stay_true(tmp_path: Path):
    path = write(tmp_path, "\ntime,mains\n\n1,2\n , \n3,4\n\n,,\n5,6")
    for piece_bytes in (8, 1 << 22):
        rows, lines = read_all(open_text(path), piece_bytes)
        assert [tuple(map(float, row)) for row in rows] == [(1, 2), (3, 4), (5, 6)]
        assert lines == [4, 6, 9]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", " ", "   "])
def test_the_separator_is_found(tmp_path: Path, separator: str):
    path = write(tmp_path, separator.join("ab") + "\n" + f"1{separator}2.5\n" * 3)
    file = open_text(path)
    assert file.names == ("a", "b")
    assert [tuple(map(float, row)) for row in read_all(file)[0]] == [(1, 2.5)] * 3


@pytest.mark.parametrize("option", ["tab", "blank", ";"])
def test_a_separator_can_be_chosen(tmp_path: Path, option: str):
    separator = {"tab": "\t", "blank": " "}.get(option, option)
    path = write(tmp_path, f"a{separator}b,c\n1{separator}2,3\n")
    assert open_text(path, separator=option).names == ("a", "b,c")


@pytest.mark.parametrize(
    "options", [{"encoding": "klingon"}, {"separator": "abc"}, {"decimal": "x"}]
)
def test_an_unknown_option_names_its_field(tmp_path: Path, options: dict[str, str]):
    with pytest.raises(UsageError, match=f"`{next(iter(options))}`"):
        open_text(write(tmp_path, TABLE), **options)


def read_numbers(folder: Path, cells: list[str], separator: str = ";", **options: str) -> list:
    quote = '"' if separator == "," else ""
    text = "".join(f"05.11.2023{separator}{quote}{cell}{quote}\n" for cell in cells)
    path = write(folder, f"day{separator}power\n{text}")
    return [float(row[1]) for row in read_rows(path, **options)]


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["0,270", "1,500"], [0.27, 1.5]),
        (["12,5", "1,500"], [12.5, 1.5]),
        (["3,070.00", "270.00"], [3070, 270]),
        (["3,070", "270.00"], [3070, 270]),
        (["3.070,00", "1.500"], [3070, 1500]),
        (["1.500", "27.0"], [1.5, 27]),
        (["1,234,567"], [1234567]),
        (["3 070,5", "3'070,5", "3\u00a0070,5"], [3070.5] * 3),
        (["−12,5"], [-12.5]),
    ],
)
def test_commas_are_read_by_what_the_numbers_can_only_be(
    tmp_path: Path, separator: str, cells: list[str], numbers: list[float]
):
    assert read_numbers(tmp_path, cells, separator) == numbers


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (["1,500", "270"], "'1,500' may have a decimal comma .* give the decimal mark"),
        (
            ["1.500", "270"],
            r"'1\.500' may have a decimal point \(1\.500\) or a point for thousands",
        ),
        (["0,270", "3,070.00"], "write its numbers one way"),
        (["0,270", "1.500", "12.50"], "line 3: '1.500' in column 'power'"),
    ],
)
def test_commas_that_may_be_two_things_are_refused(tmp_path: Path, cells: list[str], reason: str):
    with pytest.raises(DataError, match=reason):
        read_numbers(tmp_path, cells)


@pytest.mark.parametrize(("decimal", "number"), [(",", 1.5), (".", 1500)])
def test_the_decimal_mark_can_be_chosen(tmp_path: Path, decimal: str, number: float):
    assert read_numbers(tmp_path, ["1,500", "270"], decimal=decimal) == [number, 270]


def test_a_comma_far_below_is_settled_by_all_rows(tmp_path: Path):
    cells = ["270"] * 30_000 + ["1,500"] * 3 + ["0,250"]
    assert read_numbers(tmp_path, cells)[-2:] == [1.5, 0.25]
    with pytest.raises(DataError, match="may have a decimal comma"):
        read_numbers(tmp_path, cells[:-1])


def test_a_point_far_above_a_decimal_comma_is_not_read_two_ways(tmp_path: Path):
    with pytest.raises(DataError, match="one way"):
        read_numbers(tmp_path, ["1.500"] + ["270"] * 30_000 + ["0,250"])


def test_a_comma_for_thousands_without_quotes_is_refused_by_line(tmp_path: Path):
    path = write(tmp_path, "time,power,volt\n1,270.00,230.1\n2,3,070.00,230.1\n3,270.00,230.1\n")
    for names in (["time"], ["power"], ["volt"]):
        with pytest.raises(DataError, match=r"line 3: 4 cells under 3 columns; '3,070\.00' has a"):
            list(open_text(path).read_pieces(names))


def test_decimal_commas_without_quotes_are_refused_by_line(tmp_path: Path):
    path = write(tmp_path, "time,power\n" + "05.11.2023 00:00:00,0,270\n" * 3)
    with pytest.raises(DataError, match=r"line 2: 3 cells under 2 columns; .* decimal points"):
        read_rows(path)


def test_a_column_of_decimal_commas_is_not_two_columns(tmp_path: Path):
    with pytest.raises(
        DataError, match=r"line 2: 2 cells under 1 column; .* '270,5' is one number"
    ):
        read_rows(write(tmp_path, "mains\n270,5\n271,4\n272,3\n"))


def test_short_rows_lack_cells_and_empty_cells_too_many_are_no_matter(tmp_path: Path):
    path = write(tmp_path, 'day,a,b\n2023-11-05,1\n2023-11-06,1,2,\n2023-11-07,,2,"",\n')
    assert read_rows(path) == [
        ("2023-11-05", "1", None),
        ("2023-11-06", "1", "2"),
        ("2023-11-07", None, "2"),
    ]


def test_a_quote_that_nothing_closes_is_refused_by_line(tmp_path: Path):
    with pytest.raises(DataError, match="line 3: a quote is opened"):
        read_rows(write(tmp_path, 'day,a\n2023-11-05,1\n2023-11-06,"2\n2023-11-07,3\n'))


@pytest.mark.parametrize(
    ("above", "names", "units"),
    [
        ("Energy report of House A\n\ntime,mains\n", ("time", "mains"), None),
        ("Name,Jane\nAccount,a-1\n\ntime,mains\n", ("time", "mains"), None),
        ("sep=,\ntime,mains\n", ("time", "mains"), None),
        ("time,mains\nyyyy-MM-dd HH:mm:ss,Watt\n", ("time", "mains"), ("", "Watt")),
        (",[kW]\ntime,mains\n", ("time", "mains"), ("", "[kW]")),
        ("#group,false\n#default,_result\ntime,mains\n", ("time", "mains"), None),
        ("# time, mains\n", ("time", "mains"), None),
        (",mains\n", ("column_1", "mains"), None),
        (",0\n", ("column_1", "0"), None),
        ("mains,mains\n", ("mains", "mains_2"), None),
        ('"time","mains"\n', ("time", "mains"), None),
        ("0,1\n", ("0", "1"), None),
        ("Zeit,Leistung\n[dd.MM.yyyy HH:mm],[Wh]\n", ("Zeit", "Leistung"), ("", "[Wh]")),
        ("Account,1234567890\nFrom,2023\n\ntime,mains\n", ("time", "mains"), None),
        ("quantity,power\ntype,active\nts,\n", ("ts", "power active"), None),
        ("", ("column_1", "column_2"), None),
    ],
)
def test_the_heading_is_found_below_titles_and_beside_units(
    tmp_path: Path, above: str, names: tuple[str, ...], units: tuple[str, ...] | None
):
    file = open_text(write(tmp_path, above + TABLE.split("\n", 1)[1]))
    assert file.names == names
    assert file.dialect.units == units
    rows, lines = read_all(file)
    assert rows == ROWS
    assert lines[0] == file.dialect.first_line == above.count("\n") + 1


def test_a_first_row_that_is_bad_is_no_heading_and_not_skipped(tmp_path: Path):
    path = write(tmp_path, TABLE.replace("mains\n", "mains\nunknown,260\n", 1))
    assert read_rows(path) == [("unknown", "260"), *ROWS]


def test_headings_and_comments_amid_the_rows_are_no_rows(tmp_path: Path):
    more = TABLE.replace("2023-11-05", "2023-11-06")
    for text in (TABLE + "\n#group,false\n" + more, TABLE + more.replace("time", '"time"')):
        rows = read_rows(write(tmp_path, text))
        assert [row[0][8:10] for row in rows] == ["05", "05", "06", "06"]


def test_bad_rows_are_left_out_and_counted_where_that_is_wished(tmp_path: Path):
    path = write(tmp_path, 'day,a\n2023-11-05,1\n2023-11-06,"2\n2023-11-07,3,4\n2023-11-08,"5"\n')
    (piece,) = open_text(path).read_pieces(["day", "a"], repair=True)
    assert piece.frame.rows() == [("2023-11-05", "1"), ("2023-11-08", "5")]
    assert piece.lines.tolist() == [2, 5]
    assert piece.bad_rows == 2
    assert open_text(path).read_sample(repair=True).bad_rows == 2


def test_a_sample_has_the_first_and_last_rows_and_some_between(tmp_path: Path):
    rows = "".join(f"{i},{i % 7}\n" for i in range(200_000))
    sample = open_text(write(tmp_path, f"time,mains\n{rows}")).read_sample(1000)
    assert sample.frame.schema == {"time": pl.String, "mains": pl.String}
    assert sample.frame["time"].cast(pl.Int64).to_list() == (sample.lines - 2).tolist()
    assert sample.lines[0] == 2
    assert sample.lines[-1] == 200_001
    assert ((sample.lines > 50_000) & (sample.lines < 150_000)).any()
    assert 900 < len(sample) <= 1000


names = st.lists(st.sampled_from(["mains", "Küche", "power_2", "L1"]), unique=True, min_size=1)
numbers = st.floats(-1e4, 1e4).map(lambda value: f"{value:.2f}") | st.just("")


@st.composite
def tables(draw: st.DrawFn) -> tuple[bytes, list[str], list[list[str]]]:
    """Draw a table in a dialect, its names and its cells with decimal points."""
    heading = ["time", *draw(names)]
    cells = [
        [f"2023-11-05 00:{i:02}:00", *(draw(numbers) for _ in heading[1:])]
        for i in range(draw(st.integers(2, 12)))
    ]
    separator = draw(st.sampled_from([",", ";", "\t", "|"]))
    decimal = draw(st.sampled_from([".", ","]))
    always = draw(st.booleans())
    padding = draw(st.sampled_from(["", " "]))

    def write_cell(cell: str, number: bool) -> str:
        cell = cell.replace(".", decimal) if number else cell
        quoted = always or (separator in cell)
        return f'"{cell}"' if quoted else f"{padding}{cell}"

    lines = [separator.join(write_cell(name, False) for name in heading)]
    for row in cells:
        lines.append(separator.join(write_cell(cell, i > 0) for i, cell in enumerate(row)))
        lines += [""] * draw(st.integers(0, 1))
    lines[:0] = draw(st.sampled_from([[], ["Report of House A", ""], [f"sep={separator}"]]))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    text = end.join(lines) + draw(st.sampled_from(["", end, end + "  " + end]))
    data = text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "windows-1252"])))
    return draw(st.sampled_from([bytes, gzip.compress, lzma.compress]))(data), heading, cells


@given(tables(), st.sampled_from([64, 1 << 22]))
@try_examples(50)
def test_the_cells_of_a_table_in_any_dialect_are_read_back(tmp_path: Path, table, piece_bytes: int):
    data, heading, cells = table
    file = open_text(write(tmp_path, data))
    assert list(file.names) == heading
    rows, _ = read_all(file, piece_bytes)
    assert [[cell or "" for cell in row] for row in rows] == cells
