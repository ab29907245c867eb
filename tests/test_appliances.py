"""One table of appliances, found by any name that people use."""

import pytest
from pydantic import ValidationError

from seq2point import UsageError
from seq2point.appliances import (
    APPLIANCES,
    Appliance,
    Definition,
    canonical_name,
    define,
    find_appliance,
    find_column_of_kind,
    look_up_appliance,
    name_columns,
)


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
def test_the_table_is_that_of_the_papers(
    name: str, max_w: int, on_w: int, on_s: int, off_s: int, mean_w: int, std_w: int
):
    row = APPLIANCES[name]
    assert (row.max_power_w, row.on_power_w, row.min_on_s, row.min_off_s) == (
        max_w,
        on_w,
        on_s,
        off_s,
    )
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
        ("dishwaser", "dishwasher"),
        ("washer_dryer", "washing_machine"),
        ("Fridge-Freezer", "fridge"),
        ("clotheswasher", "washing_machine"),
    ],
)
def test_an_appliance_is_found_however_it_is_written(written: str, name: str):
    assert canonical_name(written) == name
    assert find_appliance(written) is APPLIANCES[name]


def test_an_unknown_appliance_is_refused_with_those_that_are_known():
    with pytest.raises(
        UsageError,
        match=(
            "unknown appliance 'teapot': choose one of kettle, fridge, washing_machine, microwave,"
            " dish"
        ),
    ):
        find_appliance("teapot")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Washing Machine(1)", "washing_machine_1"),
        ("kettle2", "kettle_2"),
        ("Washer Dryer 2", "washing_machine_2"),
        ("refrigerator1", "fridge_1"),
    ],
)
def test_one_of_several_keeps_its_number_and_has_its_kinds_thresholds(written: str, name: str):
    row = find_appliance(written)
    assert canonical_name(written) == row.name == name
    kind = APPLIANCES[name.rpartition("_")[0]]
    assert row.model_dump(exclude={"name"}) == kind.model_dump(exclude={"name"})


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("Heat Pump", "heat_pump"),
        ("TV/Satellite", "tv_satellite"),
        ("Wärmepumpe", "wärmepumpe"),
        ("heater2", "heater2"),
    ],
)
def test_any_other_name_is_left_as_it_is(written: str, plain: str):
    assert canonical_name(written) == plain
    assert look_up_appliance(written) is None


def test_two_columns_of_a_kind_have_two_names_and_the_plain_one_is_first():
    named = name_columns(["Fridge-Freezer", "Freezer", "Fridge", "Washing Machine(1)"])
    assert named == {
        "fridge_2": "Fridge-Freezer",
        "freezer": "Freezer",
        "fridge": "Fridge",
        "washing_machine_1": "Washing Machine(1)",
    }
    assert next(iter(named.values())) == "Fridge-Freezer"
    assert find_column_of_kind("washing machine", named) == "washing_machine_1"
    assert find_column_of_kind("fridge", named) == "fridge"
    assert find_column_of_kind("kettle", named) is None
    assert find_column_of_kind("kettle", ["kettle_1", "kettle_2"]) is None


def test_a_typing_error_is_answered_with_what_was_meant_and_how_to_define_another():
    with pytest.raises(UsageError, match="did you mean dishwasher"):
        find_appliance("dishwascher")
    with pytest.raises(UsageError, match=r"choose one of kettle, .*or define it with `on_power_w`"):
        define("teapot")


def test_an_appliance_of_ones_own_is_defined_and_a_known_one_changed():
    pump = define("Heat Pump", 200, min_on_s=300)
    assert pump == Definition(name="heat_pump", on_power_w=200, min_on_s=300)
    travel = define("kettle", on_power_w=900)
    assert travel == Appliance(**(APPLIANCES["kettle"].model_dump() | {"on_power_w": 900}))
    assert define("kettle") is APPLIANCES["kettle"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ("heat pump", -1),
            "appliance 'heat pump', `on_power_w` -1: input should be greater than 0",
        ),
        (
            ("kettle", None, None, -5),
            "appliance 'kettle', `min_on_s` -5: input should be greater than or equal to 0",
        ),
        (("heat pump", 200, 150), "its highest power 150 W is not above the 200 W of being on"),
        (("???", 200), "a name needs a letter or a digit"),
        (("heat\tpump", 200), "a name is one line without control characters"),
        (("kettle\x1b[2J",), "a name is one line without control characters"),
        (
            ("kettle", float("inf")),
            "appliance 'kettle', `on_power_w` inf: input should be a finite number",
        ),
    ],
)
def test_what_cannot_be_an_appliance_is_refused(arguments: tuple[str, float], says: str):
    with pytest.raises(UsageError, match=says.replace("?", r"\?")):
        define(*arguments)


class CountedName(str):
    """A name that counts how often it is compared."""

    compared = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        CountedName.compared += 1
        return str.__eq__(self, other)


def test_the_work_of_naming_columns_grows_with_their_number_alone():
    columns = [CountedName(f"socket {i}") for i in range(500)] + [
        CountedName(f"Kettle{' ' * i}!") for i in range(500)
    ]
    CountedName.compared = 0
    named = name_columns(columns)
    assert CountedName.compared < 5 * len(columns)
    assert list(named.values()) == columns
    assert list(named)[500:503] == ["kettle", "kettle_2", "kettle_3"]
    assert find_column_of_kind("kettle_499", named) == "kettle_499"


def test_a_long_name_of_digits_is_read_in_one_go():
    assert canonical_name("1" * 1_000_000 + "x") == "1" * 1_000_000 + "x"
    assert canonical_name("kettle" + "1" * 1_000_000) == "kettle_" + "1" * 1_000_000


@pytest.mark.parametrize(
    "name", ["", "ket\ntle", "kettle\r", "\x1b[31mkettle", "kettle\u2028", "ket\u200btle"]
)
def test_a_name_that_would_break_a_table_is_refused_wherever_it_comes_from(name: str):
    for kind in (Appliance, Definition):
        with pytest.raises(ValidationError, match="name"):
            kind.model_validate(
                find_appliance("kettle").model_dump(include=set(kind.model_fields)) | {"name": name}
            )
