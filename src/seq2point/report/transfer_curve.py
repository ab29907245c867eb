"""The report of a curve: every number with its spread over seeds, beside the baselines, and its
table in Markdown.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from seq2point.configuration import TrainingConfig
from seq2point.metrics import METRICS
from seq2point.recording import format_house
from seq2point.report.curve_points import find_point, list_choices
from seq2point.report.plots import CurvePanel, save_curve_plot
from seq2point.studies.spread import find_mean_and_sd, format_spread, render_table
from seq2point.studies.transfer_choices import FREEZES, FROM_NOTHING, describe_choice, format_days
from seq2point.studies.transfer_curve import CurvePoint, TransferCurve
from seq2point.wording import format_number

Results = Sequence[tuple[CurvePoint, Mapping[str, Any]]]
FEW = 3
SHOWN, IN_BRACKETS = "mae_w", ("nde", "f1")


def make_report(curve: TransferCurve, results: Results) -> dict[str, Any]:
    """A curve as JSON: what it is of, the days with their on-states, the points' metrics, the
    baselines, and the table.

    The mean predictor is that of the longest training: it knows the mean power of the most days.
    """
    points: dict[tuple[str, float], list[Mapping[str, Any]]] = {}
    for point, result in results:
        points.setdefault((point.choice, point.days), []).append(result)
    longest = max(results, key=lambda pair: pair[0].days)[1]
    report: dict[str, Any] = {
        "appliance": curve.appliance.name,
        "model": (
            curve.model.describe()
            | {
                "sha256": curve.model.digest(),
                "of": curve.model.appliances[0].name,
            }
        ),
        "train": (
            curve.train.fingerprint(curve.appliance.name)
            | {
                "skip_days": curve.skip,
                "stagger_days": curve.stagger,
            }
        ),
        "test": [
            r.fingerprint(curve.appliance.name) | {"days": round(r.days, 2)} for r in curve.test
        ],
        "rescale": curve.rescale,
        "training": (
            TrainingConfig.of(**curve.training).model_dump(mode="json", exclude={"seed", "freeze"})
        ),
        "seeds": sorted({point.seed for point, _ in results}),
        "days": _days(results),
        "points": [
            {
                "choice": choice,
                "days": days,
                "metrics": {
                    metric: find_mean_and_sd([seed["metrics"][metric] for seed in seeds])
                    for metric in seeds[0]["metrics"]
                },
                "seconds": find_mean_and_sd([seed["seconds"] for seed in seeds]),
                "steps": [seed["steps"] for seed in seeds],
            }
            for (choice, days), seeds in points.items()
        ],
        "baselines": longest["baselines"],
    }
    report["notes"] = list(_notes(curve, report["days"]))
    return report | {"markdown": render_markdown(report)}


def _days(results: Results) -> list[dict[str, Any]]:
    """By number of days, where each seed's begin and how often the appliance is on in them."""
    by_days: dict[float, dict[int, Mapping[str, Any]]] = {}
    for point, result in results:
        by_days.setdefault(point.days, {})[point.seed] = result
    return [
        {
            "days": days,
            "starts": [seed["start"] for seed in seeds.values()],
            "on_states": [seed["on_states"] for seed in seeds.values()],
        }
        for days, seeds in sorted(by_days.items())
        if days
    ]


