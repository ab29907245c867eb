"""The page of results: one HTML file with tables, pictures and cards, whole in itself."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from seq2point.metrics import METRICS
from seq2point.report.page_parts import hash_part, join_scripts, read_part
from seq2point.report.results import front, layer_bars
from seq2point.report.results.commands import has_placeholders
from seq2point.report.results.curves import pack_curves
from seq2point.report.results.days import (
    FEWER_SAMPLES,
    MOST_SAMPLES,
    DaysFigure,
    SharedDays,
    pack_activations,
    pack_by_hour,
)
from seq2point.report.results.front import QUANTITIES, SHAPES, Chart, draw_chart
from seq2point.report.results.label_curves import LabelCurve
from seq2point.report.results.layer_bars import LayerBar, draw_layer_bars
from seq2point.report.results.result import UNPRUNED, Problem, Result
from seq2point.report.results.table import (
    UNKNOWN,
    find_energy_share,
    find_worst_hour,
    make_coverage_table,
    make_hour_and_event_table,
    make_main_table,
)
from seq2point.wording import format_count, format_number

MOST_OPEN = 12
"""Results whose cards are open at first; of more, each opens by itself."""
SCRIPTS = ("figures.js", "days.js", "page.js")
"""What the page's script is made of, in this order."""


class TestGroup(NamedTuple):
    """Results whose errors can be compared: what was tested, and the pictures of it."""

    title: str
    zero_mae: str
    results: int
    charts: list[Chart]
    marks: Mapping[str, int]


class ResultCard(NamedTuple):
    """What there is to say of one result; what its figures are made of is empty where it has none.

    `errors` says in words where the errors are. With `has_placeholders` the command has names in
    capitals where files would be.
    """

    number: int
    result: Result
    headline: str
    curve: str
    losses: str
    bars: list[LayerBar]
    by_hour: str
    activations: str
    days: DaysFigure | None
    errors: list[str]
    has_placeholders: bool


