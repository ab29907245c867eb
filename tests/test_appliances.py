"""One table of appliances, found by any name that people use."""

import pytest

from seq2point import UsageError
from seq2point.appliances import APPLIANCES, canonical, find


@pytest.mark.parametrize(
    ("name", "max_w", "on_w", "on_s", "off_s", "mean_w", "std_w"),
    [
        ("kettle", 3100, 2000, 12, 0, 700, 1000),
        ("fridge", 300, 50, 60, 12, 200, 400),
        ("washing_machine", 2500, 20, 1800, 160, 400, 700),
        ("microwave", 3000, 200, 12, 30, 500, 800),
        ("dishwasher", 2500, 10, 1800, 1800, 700, 1000),
    ],
)
def test_the_table_is_that_of_the_papers(name: str, max_w: int, on_w: int, on_s: int, off_s: int, mean_w: int, std_w: int):
    row = APPLIANCES[name]
    assert (row.max_power_w, row.on_power_w, row.min_on_s, row.min_off_s) == (max_w, on_w, on_s, off_s)
    assert (row.mean_w, row.std_w) == (mean_w, std_w)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Washing Machine", "washing_machine"),
        ("washing-machine", "washing_machine"),
        (" WASHER ", "washing_machine"),
        ("fridge freezer", "fridge"),
        ("Fridge_Freezer", "fridge"),
        ("dish washer", "dishwasher"),
        ("Kettle", "kettle"),
    ],
)
def test_an_appliance_is_found_however_it_is_written(written: str, name: str):
    assert canonical(written) == name
    assert find(written) is APPLIANCES[name]


def test_an_unknown_appliance_is_refused_with_those_that_are_known():
    with pytest.raises(
        UsageError, match="unknown appliance 'teapot': choose one of kettle, fridge, washing_machine, microwave, dish"
    ):
        find("teapot")
