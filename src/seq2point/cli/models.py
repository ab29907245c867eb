"""`seq2point models`: the models that come with the package, and their cards in words."""

from typing import Annotated

import typer

from seq2point.cli import options

BRIEF = (0, 2, 3, 6, 8, 9)
"""The columns of a card's table that the list of all models has room for."""


def models(
    name: Annotated[
        str | None, typer.Argument(help="Show one model's card, as kettle-60s.", metavar="[NAME]")
    ] = None,
    json: options.Json = None,
) -> None:
    """List the models that come with the package, or show one's card.

    A card says what the model learned from, its metrics and its limits. Give a model's name
    wherever a verb takes a MODEL. Verbs that read data also take an appliance's name alone, and
    find the period in the data. Models that end in -live answer soon, for `live`, and err more.
    """
    from seq2point.model import pretrained
    from seq2point.report import pretrained as cards
    from seq2point.report import terminal

    every = [*pretrained.load_cards(), *pretrained.load_cards(live=True)]
    chosen = every if name is None else [pretrained.find_pretrained(name).card]
    report = {
        card.name: card.model_dump(mode="json") | {"verdict": card.verdict} for card in chosen
    }
    console = terminal.write_report(report if name is None else report[chosen[0].name], json)
    if name is None:
        headings = cards.make_card_headings()
        lines = [["model", *(headings[i] for i in BRIEF)]]
        for card in chosen:
            rows = [[cells[i] for i in BRIEF] for cells in map(cards.make_card_row, card.tested)]
            rows += [[""] * len(BRIEF)] * (len(rows) < 2)
            names = [card.name, f"  {card.verdict}", *[""] * (len(rows) - 2)]
            lines += [[name, *row] for name, row in zip(names, rows, strict=True)]
        title = "models that come with seq2point"
        console.print(terminal.FittedTable(title, lines[0], lines[1:], wrap=(1,), left=(0, 1)))
        for card in chosen:
            terminal.print_prose(console, f"- {card.name} is {card.promise}")
    else:
        console.print(chosen[0].name, style="bold")
        for fact in cards.describe_card(chosen[0]):
            terminal.print_prose(console, f"- {fact}")
        lines = [cards.make_card_headings(), *map(cards.make_card_row, chosen[0].tested)]
        console.print(terminal.make_table("", lines))
    console.print()
    terminal.print_prose(console, cards.explain_terms(), "dim")
