"""A table of a known day, in whatever dress, is read as that day or refused in one line.

`make fuzz` tries many more, others each time.
"""

import warnings
from pathlib import Path

from hypothesis import given, note
from tests.data.day_grammar import Drawing
from tests.data.table_grammar import drawings, parquet_drawings
from tests.data.test_cases import check_recording
from tests.fuzz.examples import try_examples

from seq2point import ColumnsConfig, DataError, UsageError, load_recording

fuzz = try_examples(60)


def read(drawing: Drawing, folder: Path) -> None:
    """Read a file; it is right, or refused in one line for what it leaves open."""
    path = folder / drawing.name
    path.write_bytes(drawing.text)
    note(f"{drawing.name}, {drawing.settings}, open to {drawing.open_to}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            recording = load_recording(path, columns=ColumnsConfig(**drawing.settings))
    except (DataError, UsageError) as error:
        message = str(error)
    else:
        check_recording(recording, drawing.right)
        return
    assert drawing.open_to, f"it is refused: {message}"
    assert len(message.splitlines()) == 1


@fuzz
@given(drawing=drawings())
def test_a_table_in_any_dress_is_read_right_or_refused(drawing: Drawing, tmp_path: Path) -> None:
    read(drawing, tmp_path)


@fuzz
@given(drawing=parquet_drawings())
def test_parquet_of_any_types_is_read_right_or_refused(drawing: Drawing, tmp_path: Path) -> None:
    read(drawing, tmp_path)
