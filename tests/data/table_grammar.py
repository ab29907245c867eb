"""Layouts and dresses of the known day: wide, long or phases; text of any dialect, or Parquet."""

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from tests.data.day_grammar import (
    ISO,
    KETTLES,
    MAINS,
    NAN,
    TEXT_FORMS,
    Column,
    Day,
    Drawing,
    Style,
    days,
    others,
    series,
    time_columns,
    write_decimal,
)


@st.composite
def wide_columns(draw: DrawFn, day: Day, style: Style) -> tuple[list[Column], bool]:
    """The columns of a table with one for each series, and whether one is a kettle's."""
    says = draw(st.sampled_from(["names", "names", "row", "setting", "nothing"]))
    with_kettle = draw(st.booleans())
    times = draw(time_columns(day))
    mains = draw(series(day, day.mains_w, MAINS, style, says))
    columns = [*times, mains]
    if with_kettle:
        columns.append(draw(series(day, day.kettle_w, KETTLES, style, says)))
    if draw(st.booleans()):
        day.settings["mains"] = mains.name
    columns += draw(others(len(day.moments), style))
    return draw(st.permutations(columns)), with_kettle


@st.composite
def phase_columns(draw: DrawFn, day: Day, style: Style) -> list[Column]:
    """The columns of a table with three phases."""
    names = draw(
        st.sampled_from(
            [
                ("a_act_power", "b_act_power", "c_act_power"),
                ("l1_power", "l2_power", "l3_power"),
                ("phase_1", "phase_2", "phase_3"),
                ("Power L1 [W]", "Power L2 [W]", "Power L3 [W]"),
            ]
        )
    )
    share = [np.floor(day.mains_w / 4), np.floor(day.mains_w / 3)]
    phases = [*share, day.mains_w - share[0] - share[1]]
    columns = [
        Column(name, [write_decimal(w, 1, style.mark, style.group) for w in watts])
        for name, watts in zip(names, phases, strict=True)
    ]
    if draw(st.booleans()):
        day.settings["mains"] = "+".join(names)
    else:
        day.open_to.append("phases")
    return draw(st.permutations([*draw(time_columns(day)), *columns]))


@st.composite
def long_columns(draw: DrawFn, day: Day, style: Style) -> tuple[list[Column], bool]:
    """The columns of a table with its sensors below one another, and whether the kettle is read."""
    key, value, time, forms = draw(
        st.sampled_from(
            [
                ("entity_id", "state", "last_changed", ("ms", "zero offset")),
                ("sensor", "value", "time", ("Z", "unix", "blank")),
                ("device", "power", "timestamp", ("T", "unix ms")),
            ]
        )
    )
    count = draw(st.integers(1, 3))
    sensors = ["sensor.mains_power", "sensor.kettle_plug", "sensor.car"][:count]
    mains = draw(series(day, day.mains_w, [value], style, "nothing"))
    kettle = draw(series(day, day.kettle_w, [value], style, "nothing"))
    readings = [mains.cells, kettle.cells, ["7"] * len(mains.cells)][:count]
    form = TEXT_FORMS[draw(st.sampled_from(forms))]
    times = [form(moment) for moment in day.moments]
    rows = [
        (sensor, cell, when)
        for sensor, cells in zip(sensors, readings, strict=True)
        for cell, when in zip(cells, times, strict=True)
    ]
    if draw(st.booleans()):
        places = {when: i for i, when in enumerate(times)}
        rows.sort(key=lambda row: places[row[2]])
    with_kettle = False
    if count > 1:
        choice = draw(st.sampled_from(["nothing", "sensor", "both"]))
        if choice == "nothing":
            day.open_to.append("sensors")
        elif choice == "sensor":
            day.settings["sensor"] = sensors[0]
        else:
            with_kettle = True
            day.settings["mains"] = sensors[0]
            day.settings["appliances"] = {"kettle": sensors[1]}
    cells = [list(column) for column in zip(*rows, strict=True)]
    columns = [Column(n, c) for n, c in zip((key, value, time), cells, strict=True)]
    if draw(st.booleans()):
        columns.append(Column("unit_of_measurement", ["W"] * len(rows)))
    return draw(st.permutations(columns)), with_kettle


ABOVE = [
    (),
    (),
    (),
    ("Report of the meter", ""),
    ("# made by a logger",),
    ("Serial number;12345", "Owner;Küche", ""),
    ("Energy report, 5 November", "Site: home"),
]


