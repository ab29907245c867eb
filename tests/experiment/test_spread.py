"""Numbers as reports have them."""

from seq2point.experiment.spread import shown, table


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
