"""The protocols of the package are whole; a file that is no protocol is refused by its key."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2point.errors import UsageError
from seq2point.recording.windows import choose_window
from seq2point.studies.protocols import library
from seq2point.studies.protocols.library import NamedProtocol
from seq2point.studies.protocols.protocol_file import House
from seq2point.studies.protocols.steps import ProtocolSteps

Small = Callable[..., NamedProtocol]


@pytest.mark.parametrize("name", library.list_names())
def test_a_protocol_of_the_package_can_be_run_and_names_its_sources(name: str):
    source = library.find_protocol(name)
    ProtocolSteps(source.protocol, source.where, Path()).check(seeds=2)
    assert source.sha256 == library.find_protocol(name).sha256
    assert source.protocol.source
    for row in source.protocol.published:
        assert all(0 < mae_w < 100 for mae_w in row.mae_w.values())
    assert source.protocol.differs


@pytest.mark.parametrize(
    ("before", "after", "other_recipe"),
    [
        ("absolute = 1.0, simulated = 0.0", "absolute = 2.0, simulated = 0.0", True),
        ("window = 255", "window = 257", True),
        ("/ideal_house65", "/ideal_house66", True),
        ("absolute = 0.4", "absolute = 0.5", False),
        ("What UK-DALE calls", "What they call", False),
        ("[clipping]", "# a comment\n[clipping]", False),
    ],
)
def test_a_recipe_s_hash_follows_what_decides_the_appliance_s_network_alone(
    before: str, after: str, other_recipe: bool
):
    source = library.find_protocol("unseen_60s")
    text = source.text.replace(before, after)
    assert text != source.text
    changed = NamedProtocol("mine", "mine.toml", text, library.parse_protocol(text, "mine.toml"))
    same = changed.recipe_sha256("kettle") == source.recipe_sha256("kettle")
    assert same is not other_recipe


def test_the_package_has_the_protocols_that_others_publish_on_and_its_own():
    assert library.list_names() == [
        "bert4nilm_ukdale",
        "dincecco_refit",
        "half_minute",
        "live_60s",
        "nilmbench_t1",
        "nilmbench_t2",
        "nilmbench_t3",
        "nilmformer_ukdale",
        "one_minute",
        "one_minute_houses",
        "unseen_60s",
        "unseen_8s",
        "zhang_redd",
        "zhang_ukdale",
    ]


def test_the_packages_own_protocols_take_the_default_window_of_their_period():
    own = [
        p
        for p in (library.find_protocol(name).protocol for name in library.list_names())
        if p.source.startswith("this package's own")
    ]
    assert {p.period_s for p in own} == {8, 30, 60}
    assert all(p.window == choose_window(p.period_s) for p in own)


def test_the_page_on_protocols_lists_every_one_and_its_own_example_is_one():
    page = (Path(__file__).parents[3] / "docs" / "reference" / "protocols.md").read_text()
    assert all(f"| `{name}` |" in page for name in library.list_names())
    example = library.parse_protocol(
        page.partition("```toml")[2].partition("```")[0], "protocols.md"
    )
    ProtocolSteps(example, "protocols.md", Path()).check(1)


def test_the_published_splits_are_as_published():
    refit = library.find_protocol("dincecco_refit").protocol
    washing = refit.roles("washing_machine")
    assert [house.house for house in washing.train] == ["2", "5", "7", "9", "15", "16", "17"]
    assert (washing.validation[0].house, washing.test[0].house) == ("18", "8")
    week = library.find_protocol("nilmbench_t1").protocol.roles("kettle").test[0]
    assert week.start == datetime(2013, 5, 19, 23, tzinfo=UTC)
    assert week.end is not None
    assert week.end - week.start == timedelta(days=7)
    assert library.find_protocol("nilmbench_t3").protocol.roles("fridge").test[0].dataset == "refit"
    best = library.find_protocol("nilmformer_ukdale").protocol.published[0].mae_w
    assert sum(best.values()) / 5 == pytest.approx(17.1, abs=0.05)


def test_a_file_of_ones_own_is_a_protocol_too(tmp_path: Path, small: Small):
    path = tmp_path / "mine.toml"
    path.write_text(small().text)
    found = library.find_protocol(str(path))
    assert (found.name, found.where, found.protocol) == ("mine", str(path), small().protocol)


def test_thresholds_stand_over_the_table_and_names_are_the_tables(small: Small):
    p = small(texts={"[appliances.kettle]": '[appliances."Kettle"]'}).protocol
    assert list(p.appliances) == ["kettle", "fridge"]
    assert (
        p.appliance("kettle").on_power_w,
        p.appliance("kettle").min_on_s,
        p.appliance("fridge").on_power_w,
    ) == (1500, 12, 50)


REFUSED: dict[str, tuple[dict[str, str], str]] = {
    "no TOML": ({'title = "Small': "title = Small"}, "small.toml: no TOML: "),
    "a strange key": (
        {"window = 31": "window = 31\nwindows = 31"},
        "small.toml: windows: there is no such key",
    ),
    "a strange key inside": (
        {"on_power_w": "on_watts"},
        "appliances.kettle.thresholds.on_watts: there is no such key",
    ),
    "a missing key": ({"period_s = 6": ""}, "small.toml: period_s: field required"),
    "a window of none": (
        {"window = 31": "window = 0"},
        "small.toml: window: input should be greater than 0",
    ),
    "no house to train on": (
        {"train = [1, { house = 2, block = [0.0, 0.5] }]": ""},
        "no house to train the kettle on",
    ),
    "a house of nothing": (
        {"test = [5]": "test = [{}]"},
        "houses.test[0]: give a house by its number, or a file",
    ),
    "a house in two roles": (
        {"test = [5]": "test = [1]"},
        "house 1 (train) and house 1 (test) are, or may be, the same readings",
    ),
    "a house of the same data set by its name": (
        {"test = [5]": 'test = [{ dataset = "ukdale", house = 1 }]'},
        "are, or may be, the same readings",
    ),
    "blocks that overlap": (
        {"block = [0.5, 1.0]": "block = [0.4, 1.0]"},
        "are, or may be, the same readings",
    ),
    "a block that is none": (
        {"block = [0.5, 1.0]": "block = [0.5, 1.5]"},
        "houses.validation[0]: a block is two fractions in order",
    ),
    "a time without a zone": (
        {"test = [5]": "test = [{ house = 5, start = 2013-01-01T00:00:00 }]"},
        "houses.test[0].start: input should have timezone info",
    ),
    "an end before its start": (
        {
            "test = [5]": (
                "test = [{ house = 5, start = 2013-01-02T00:00:00Z, end = 2013-01-01T00:00:00Z }]"
            )
        },
        "start must come before end",
    ),
    "a block and a span": (
        {"test = [5]": "test = [{ house = 5, block = [0, 1], start = 2013-01-02T00:00:00Z }]"},
        "give a block, or start and end, not both",
    ),
    "an unknown appliance": (
        {"[appliances.fridge]": "[appliances.teapot]"},
        "small.toml: appliances: unknown appliance 'teapot'",
    ),
    "a published row of another": (
        {"mae_w = { kettle": "mae_w = { microwave"},
        "published, someone's network: 'microwave' is not",
    ),
    "own scaling without constants": (
        {"window = 31": 'window = 31\nscaling = "own"'},
        "scaling 'own' needs own_scaling",
    ),
    "an unknown metric": (
        {"window = 31": 'window = 31\nmetrics = ["mae"]'},
        "small.toml: metrics[0]: ",
    ),
    "clipping by an unknown table": (
        {"[houses]": '[clipping]\nappliance_w = "tables"\n\n[houses]'},
        "small.toml: clipping.appliance_w: expected a number or 'table'",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_is_no_protocol_is_refused_in_one_line_with_its_key(case: str, small: Small):
    texts, says = REFUSED[case]
    with pytest.raises(UsageError) as refused:
        small(texts=texts)
    assert says in str(refused.value)
    assert str(refused.value).startswith("small.toml: ")


SETTINGS: dict[str, tuple[dict[str, str], str]] = {
    "a strange setting": (
        {"steps = 3": "step = 3"},
        "small.toml: training.step: there is no such key",
    ),
    "a setting out of range": (
        {"steps = 3": "steps = 0"},
        "small.toml: training.steps: input should be greater than 0",
    ),
    "two lengths": (
        {"steps = 3": "steps = 3, epochs = 1"},
        "small.toml: training: give one of `epochs`, `steps` and `budget_s`",
    ),
    "a strange network": (
        {"network = {": "network = { layers = 3,"},
        "small.toml: network.layers: there is no such key",
    ),
    "an unknown network": (
        {"network = { channels = [4, 4], kernels = [5, 3], hidden = 8 }": 'network = "big"'},
        "small.toml: network: unknown network 'big'",
    ),
    "a network with a window": (
        {"hidden = 8": "hidden = 8, window = 33"},
        "small.toml: network.window: the window stands in",
    ),
    "an unknown pruner": (
        {"[[published]]": '[pruning]\nmethod = "axe"\n[[published]]'},
        "small.toml: pruning: unknown pruning",
    ),
    "a pruner of nothing": (
        {"[[published]]": '[pruning]\nmethod = "none"\n[[published]]'},
        "pruning.method: 'none' prunes nothing",
    ),
    "a strange setting while pruned": (
        {
            "[[published]]": (
                '[pruning]\nmethod = "magnitude"\ntraining = { pace = 1 }\n[[published]]'
            )
        },
        "small.toml: pruning.training.pace: there is no such key",
    ),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_settings_that_do_not_fit_are_refused_before_anything_is_read(case: str, small: Small):
    texts, says = SETTINGS[case]

    def check() -> None:
        source = small(texts=texts)
        ProtocolSteps(source.protocol, source.where, Path("nowhere")).check(1)

    with pytest.raises(UsageError) as refused:
        check()
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("zhang", "unknown protocol 'zhang': choose one of bert4nilm_ukdale, "),
        ("no.toml", "no.toml: cannot"),
    ],
)
def test_a_name_that_is_none_is_refused(name: str, says: str):
    with pytest.raises(UsageError, match=says):
        library.find_protocol(name)


BLOCKS = st.tuples(st.integers(0, 20), st.integers(0, 20)).filter(lambda b: b[0] < b[1])


@given(one=BLOCKS, other=BLOCKS, dated=st.booleans())
def test_stretches_overlap_where_they_share_a_sample_and_only_there(
    one: tuple[int, int], other: tuple[int, int], dated: bool
):
    epoch = datetime(2013, 1, 1, tzinfo=UTC)

    def stretch(bounds: tuple[int, int], house: str = "1") -> House:
        if dated:
            first, end = (epoch + timedelta(days=b) for b in bounds)
            return House(house=house, start=first, end=end)
        return House(house=house, block=(bounds[0] / 20, bounds[1] / 20))

    shared = bool(set(range(*one)) & set(range(*other)))
    assert stretch(one).overlaps(stretch(other)) == stretch(other).overlaps(stretch(one)) == shared
    assert stretch(one).overlaps(House(house="1"))
    assert not stretch(one).overlaps(stretch(other, house="2"))


@pytest.mark.parametrize(
    ("given", "label"),
    [
        (3, "house 3"),
        ({"house": 1, "block": [0.5, 1]}, "house 1, 50% to 100%"),
        (
            {"dataset": "refit", "house": 2, "end": "2014-05-07T00:00:00Z"},
            "refit house 2 until 2014-05-07",
        ),
        ({"file": "home.csv"}, "home.csv"),
    ],
)
def test_a_stretch_is_called_what_it_is(given: Any, label: str):
    assert House.model_validate(given).label == label