@st.composite
def texts(draw: DrawFn, columns: list[Column], separator: str, day: Day) -> tuple[str, bytes]:
    """The name and the bytes of a file with these columns."""
    quote = draw(st.sampled_from(["needed", "all", "needed"]))
    spare = draw(st.sampled_from(["", "", "rows", "all"]))
    is_short = draw(st.booleans())

    def join(cells: Sequence[str], is_heading: bool = False) -> str:
        parts = [
            f'"{cell}"' if quote == "all" or separator in cell or cell.strip() != cell else cell
            for cell in cells
        ]
        if is_short and not is_heading and len(parts) > 2:
            while parts[-1] in ("", '""'):
                parts.pop()
        more = separator if spare == "all" or (spare == "rows" and not is_heading) else ""
        return separator.join(parts) + more

    lines = list(draw(st.sampled_from(ABOVE)))
    if separator in (";", ",") and not lines and draw(st.integers(0, 5)) == 0:
        lines.append(f"sep={separator}")
    lines.append(join([column.name for column in columns], is_heading=True))
    if any(column.unit for column in columns):
        lines.append(join([column.unit for column in columns], is_heading=True))
    body = [join(cells) for cells in zip(*(column.cells for column in columns), strict=True)]
    blank = draw(st.sampled_from(["", "", "last", "between", "commas"]))
    if blank == "between":
        body[5:5] = ["", ""]
    elif blank == "last":
        body += ["", ""]
    elif blank == "commas":
        body.append(separator * (len(columns) - 1))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    text = end.join([*lines, *body]) + draw(st.sampled_from([end, ""]))
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-8"]))
    return _compress(draw, text.encode(encoding, errors="replace"))


def _compress(draw: DrawFn, text: bytes) -> tuple[str, bytes]:
    kind = draw(st.sampled_from(["", "", "", "gz", "bz2", "xz", "zip"]))
    if kind == "zip":
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("home.csv", text)
        return "home.zip", archive.getvalue()
    packers: dict[str, Callable[[bytes], bytes]] = {
        "": bytes, "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress,
    }  # fmt: skip
    return f"home.csv{'.' if kind else ''}{kind}", packers[kind](text)


@st.composite
def drawings(draw: DrawFn) -> Drawing:
    """A table of text in any dress."""
    day = draw(days())
    separator = draw(st.sampled_from([",", ",", ";", "\t", "|"]))
    mark = draw(st.sampled_from([".", "."] if separator in "," else [".", ","]))
    group = draw(st.sampled_from(["", "", "", "," if mark == "." else "."]))
    style = Style(mark, group)
    if draw(st.integers(0, 4)) == 0:
        day.settings["decimal"] = mark
    layout = draw(st.sampled_from(["wide", "wide", "wide", "phases", "long"]))
    with_kettle = False
    if layout == "phases":
        columns = draw(phase_columns(day, style))
    elif layout == "long":
        columns, with_kettle = draw(long_columns(day, style))
    else:
        columns, with_kettle = draw(wide_columns(day, style))
    name, text = draw(texts(columns, separator, day))
    return Drawing(name, text, day.settings, day.right(with_kettle), day.open_to)


NUMBERS: dict[str, pa.DataType] = {
    "float64": pa.float64(), "float32": pa.float32(), "int32": pa.int32(), "int16": pa.int16(),
    "int64": pa.int64(), "uint16": pa.uint16(), "decimal": pa.decimal128(12, 3),
    "string": pa.string(), "large string": pa.large_string(),
}  # fmt: skip
STAMPS = [pa.timestamp(unit, zone) for unit in ("ms", "us", "ns") for zone in (None, "UTC")]


@st.composite
def parquet_drawings(draw: DrawFn) -> Drawing:
    """A Parquet file whose columns have any types that hold the readings."""
    day = draw(days())
    kind = draw(st.sampled_from(sorted(NUMBERS)))
    stamp = draw(st.sampled_from([*STAMPS, pa.int64(), pa.float64(), pa.string()]))
    times: pa.Array
    if isinstance(stamp, pa.TimestampType):
        naive = [moment.replace(tzinfo=None) for moment in day.moments]
        times = pa.array(day.moments if stamp.tz else naive, stamp)
    elif stamp == pa.string():
        times = pa.array([moment.strftime(ISO) for moment in day.moments])
    else:
        times = pa.array([moment.timestamp() for moment in day.moments]).cast(stamp)
    columns = {draw(st.sampled_from(["time", "timestamp", "utc", "index"])): times}
    for name, power_w in (("mains", day.mains_w), ("kettle", day.kettle_w)):
        missing = np.zeros(len(power_w), dtype=bool)
        missing[draw(st.lists(st.integers(0, len(power_w) - 1), max_size=9))] = True
        power_w[missing] = NAN
        texts = [None if gap else str(int(w)) for gap, w in zip(missing, power_w, strict=True)]
        cells = pa.array(texts)
        columns[name] = cells.cast(NUMBERS[kind])
        if draw(st.booleans()):
            columns[name] = columns[name].dictionary_encode()
    columns = dict(draw(st.permutations(list(columns.items()))))
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, row_group_size=draw(st.sampled_from([100, 5000])))
    return Drawing("home.parquet", file.getvalue(), day.settings, day.right(True), day.open_to)