def _notes(curve: TransferCurve, days: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    label = curve.appliance.label
    for row in days:
        fewest = min(row["on_states"])
        if fewest < FEW:
            how_often = (
                "never" if fewest == 0 else f"only {fewest} time{'' if fewest == 1 else 's'}"
            )
            yield (
                f"The {label} is {how_often} on in {format_days(row['days'])} of"
                f" labels{' of some seed' if curve.stagger else ''}."
            )
    if curve.stagger == 0 and any(len(row["starts"]) > 1 for row in days):
        yield (
            "All seeds learn from the same days: the spread does not tell how much it matters which"
            " days they are (--stagger)."
        )


def render_markdown(report: Mapping[str, Any]) -> str:
    """The table of a report: by days and choice."""
    choices = list_choices(report)
    days = sorted({point["days"] for point in report["points"]})
    on_states = {row["days"]: row["on_states"] for row in report["days"]}
    lines = [
        [
            format_days(n),
            _times(on_states.get(n)),
            *(_cell(find_point(report, choice, n)) for choice in choices),
        ]
        for n in days
    ]
    for name, baseline in report["baselines"].items():
        in_brackets = ", ".join(format_spread(baseline[key]) for key in IN_BRACKETS)
        lines.append(
            [
                f"{name} predictor",
                "",
                f"{format_spread(baseline[SHOWN])} ({in_brackets})",
                *[""] * (len(choices) - 1),
            ]
        )
    seeds = len(report["seeds"])
    houses = _tested_on(report)
    shown, in_brackets = METRICS[SHOWN].heading, " and ".join(METRICS[k].label for k in IN_BRACKETS)
    over = f", mean ± standard deviation over {seeds} seeds" if seeds > 1 else ""
    return "\n".join(
        [
            (
                f"## {report['appliance'].replace('_', ' ')}: days of labels from"
                f" {format_house(report['train']['house'])}"
            ),
            "",
            (
                f"{shown}{over}, and in brackets {in_brackets}, on {houses}."
                f" {'0 days is the model as it is. ' if 0 in days else ''}Nothing is held out of"
                " the days."
            ),
            "",
            *render_table(["labels", "on-states", *map(describe_choice, choices)], lines),
            "",
            *(f"- {note}" for note in report["notes"]),
            "",
        ]
    )


def _tested_on(report: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{format_house(test['house'])} ({format_number(test['days'])} days)"
        for test in report["test"]
    )


def _times(on_states: Sequence[int] | None) -> str:
    if not on_states:
        return ""
    lowest, highest = min(on_states), max(on_states)
    return str(lowest) if lowest == highest else f"{lowest} to {highest}"


def _cell(point: Mapping[str, Any] | None) -> str:
    if point is None:
        return ""
    metrics = point["metrics"]
    in_brackets = ", ".join(format_spread(metrics[key]["mean"]) for key in IN_BRACKETS)
    return f"{format_spread(metrics[SHOWN]['mean'], metrics[SHOWN]['sd'])} ({in_brackets})"


def make_panel(report: Mapping[str, Any], metric: str, bounded: bool = False) -> CurvePanel:
    """A metric of a report as a panel of its picture; a point that lacks it, where no seed's days
    tell, is left out.
    """
    days = sorted({point["days"] for point in report["points"]})
    lines: dict[str, dict[float, Sequence[float]]] = {
        describe_choice(choice): {} for choice in (*FREEZES, FROM_NOTHING)
    }
    for choice in list_choices(report):
        reached = {
            n: point["metrics"][metric] for n in days if (point := find_point(report, choice, n))
        }
        lines[describe_choice(choice)] = {
            n: value["values"] for n, value in reached.items() if value["mean"] is not None
        }
    constants = {
        f"{name} predictor": b[metric]
        for name, b in report["baselines"].items()
        if b[metric] is not None
    }
    return CurvePanel(METRICS[metric].heading, lines, {} if bounded else constants, bounded)


def save_plot(report: Mapping[str, Any], path: str | Path) -> None:
    """The picture of a report: MAE, and the F1 of the on state where the test tells it, against
    days of labels.
    """
    name, seeds = report["appliance"].replace("_", " "), len(report["seeds"])
    panels = [make_panel(report, "mae_w")]
    f1 = make_panel(report, "f1", bounded=True)
    if any(f1.lines.values()):
        panels.append(f1)
    parent = (
        f"from a model of {report['model']['of'].replace('_', ' ')} with"
        f" {report['model']['parameters']:,} weights"
    )
    over = f"; mean and range of {seeds} seeds" if seeds > 1 else ""
    title = (
        f"{name[:1].upper()}{name[1:]} in {format_house(report['train']['house'])}: what days of"
        " labels are worth"
    )
    save_curve_plot(panels, title, f"{parent}, tested on {_tested_on(report)}{over}", path)
