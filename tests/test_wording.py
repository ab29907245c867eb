"""Numbers and counts as people read them."""

import pytest

from seq2point.wording import format_count, format_number


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (1234.5, 2, "1,234"),
        (1_000_000.0, 3, "1,000,000"),
        (0.012345, 3, "0.0123"),
        (9.996, 3, "10"),
        (99.96, 3, "100"),
        (1.2e6, 3, "1,200,000"),
        (-45.67, 3, "-45.7"),
        (6.0, 3, "6"),
        (0, 3, "0"),
        (-2.5, 3, "-2.5"),
        (1.2e-7, 2, "1.2e-7"),
        (86400.25, 6, "86,400.2"),
        (None, 3, "-"),
        (float("nan"), 3, "-"),
        (float("inf"), 3, "inf"),
    ],
)
def test_a_number_keeps_all_that_stands_before_its_point(
    value: float | None, digits: int, text: str
):
    assert format_number(value, digits) == text


@pytest.mark.parametrize(
    ("count", "noun", "plural", "text"),
    [
        (1, "row", None, "1 row"),
        (0, "row", None, "0 rows"),
        (2000, "row", None, "2,000 rows"),
        (1.0, "day", None, "1 day"),
        (0.5, "day", None, "0.5 days"),
        (2, "entry", "entries", "2 entries"),
    ],
)
def test_one_is_singular(count: float, noun: str, plural: str | None, text: str):
    assert format_count(count, noun, plural) == text
