"""Damage as hypothesis strategies: bytes flipped, cut, spliced and overwritten, and JSON whose
parts have other shapes.
"""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Edit = Callable[[bytearray], None]
NUMBERS = [
    b"\x00",
    b"\xff",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\x00" * 8,
    b"\xff" * 8,
]
WORDS = [
    b"\n",
    b",",
    b'"',
    b"-",
    b"nan",
    b"1e400",
    b"9" * 400,
    b"\xf0\x9f\x94\x8c",
    b"[" * 3000,
    b"\r\n\r\n",
    b"\x00",
]
plain_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([2**80, -1, 0, "nan"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def places(draw: st.DrawFn, size: int) -> int:
    """Return a place in a file: anywhere, or near its ends, where its tables stand."""
    near = draw(st.integers(0, min(size, 200)))
    return draw(st.sampled_from([near, size - near, draw(st.integers(0, size))]))


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """A file's bytes after one to three accidents."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 3))):
        kind, at = (
            draw(st.sampled_from(["flip", "cut", "splice", "number", "word", "erase"])),
            draw(places(len(data))),
        )
        if kind == "flip" and at < len(data):
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "cut":
            del data[at:]
        elif kind == "splice":
            length, to = draw(st.integers(1, 300)), draw(places(len(data)))
            data[to:to] = data[at : at + length]
        elif kind == "number":
            number = draw(st.sampled_from(NUMBERS))
            data[at : at + len(number)] = number
        elif kind == "word":
            data[at:at] = draw(st.sampled_from(WORDS))
        elif kind == "erase":
            del data[at : at + draw(st.integers(1, 300))]
    return bytes(data)


@st.composite
def reshaped(draw: st.DrawFn, whole: Any) -> Any:
    """Plain data of which a part, at any depth, is something else or missing."""
    if not isinstance(whole, dict | list) or not whole or draw(st.integers(0, 4)) == 0:
        return draw(plain_values)
    copy = dict(whole) if isinstance(whole, dict) else list(whole)
    key = draw(st.sampled_from(list(whole) if isinstance(whole, dict) else range(len(whole))))
    if draw(st.integers(0, 4)) == 0:
        del copy[key]
    else:
        copy[key] = draw(reshaped(whole[key]))
    return copy


@st.composite
def damaged_json(draw: st.DrawFn, whole: bytes) -> bytes:
    """The text of JSON that is damaged, or has another shape."""
    if draw(st.booleans()):
        return draw(damaged(whole))
    return json.dumps(draw(reshaped(json.loads(whole)))).encode()
