"""What a curve of transfer compares, and how it is said; without torch, for those who only read."""

from typing import get_args

from seq2point.choices import Freeze

AS_IT_IS, FROM_NOTHING = "as it is", "from nothing"
FREEZES: tuple[Freeze, ...] = get_args(Freeze)
TITLES = {
    "none": "all trained on",
    "convolutions": "convolutions frozen",
    "all-but-output": "all but the output frozen",
}


def describe_choice(choice: str) -> str:
    """A choice in words."""
    return TITLES.get(choice, choice)


def format_days(days: float) -> str:
    """A number of days in words."""
    return f"{days:g} day{'' if days == 1 else 's'}"
