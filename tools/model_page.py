"""What a card says of a model's limits, and docs/lab/models.md from all cards."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seq2point.appliances import find_appliance
from seq2point.model import pretrained
from seq2point.model.pretrained.card import HouseResult
from seq2point.report.pretrained import (
    describe_card,
    explain_terms,
    make_card_headings,
    make_card_row,
)
from seq2point.studies.spread import render_table

PAGE = Path(__file__).parent.parent / "docs" / "lab" / "models.md"
PREFACE = """# Models that come with the package

```sh
seq2point models
seq2point disaggregate kettle mains.csv -o kettle.csv
```

These models are for people without labels. `make models` (tools/make_models.py) writes this page \
from their cards. In
Python: `Model.pretrained("kettle", period_s=60)`, or without torch \
`runtime.load(pretrained.find_pretrained("kettle", 60).native)`. The
period of the mains decides which model fits; others are averaged with `--resample`. \
The ONNX files take chunks of any
length.

A row is what `disaggregate` gives. Where that is decided by event, a row "alone" before it has \
the network's own prediction. \
Each long house is decided with the settings that the other homes choose; those with a day each, \
which choose as one, with the settings of all. \
Homes with a day each are eleven of REFIT's, of 17 to 21 hours; a network tested on them has \
learned from no trace that may be of them.
"""


def limits(card: Mapping[str, Any]) -> list[str]:
    """What the model cannot be relied on for, from what was measured."""
    appliance = find_appliance(card["appliance"]).label
    said = [
        (
            "British houses for the most part, single-phase mains at 230 V; other countries'"
            " appliances and supplies are hardly tried."
        ),
        describe_wait(card["window"], card["target_index"], card["period_s"]),
    ]
    unseen = [t for t in card["tested"] if t.unseen]
    if not unseen:
        said.insert(
            0,
            "No other long house has the appliance at this period"
            + (
                "; how good it is in a home that it has not seen rests on homes with a day each."
                if card["days"]
                else ", so how good it is in a house that it has not seen is unknown."
            ),
        )
    if failed := [t.house for t in unseen if not t.passes]:
        said.insert(
            0,
            f"Without it in training, {' and '.join(failed)} gave an NDE of 1 or more, an F1 below"
            f" 0.5, or an error no smaller than that of a {appliance} that is always off. Fine-tune"
            " it on a few days of labels (`seq2point transfer`).",
        )
    return said


def describe_wait(window: int, target: int | None, period_s: float) -> str:
    """When a model answers, in a sentence."""
    if target is None:
        return f"Answers half a window late, {(window - 1) * period_s / 120:.0f} minutes."
    return (
        f"Answers {(window - 1 - target) * period_s / 60:.0f} minutes late, and sees no more of"
        " what follows."
    )


def page() -> str:
    """docs/lab/models.md, from the cards that are there."""
    parts = [PREFACE, explain_terms(), ""]
    for card in [*pretrained.load_cards(), *pretrained.load_cards(live=True)]:
        rows = [row for t in (*card.tested, *card.days) for row in make_rows(t)]
        parts += [
            f"## {card.name}",
            "",
            *(f"- {fact}" for fact in describe_card(card)),
            "",
            *render_table([*make_card_headings(), "cycles found", "cycles right"], rows),
            "",
        ]
    return "\n".join(parts)


def make_rows(tested: HouseResult) -> Iterator[list[str]]:
    """A house's rows: what the network gives by itself, then by event."""
    alone = tested.model_copy(update={"metrics": tested.alone, "house": f"{tested.house}, alone"})
    for each in (alone, tested) if tested.alone else (tested,):
        cycles = [each.metrics.get(key) for key in ("cycle_recall", "cycle_precision")]
        yield [
            *make_card_row(each),
            *("-" if share is None else f"{share:.0%}" for share in cycles),
        ]
