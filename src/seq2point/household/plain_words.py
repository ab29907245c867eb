"""What a model is worth, in the words of someone who wants to know what their home used.

A card says it in the field's own words, with the measures behind them: `seq2point models NAME`.
"""

from seq2point.model.pretrained.card import Card

PLAIN_LIMITS = (
    ("Without it in training, ", None),  # the homes are counted in `describe_worth`
    ("No other house has the appliance", None),
    ("No other long house has the appliance", None),
    ("Answers half a window late", None),  # which a file of the past does not notice,
    ("Answers 10 minutes late", None),  # and the live page says how late it is
    (
        "British houses alone",
        "it learned from British homes alone, with one phase of 230 V, and was not tried elsewhere",
    ),
    (
        "British houses for the most part",
        "it learned mostly from British homes, with one phase of 230 V, and was hardly tried"
        " elsewhere",
    ),
)
"""How the limits of cards begin, and what they say to a home; None for nothing."""


def describe_worth(card: Card) -> str:
    """Return how a model did in homes that it had not seen, in a sentence."""
    label = card.appliance.replace("_", " ")
    unseen = card.judges
    if not unseen:
        return f"nobody has tried it in a home that it had not seen: its {label} may be far off"
    useful, homes = sum(home.passes for home in unseen), len(unseen)
    every = "both" if homes == 2 else f"all {homes}"
    share = every if useful == homes else f"{useful or 'none'} of {homes}"
    where = "the one home" if homes == 1 else f"{share} homes"
    if card.is_judged_by_days:
        where = "homes with a day of readings each, taken together,"
    verb = "it did not tell" if homes == 1 and not useful else "it told"
    text = f"in {where} that it had not seen {verb} the {label} apart well enough to be of use"
    errors = sorted(error for home in unseen if (error := home.metrics["sae"]) is not None)
    if not errors:
        return text
    low, high = (round(100 * error) for error in (errors[0], errors[-1]))
    return f"{text}; its kWh were wrong by {low if low == high else f'{low} to {high}'} %"


def list_plain_limits(card: Card) -> tuple[str, ...]:
    """Return the limits of a model that matter to a home; one of unknown words stands as it is."""
    plain = (
        next((text for start, text in PLAIN_LIMITS if limit.startswith(start)), limit)
        for limit in card.limits
    )
    return tuple(text for text in plain if text)
