"""The report of a search for what fits: every point of the grid, the front, the winner, as JSON,
Markdown and a picture.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seq2point.metrics import METRICS
from seq2point.report.plots import FrontPoint, save_front_plot
from seq2point.studies.budget_candidates import Candidate, find_best, find_front
from seq2point.studies.budget_search import BudgetSearch
from seq2point.studies.spread import render_table
from seq2point.wording import format_number

SHOWN = ("mae_w", "on_mae_w", "nde", "f1")


def make_report(search: BudgetSearch, candidates: Sequence[Candidate]) -> dict[str, Any]:
    """All of a search as JSON."""
    best = find_best(candidates, search.criterion)
    front = find_front(candidates, search.criterion)
    report: dict[str, Any] = {
        "appliance": search.model.appliances[0].name,
        "from": {
            "sha256": search.model.digest(),
            "parameters": search.model.architecture.parameters,
        },
        "target": search.target,
        "room": search.room._asdict(),
        "criterion": search.criterion,
        "validated_in": search.validated_in,
        "points": [
            {
                "units_sparsity": candidate.point.units,
                "channels_sparsity": candidate.point.channels,
                "architecture": candidate.shape.model_dump(mode="json"),
                "too_much": candidate.too_much,
                "front": candidate in front,
                "best": candidate is best,
                "result": candidate.result,
            }
            for candidate in candidates
        ],
    }
    return report | {"markdown": render_markdown(search, candidates)}


def render_markdown(search: BudgetSearch, candidates: Sequence[Candidate]) -> str:
    """The table of a search."""
    best = find_best(candidates, search.criterion)
    front = find_front(candidates, search.criterion)
    name = search.model.appliances[0].label
    criterion = METRICS[search.criterion]
    best_by = f"{'lowest' if criterion.lower_is_better else 'highest'} {criterion.label}"
    headings = ["units", "channels", "weights", "flash", "RAM", "ms"]
    headings += [*(METRICS[key].heading for key in SHOWN), ""]
    lines = [_make_cells(candidate, _mark(candidate, best, front)) for candidate in candidates]
    made = next((candidate.result for candidate in candidates if candidate.result), None)
    if made is not None:
        for which, baseline in made["baselines"].items():
            cells = [format_number(baseline[key]) for key in SHOWN]
            lines.append([f"{which} predictor", *[""] * 5, *cells, ""])
    return "\n".join(
        [
            f"## {name[:1].upper()}{name[1:]}: what fits {_describe_budget(search)}",
            "",
            (
                f"What was exported ({search.target}), on {', '.join(search.validated_in)}. Best is"
                f" the {best_by} of those that fit; front: none smaller is as good."
            ),
            "",
            *render_table(headings, lines),
            "",
        ]
    )


def _mark(candidate: Candidate, best: Candidate | None, front: Sequence[Candidate]) -> str:
    return "**best**" if candidate is best else "front" if candidate in front else ""


def _describe_budget(search: BudgetSearch) -> str:
    room = search.room
    limits = [
        *([f"{room.flash_bytes / 1024:,.0f} KB of flash"] if room.flash_bytes else []),
        *([f"{room.ram_bytes / 1024:,.0f} KB of RAM"] if room.ram_bytes else []),
        *([f"{1e3 * room.latency_s:,.10g} ms an answer"] if room.latency_s else []),
    ]
    return ", ".join(limits) or "anything"


def _make_cells(candidate: Candidate, mark: str) -> list[str]:
    shape, result = candidate.shape, candidate.result
    channels = "-".join(map(str, shape.channels))
    if result is None:
        blank = [""] * (3 + len(SHOWN))
        too_much = candidate.too_much or ""
        return [str(shape.hidden), channels, f"{shape.parameters:,}", *blank, too_much]
    return [
        str(shape.hidden),
        channels,
        f"{result['parameters']:,}",
        *(f"{result[part] / 1024:,.0f} KB" for part in ("flash_bytes", "ram_bytes")),
        format_number(1e3 * result["latency_s"]),
        *(format_number(candidate.metrics[key]) for key in SHOWN),
        ", ".join(filter(None, (mark, candidate.too_much))),
    ]


def save_plot(search: BudgetSearch, candidates: Sequence[Candidate], path: str | Path) -> None:
    """The picture of a search: accuracy against flash, what fits and what does not, the front and
    the winner.
    """
    best = find_best(candidates, search.criterion)
    front = find_front(candidates, search.criterion)
    points = []
    for candidate in candidates:
        score = candidate.metrics.get(search.criterion)
        if score is not None:
            label = (
                f"{candidate.shape.hidden} units, {'-'.join(map(str, candidate.shape.channels))}"
            )
            points.append(
                FrontPoint(
                    candidate.flash_bytes / 1024,
                    score,
                    candidate.too_much is None,
                    candidate in front,
                    candidate is best,
                    label,
                )
            )
    flash = search.room.flash_bytes
    name = search.model.appliances[0].label
    title = f"{name[:1].upper()}{name[1:]}: what fits {_describe_budget(search)}"
    save_front_plot(
        points, title, METRICS[search.criterion].heading, flash / 1024 if flash else None, path
    )
