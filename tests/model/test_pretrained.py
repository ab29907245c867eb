"""The models that come with the package: each is what its card says, small, and found by name and
period.
"""

import hashlib
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from seq2point import Model, Recording, runtime
from seq2point.appliances import APPLIANCES, find_appliance
from seq2point.errors import ModelFileError, UsageError
from seq2point.model import pretrained
from seq2point.model.evaluation import evaluate
from seq2point.model.pretrained.card import Card, HouseResult, average_error, judge
from seq2point.studies.protocols import library
from seq2point.studies.protocols.houses import load_stretch

EVERY = pytest.mark.parametrize(
    "name", [f"{name}-{period_s}s" for name, period_s in product(APPLIANCES, (8, 60))]
)
MOST_BYTES = 1 << 20


@EVERY
def test_a_model_is_what_its_card_says(name: str):
    native, onnx, card = pretrained.load_pretrained(name)
    for path in (native, onnx):
        kind = path.suffix[1:]
        assert path.stat().st_size == card.file_bytes[kind] < MOST_BYTES
        assert hashlib.sha256(path.read_bytes()).hexdigest() == card.sha256[kind]
    model, exported = Model.load(native), runtime.load(onnx)
    for predictor in (model, exported):
        assert [a.name for a in predictor.appliances] == [card.appliance]
        assert (predictor.period_s, predictor.window) == (card.period_s, card.window)
    assert model.architecture.parameters == card.parameters
    protocol = library.find_protocol(card.protocol)
    assert protocol.recipe_sha256(card.appliance) == card.recipe_sha256
    assert model.provenance["pretrained"]["name"] == card.name == name
    assert exported.metadata.quantization is not None
    assert card.licences
    assert card.tested
    assert all("CC BY 4.0" in licence for licence in card.licences)
    failed = [tested.house for tested in card.tested if tested.unseen and not tested.passes]
    assert all(any(house in limit for limit in card.limits) for house in failed)


def home(sae: float = 0.1, f1: float = 0.7, unseen: bool = True) -> HouseResult:
    metrics = {"mae_w": 5.0, "nde": 0.3, "sae": sae, "f1": f1}
    return HouseResult(
        house="a home", unseen=unseen, days=10, metrics=metrics, zero_mae_w=10.0, mean_mae_w=20.0
    )


@pytest.mark.parametrize(
    ("tested", "words"),
    [
        ([home(), home(0.25)], "good"),
        ([home(), home(0.26)], "usable with care"),
        ([home()], "usable with care"),
        ([home(), home(), home(f1=0.4)], "usable with care"),
        ([home(), home(f1=0.4)], "not to be relied on"),
        ([home(f1=0.4), home(unseen=False), home(unseen=False)], "not to be relied on"),
        ([home(unseen=False), home(unseen=False)], "not to be relied on"),
    ],
)
def test_a_verdict_rests_on_homes_left_out_of_training_alone(tested: list[HouseResult], words: str):
    assert judge(tested) == words


@pytest.mark.parametrize(("f1", "words"), [(0.7, "of use"), (0.4, "of no use")])
def test_homes_with_a_day_each_judge_where_no_long_home_does(f1: float, words: str):
    card = pretrained.load_pretrained("kettle-60s").card
    days = [home(f1=f1).model_copy(update={"house": "9 homes, a day each"}), home(), home()]
    other = card.model_copy(update={"tested": [home(unseen=False)], "days": days})
    assert f"{words} in 9 homes, a day each, taken together" in other.promise
    assert other.verdict == ("usable with care" if f1 == 0.7 else "not to be relied on")
    assert average_error(other.judges) == pytest.approx(0.5 + 0.3 + 1 - f1)
    assert card.model_copy(update={"days": days}).promise == card.promise


def test_the_page_says_what_the_cards_say():
    page = (Path(__file__).parents[2] / "docs" / "lab" / "models.md").read_text()
    for card in pretrained.load_cards():
        section = page.partition(f"## {card.name}\n")[2].partition("\n## ")[0]
        assert f"\n- {card.promise[0].upper()}{card.promise[1:]}\n" in section


@EVERY
def test_the_exported_file_predicts_as_the_native_one_does(name: str, make_mains: Recording):
    native, onnx, card = pretrained.load_pretrained(name)
    mains = Recording("house", card.period_s, make_mains.mains_w)
    predictions_w = [
        predictor.predict_w(mains)[:, 0] for predictor in (Model.load(native), runtime.load(onnx))
    ]
    known = np.isfinite(predictions_w[0])
    np.testing.assert_array_equal(known, np.isfinite(predictions_w[1]))
    most_w = find_appliance(card.appliance).max_power_w
    assert np.abs(predictions_w[0] - predictions_w[1])[known].mean() < 0.01 * most_w


