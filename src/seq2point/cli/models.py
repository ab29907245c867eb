"""`seq2point models`: the models that come with the package, and their cards in words."""

from typing import TYPE_CHECKING, Annotated

import typer

from seq2point.cli import options
from seq2point.wording import format_count, format_seconds

if TYPE_CHECKING:
    from seq2point.model.pretrained import Card, HouseResult

HEADINGS = ("tested on", "days", "MAE", "zero", "mean", "on-MAE", "NDE", "SAE", "F1", "")
BRIEF = (0, 2, 3, 6, 8, 9)


def models(
    name: Annotated[
        str | None, typer.Argument(help="Show one model's card, as kettle-60s.", metavar="[NAME]")
    ] = None,
    json: options.Json = None,
) -> None:
    """List the models that come with the package, or show one's card.

    A card says what the model learned from, its metrics and its limits. Give a model's name
    wherever a verb takes a MODEL. `disaggregate` also takes an appliance's name alone, and finds
    the period in the mains.
    """
    from seq2point.model import pretrained
    from seq2point.report import terminal

    cards = pretrained.load_cards() if name is None else [pretrained.find_pretrained(name).card]
    report = {card.name: card.model_dump(mode="json") | {"verdict": card.verdict} for card in cards}
    console = terminal.write_report(report if name is None else report[cards[0].name], json)
    if name is None:
        lines = [["model", *(HEADINGS[i] for i in BRIEF)]]
        for card in cards:
            for i, cells in enumerate(map(make_row, card.tested)):
                lines.append([card.name if i == 0 else "", *(cells[i] for i in BRIEF)])
        title = "models that come with seq2point"
        console.print(terminal.FittedTable(title, lines[0], lines[1:], wrap=(1,), left=(0, 1)))
        for card in cards:
            terminal.print_prose(console, f"{card.name} is {card.promise}")
    else:
        console.print(f"[bold]{cards[0].name}[/bold]", highlight=False)
        for fact in describe_card(cards[0]):
            terminal.print_prose(console, f"- {fact}")
        console.print(terminal.make_table("", [HEADINGS, *map(make_row, cards[0].tested)]))
    terminal.print_prose(console, explain_terms(), "dim")


def explain_terms() -> str:
    """Return what the headings and the words of the cards mean."""
    from seq2point.model.pretrained import GOOD_SAE, Verdict

    return (
        "Tested: in a house that a network of the same recipe was trained without; where a model"
        " has one house alone, in its last fifth. zero, mean: the MAE of always saying 0 W, and"
        " the mean power. on-MAE: while it is on. fails: NDE of 1 or more, F1 below 0.5, or no"
        f" better than zero; of use: what does not fail. {Verdict.GOOD}: of use in all of two homes"
        " or more that were left out of training, with the energy (SAE) wrong by no more than"
        f" {GOOD_SAE:.0%}; {Verdict.CARE}: of use in more than half of them; {Verdict.UNRELIABLE}:"
        " in fewer, or none was left out."
    )


def make_row(tested: "HouseResult") -> list[str]:
    """Return the metrics of a recipe on a house, in the order of HEADINGS."""
    metrics = tested.metrics
    watts = (metrics["mae_w"], tested.zero_mae_w, tested.mean_mae_w, metrics["on_mae_w"])
    return [
        tested.house,
        f"{tested.days:.0f}",
        *("-" if value is None else f"{value:.1f} W" for value in watts),
        *("-" if metrics[key] is None else f"{metrics[key]:.2f}" for key in ("nde", "sae", "f1")),
        "" if tested.passes else "fails",
    ]


def describe_card(card: "Card") -> list[str]:
    """Return a model's card in sentences: what it is, its limits, its origin and licences."""
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
        *card.limits,
        (
            f"Trained on {', '.join(card.trained_on)} by the protocol {card.protocol}, seed"
            f" {card.seed}"
        ),
        (
            f"int8 on all of these: MAE {exported['mae_w']:.2f} W (float32 {native['mae_w']:.2f}"
            f" W), while on {exported['on_mae_w']:.0f} W ({native['on_mae_w']:.0f} W)"
        ),
        *card.licences,
    ]