def render_page(
    results: Sequence[Result], problems: Sequence[Problem], curves: Sequence[LabelCurve] = ()
) -> str:
    """Return the page of results and curves as HTML, with what could not be read and why."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"sentence": make_sentence, "capital": begin_large}
    return environment.from_string(read_part(__package__, "page.html.jinja")).render(
        _describe(results, problems, curves)
    )


def _describe(
    results: Sequence[Result], problems: Sequence[Problem], curves: Sequence[LabelCurve]
) -> dict[str, Any]:
    """Return all that the template shows."""
    style = read_part(__package__, "page.css")
    script = join_scripts(__package__, *SCRIPTS)
    folder, results = shorten_names(results)
    tests = name_tests(results)
    shared = SharedDays(MOST_SAMPLES if len(results) <= MOST_OPEN else FEWER_SAMPLES)
    cards = [_make_card(i, each, shared) for i, each in enumerate(results)]
    counts = [format_count(len(results), "result")] if results or not curves else []
    counts += [format_count(len(curves), "transfer curve")] if curves else []
    return {
        "title": f"Report of {' and '.join(counts)}",
        "folder": folder,
        "results": results,
        "problems": problems,
        "table": make_main_table(results, tests),
        "hours_and_events": make_hour_and_event_table(results),
        "coverage": make_coverage_table(results),
        "curves": curves,
        "shared_days": shared.packed,
        "groups": [_make_group(results, key, title) for key, title in tests.items()],
        "cards": cards,
        "are_open": len(cards) <= MOST_OPEN,
        "metrics": METRICS,
        "front": front,
        "bars": layer_bars,
        "UNKNOWN": UNKNOWN,
        "style": style,
        "script": script,
        "style_hash": hash_part(style),
        "script_hash": hash_part(script),
    }


def shorten_names(results: Sequence[Result]) -> tuple[str, list[Result]]:
    """Return the folder that all results lie in, and the results with names without it."""
    parents = {str(Path(each.name).parent) for each in results}
    if len({Path(name).is_absolute() for name in parents}) != 1:
        return "", list(results)
    folder = os.path.commonpath(parents)
    if folder in ("", ".", "/"):
        return "", list(results)
    return folder, [replace(r, name=str(Path(r.name).relative_to(folder))) for r in results]


def name_tests(results: Sequence[Result]) -> dict[str, str]:
    """Return what each test is called, by `scored_alike`: 'kettle, house 8', or with a number."""
    titles: dict[str, str] = {}
    for each in results:
        if each.scored_alike not in titles:
            title = f"{each.appliance.replace('_', ' ')}, {each.tested_on}"
            count = sum(name.partition(" (")[0] == title for name in titles.values())
            titles[each.scored_alike] = f"{title} ({count + 1})" if count else title
    return titles


def make_sentence(text: str) -> str:
    """Return a text with a capital at its beginning and a stop at its end."""
    text = text.strip()
    return begin_large(text) + ("" if text.endswith((".", "!", "?")) else ".")


def begin_large(text: str) -> str:
    """Return a text with a capital at its beginning."""
    return f"{text[:1].upper()}{text[1:]}"


def _make_group(results: Sequence[Result], scored_alike: str, title: str) -> TestGroup:
    own = {i: each for i, each in enumerate(results) if each.scored_alike == scored_alike}
    pruners = sorted({each.pruner: each.pruner_label for each in own.values()}.items(), key=_order)
    marks = {label: i % SHAPES for i, (_, label) in enumerate(pruners)}
    charts = [chart for q in QUANTITIES if (chart := draw_chart(q, own, marks)) is not None]
    zero_w = next(iter(own.values())).baselines["zero"].get("mae_w")
    return TestGroup(title, METRICS["mae_w"].format(zero_w), len(own), charts, marks)


def _order(pruner: tuple[str, str]) -> tuple[bool, str]:
    """Return where a pruner stands in a legend: unpruned first."""
    return pruner[0] != UNPRUNED, pruner[0]


def _make_card(number: int, result: Result, shared: SharedDays) -> ResultCard:
    appliance = result.appliance.replace("_", " ")
    mae = METRICS["mae_w"].describe(result.metrics.get("mae_w"))
    headline = f"{appliance}, {result.pruning}, {mae}"
    is_pruned = any(layer["kept"] != layer["total"] for layer in result.layers)
    errors = _describe_errors(result)
    days = None
    if result.days_file is not None:
        try:
            days = shared.make_figure(result.days_file, result.appliance)
        except ValueError as error:
            errors.append(f"its days are not shown: {error}")
    return ResultCard(
        number,
        result,
        headline,
        pack_curves(result.history),
        _describe_losses(result.history),
        draw_layer_bars(result.layers) if is_pruned else [],
        pack_by_hour(result.by_hour),
        pack_activations(result.activations),
        days,
        errors,
        has_placeholders(result.command),
    )


def _describe_errors(result: Result) -> list[str]:
    """Return where the errors of a result are, in words."""
    said = []
    if worst := find_worst_hour(result.by_hour):
        hour, error_w = worst
        said.append(f"the error is greatest at {hour}:00: {METRICS['mae_w'].describe(error_w)}")
    share = find_energy_share(result.activations)
    if share is not None and result.activations:
        count = format_count(result.activations["count"], "activation")
        said.append(f"of the energy of {count}, {share:.0%} was predicted while they ran")
    return said


def _describe_losses(history: Sequence[Mapping[str, Any]]) -> str:
    """Return a run's validation losses in words: the first, the lowest, the last."""
    rows = [row for row in history if row.get("val_loss") is not None]
    if not rows:
        return ""
    first, last, best = rows[0], rows[-1], min(rows, key=lambda row: row["val_loss"])
    said = [
        f"{format_number(row['val_loss'])} {when} (step {row['step']:,})"
        for row, when in ((first, "at first"), (best, "at its lowest"), (last, "at last"))
    ]
    return f"validation loss {', '.join(said)}"
