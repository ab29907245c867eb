"""Numbers as reports have them."""

import pytest

from seq2point.experiment.spread import shown, table, three_digits


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"),
        (5, "5.00"),
        (0.0123456, "0.0123"),
        (99.96, "100.0"),
        (1234.5, "1,234"),
        (1.2e6, "1,200,000"),
        (-45.67, "-45.7"),
    ],
)
def test_a_number_has_three_digits_and_no_exponent(value: float, said: str):
    assert three_digits(value) == said


def test_a_spread_stands_beside_its_mean():
    assert shown(1234.5, 12.3) == "1,234 ± 12"
    assert shown(9.876, 0.5) == "9.88 ± 0.50"
    assert shown(None) == "-"


def test_labels_stand_left_and_numbers_right():
    assert table(["a", "b", "c"], [["x", "y", "1"]], labels=2) == [
        "| a | b | c |",
        "| --- | --- | ---: |",
        "| x | y | 1 |",
    ]