@pytest.fixture(scope="module")
def make_mains() -> Recording:
    rng = np.random.default_rng(0)
    mains_w = 150 + rng.normal(0, 10, 3000)
    for _ in range(40):
        first = int(rng.integers(2900))
        mains_w[first : first + int(rng.integers(2, 60))] += rng.uniform(80, 2800)
    return Recording("house", 8.0, mains_w.astype(np.float32))


def test_real_houses_give_what_the_card_says(data_dir: Path):
    native, _, card = pretrained.load_pretrained("kettle-60s")
    protocol = library.find_protocol(card.protocol).protocol
    trained_on = [
        load_stretch(protocol, house, find_appliance("kettle"), data_dir)
        for house in protocol.roles("kettle").train
    ]
    metrics = evaluate(
        Model.load(native), [recording for house in trained_on for recording in house]
    ).metrics["kettle"]
    for metric, value in card.int8["native"].items():
        assert metrics[metric] == pytest.approx(value, rel=1e-4)


def test_a_model_is_found_by_any_name_of_its_appliance_and_the_period():
    assert pretrained.find_pretrained("kettle", 60).card.name == "kettle-60s"
    assert pretrained.find_pretrained("Washing Machine", 8.01).card.name == "washing_machine-8s"
    assert pretrained.find_pretrained("fridge-60s").card.period_s == 60
    assert (
        Model.pretrained("kettle", period_s=8).window
        == pretrained.load_pretrained("kettle-8s").card.window
    )
    assert pretrained.list_periods_s("dishwasher") == [8, 60]
    for name, period_s, message in (
        ("kettle", None, "several sampling periods: name one of kettle-8s, kettle-60s"),
        ("kettle", 6.0, "for a reading every 6 s: choose one of kettle-8s, kettle-60s"),
        (
            "heat pump",
            8.0,
            "no model of 'heat pump' comes with the package, only of dishwasher, fridge, kettle",
        ),
    ):
        with pytest.raises(UsageError, match=message):
            pretrained.find_pretrained(name, period_s)


def test_what_is_damaged_or_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(
        ModelFileError,
        match="no model 'boiler-8s' comes with the package: choose one of dishwasher-",
    ):
        pretrained.load_pretrained("boiler-8s")
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    (tmp_path / "kettle-8s.json").write_text('{"name": "kettle-8s"}')
    with pytest.raises(
        ModelFileError, match=r"kettle-8s\.json: damaged .*; install the package again"
    ):
        pretrained.load_pretrained("kettle-8s")


def test_a_home_gets_one_model_for_each_appliance_that_its_readings_give():
    cards = pretrained.load_cards()
    for finest_s in (1.0, 8.0, 30.0):
        chosen = pretrained.choose_cards(lambda each_s, finest_s=finest_s: each_s >= finest_s)
        assert set(chosen) == {card.appliance for card in cards}
        for name, best in chosen.items():
            others = [c for c in cards if c.appliance == name and c.period_s >= finest_s]
            assert best == pretrained.find_best(others)
    assert not pretrained.choose_cards(lambda period_s: False)


def judged(name: str, *homes: tuple[str, float]) -> Card:
    """A card with the homes that judge it, each with its MAE as a share of the zero predictor's."""
    tested = [
        home().model_copy(
            update={"house": house, "metrics": home().metrics | {"mae_w": 10 * share}}
        )
        for house, share in homes
    ]
    card = pretrained.load_pretrained("kettle-60s").card
    return card.model_copy(update={"name": name, "tested": tested})


def test_models_are_compared_in_the_homes_that_judge_both():
    """A model that was tried in one easy home more is no better for it."""
    coarse = judged("coarse", ("one", 0.5), ("two", 1.4))
    fine = judged("fine", ("one", 0.6), ("easy", 0.1))
    assert average_error(fine.judges) < average_error(coarse.judges)
    assert pretrained.find_best([fine, coarse]).name == "coarse"
    elsewhere = judged("elsewhere", ("other", 0.2))
    assert pretrained.find_best([coarse, elsewhere]).name == "elsewhere"


def test_one_that_is_not_to_be_relied_on_comes_last_whatever_its_error():
    relied = judged("relied", ("one", 0.9))
    fails = judged("fails", ("one", 0.1))
    fails.tested[0].metrics["f1"] = 0.4
    assert average_error(fails.judges) < average_error(relied.judges)
    assert pretrained.find_best([fails, relied]).name == "relied"


def test_no_home_left_out_is_no_claim():
    card = pretrained.load_pretrained("kettle-8s").card
    assert average_error(card.model_copy(update={"days": []}).judges) == float("inf")
