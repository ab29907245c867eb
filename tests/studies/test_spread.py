"""Numbers as reports have them."""

from seq2point.studies.spread import format_spread, render_table


def test_a_spread_stands_beside_its_mean():
    assert format_spread(1234.5, 12.3) == "1,234 ± 12"
    assert format_spread(9.876, 0.5) == "9.88 ± 0.50"
    assert format_spread(None) == "-"


def test_labels_stand_left_and_numbers_right():
    assert render_table(["a", "b", "c"], [["x", "y", "1"]], labels=2) == [
        "| a | b | c |",
        "| --- | --- | ---: |",
        "| x | y | 1 |",
    ]
