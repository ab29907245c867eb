"""What a model is worth, in the words of a home."""

import re

import pytest

from seq2point.household.plain_words import PLAIN_LIMITS, describe_worth, list_plain_limits
from seq2point.model.pretrained import load_cards
from seq2point.model.pretrained.card import Card, HouseResult

JARGON = re.compile(r"\b(NDE|F1|MAE|SAE|window|fine-tune|training|protocol|sae)\b|`", re.IGNORECASE)


def make_home(sae: float | None, useful: bool = True, unseen: bool = True) -> HouseResult:
    metrics = {"nde": 0.4, "f1": 0.9 if useful else 0.1, "mae_w": 5.0, "sae": sae}
    return HouseResult(
        house="A", unseen=unseen, days=30, metrics=metrics, zero_mae_w=20.0, mean_mae_w=25.0
    )


def make_card(*homes: HouseResult) -> Card:
    return load_cards()[0].model_copy(
        update={
            "appliance": "washing_machine",
            "tested": [*homes],
            "days": [],
            "limits": ["It is new."],
        }
    )


@pytest.mark.parametrize(
    ("homes", "words"),
    [
        (
            [make_home(0.149), make_home(0.336), make_home(0.2, useful=False)],
            "in 2 of 3 homes that it had not seen it told the washing machine apart well enough to"
            " be of use; its kWh were wrong by 15 to 34 %",
        ),
        (
            [make_home(0.2), make_home(0.2), make_home(0.9, unseen=False)],
            "in both homes that it had not seen it told the washing machine apart well enough to"
            " be of use; its kWh were wrong by 20 %",
        ),
        (
            [make_home(None, useful=False), make_home(1.5, useful=False)],
            "in none of 2 homes that it had not seen it told the washing machine apart well enough"
            " to be of use; its kWh were wrong by 150 %",
        ),
        (
            [make_home(0.5, useful=False)],
            "in the one home that it had not seen it did not tell the washing machine apart well"
            " enough to be of use; its kWh were wrong by 50 %",
        ),
        (
            [make_home(0.1, unseen=False)],
            "nobody has tried it in a home that it had not seen: its washing machine may be far"
            " off",
        ),
    ],
)
def test_worth_is_counted_in_homes_left_out(homes: list[HouseResult], words: str):
    assert describe_worth(make_card(*homes)) == words


@pytest.mark.parametrize("card", load_cards(), ids=lambda card: card.name)
def test_the_models_of_the_package_are_told_without_jargon(card: Card):
    limits = list_plain_limits(card)
    for text in (describe_worth(card), *limits):
        assert not JARGON.search(text)
    known = sum(any(limit.startswith(start) for start, _ in PLAIN_LIMITS) for limit in card.limits)
    assert known == len(card.limits)
    assert len(limits) == 1  # where it learned


def test_a_limit_of_other_words_stands():
    assert list_plain_limits(make_card()) == ("It is new.",)
