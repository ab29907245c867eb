"""The cards of the models that come with the package, in words and as tables."""

from seq2point.metrics import METRICS
from seq2point.model.pretrained.card import GOOD_SAE, Card, HouseResult, Verdict
from seq2point.wording import format_count, format_seconds

RATIOS = ("nde", "sae", "f1")
RATIO_DECIMALS = 2
"""A narrow terminal has room for no more."""


def explain_terms() -> str:
    """Return what the headings and the words of the cards mean."""
    mae, sae, nde, f1 = (METRICS[key].label for key in ("mae_w", "sae", "nde", "f1"))
    return (
        "Tested: in a house that a network of the same recipe was trained without; where a model"
        f" has one house alone, in its last fifth. zero, mean: the {mae} of always saying 0 W,"
        f" and the mean power. fails: {nde} of 1 or more, {f1} below 0.5, or no"
        f" better than zero; of use: what does not fail. {Verdict.GOOD}: of use in all of two homes"
        f" or more that were left out of training, with the energy ({sae}) wrong by no more than"
        f" {GOOD_SAE:.0%}; {Verdict.CARE}: of use in more than half of them; {Verdict.UNRELIABLE}:"
        " in fewer, or none was left out."
    )


def make_card_headings() -> list[str]:
    """Return the headings of a card's table."""
    mae, on_mae = METRICS["mae_w"].label, METRICS["on_mae_w"].label
    return [
        "tested on",
        "days",
        mae,
        "zero",
        "mean",
        on_mae,
        *(METRICS[k].label for k in RATIOS),
        "",
    ]


def make_card_row(tested: HouseResult) -> list[str]:
    """Return what a recipe reached on a house, in the order of the headings."""
    metrics, mae = tested.metrics, METRICS["mae_w"]
    maes = (metrics["mae_w"], tested.zero_mae_w, tested.mean_mae_w)
    return [
        tested.house,
        f"{tested.days:.0f}",
        *map(mae.format, maes),
        METRICS["on_mae_w"].format(metrics["on_mae_w"]),
        *(METRICS[key].format(metrics[key], RATIO_DECIMALS) for key in RATIOS),
        "" if tested.passes else "fails",
    ]


def describe_card(card: Card) -> list[str]:
    """Return what there is to say of a model, a sentence each.

    What it is, its limits, and where it comes from.
    """
    native, exported = (card.int8[side] for side in ("native", "exported"))
    window_min = card.window * card.period_s / 60
    return [
        f"{card.promise[0].upper()}{card.promise[1:]}",
        (
            f"{card.appliance.replace('_', ' ')} from a mains reading every "
            f"{format_seconds(card.period_s)}: {card.parameters:,} weights, "
            f"a window of {format_count(card.window, 'reading')} ({window_min:.0f} min)"
        ),
        f"{card.file_bytes['safetensors']:,} bytes, {card.file_bytes['onnx']:,} as int8 ONNX",
        *(["Decided by event, which did better in homes left out of training"] * bool(card.events)),
        *card.limits,
        (
            f"Trained on {', '.join(card.trained_on)} by the protocol {card.protocol}, seed"
            f" {card.seed}"
        ),
        (
            f"int8 on all of these: {METRICS['mae_w'].describe(exported['mae_w'], 2)}"
            f" (float32 {native['mae_w']:.2f}"
            f" W), while on {exported['on_mae_w']:.0f} W ({native['on_mae_w']:.0f} W)"
        ),
        *card.licences,
    ]
