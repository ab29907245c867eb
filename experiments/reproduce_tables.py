"""The tables of `make reproduce` in docs/lab/headline.md: of all results that are there.

SEQ2POINT_DATA=... python -m experiments reproduce_tables    also while the studies still run
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.tables import make_spread_cell, replace_between
from seq2point.studies.part_words import USUAL
from seq2point.studies.result_cache import ResultCache
from seq2point.studies.spread import render_table
from seq2point.studies.study_file import Study, read_study
from seq2point.studies.study_plan import find_results, plan_study
from seq2point.studies.study_rows import make_row
from seq2point.wording import format_count

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "lab" / "headline.md"
DATASETS = {"ukdale": "UK-DALE", "refit": "REFIT"}
NOT_RUN = "Not run yet."
Row = dict[str, Any]
STAGES = {
    ("large", "none", USUAL): "large, unpruned",
    ("large", "structured", USUAL): "small, pruned from it",
    ("small", "none", USUAL): "small, from fresh weights",
    ("small", "none", "long"): "small, from fresh weights, as many steps as both",
}
"""The networks of the table of unseen homes: by network, pruner and recipe."""


def collect_rows(study: Study, data: Path, folder: Path) -> tuple[list[Row], int]:
    """Return the rows of a study that are there, and how many it has in all."""
    cache, plan = ResultCache(folder / "parts"), plan_study(study, data)
    found = find_results(plan, cache)
    rows = [make_row(part, found[part.key], cache) for part in plan.parts if part.key in found]
    return rows, len(plan.parts)


def write_tables(studies: Path, out: Path, edition: str, data: Path) -> bool:
    """Write the tables of an edition between their markers; return whether the page has any."""
    made = {"unseen": make_unseen_table, "pruning": make_pruning_table}
    written = False
    for name, make in made.items():
        study = read_study(studies / f"{name}.toml")
        rows, count = collect_rows(study, data, out / name)
        state = describe_state(study, rows, count)
        lines = [*make(study, rows), "", state] if rows else [NOT_RUN]
        written |= replace_between(PAGE, f"{name}, {edition}", lines)
    return written


def describe_state(study: Study, rows: Sequence[Row], count: int) -> str:
    """Return how much of a study the table is of, and how long its networks were trained."""
    protocol = study.base.protocol
    steps = [f"{protocol.training['steps']:,} steps"]
    if protocol.pruning is not None:
        phases = (
            ("pruning", protocol.pruning.training),
            ("fine-tuning", protocol.pruning.finetune),
        )
        steps += [f"{given['steps']:,} of {phase}" for phase, given in phases if given]
    whole = "" if len(rows) == count else f" of {count:,}"
    seeds = len({row["seed"] for row in rows})
    return (
        f"{format_count(len(rows), 'network') if not whole else f'{len(rows):,}{whole} networks'},"
        f" {format_count(seeds, 'seed')}; {', '.join(steps)}."
    )


def make_unseen_table(study: Study, rows: Sequence[Row]) -> list[str]:
    """Return what large and small networks reach in homes that they have not seen."""
    lines = []
    for name in study.appliances:
        tested = ", ".join(house.label for house in study.base.protocol.roles(name).test)
        for (network, pruner, recipe), label in STAGES.items():
            choices = {"appliance": name, "network": network, "pruner": pruner, "recipe": recipe}
            of_seeds = [row for row in rows if choices.items() <= row.items()]
            if of_seeds:
                lines.append(
                    [
                        name.replace("_", " "),
                        _name_house(study, tested),
                        label,
                        f"{of_seeds[0]['nonzero_parameters']:,}",
                        f"{of_seeds[0]['file_bytes'] / 1024:,.0f}",
                        *_make_cells(of_seeds),
                    ]
                )
    headings = ["appliance", "in", "network", "weights", "KB", "MAE, W", "zero", "mean"]
    return render_table([*headings, "NDE", "F1"], lines, labels=3)


def make_pruning_table(study: Study, rows: Sequence[Row]) -> list[str]:
    """Return the error of each method at each sparsity, with F1 in brackets."""
    sparsities = sorted({row["sparsity"] for row in rows if row["sparsity"] is not None})
    lines = []
    for name in study.appliances:
        own = [row for row in rows if row["appliance"] == name]
        dense = [row for row in own if row["pruner"] == "none"]
        for label in dict.fromkeys(row["pruner"] for row in own if row["pruner"] != "none"):
            cells = []
            for sparsity in sparsities:
                choices = {"pruner": label, "sparsity": sparsity}
                cells.append(_make_pair([row for row in own if choices.items() <= row.items()]))
            lines.append([name.replace("_", " "), f"`{label}`", *cells])
        if dense:
            zero = f"{dense[0]['mae_zero_w']:.2f}"
            words = f"unpruned {_make_pair(dense)}; zero predictor {zero}"
            lines.append([name.replace("_", " "), words, *[""] * len(sparsities)])
    headings = ["appliance", "method: MAE, W (F1)", *(f"{share:.0%}" for share in sparsities)]
    return render_table(headings, lines, labels=2)


def _name_house(study: Study, label: str) -> str:
    """Return a house with its data set."""
    label = f"{study.base.protocol.dataset} {label}" if label.startswith("house") else label
    dataset, _, house = label.partition(" ")
    return f"{DATASETS.get(dataset, dataset)} {house}"


def _make_cells(of_seeds: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the errors of some seeds beside the baselines, which are those of every seed."""
    mae, nde, f1 = (
        make_spread_cell([row[key] for row in of_seeds], 2) for key in ("mae_w", "nde", "f1")
    )
    zero, mean = (f"{of_seeds[0][key]:.2f}" for key in ("mae_zero_w", "mae_mean_w"))
    return [mae, zero, mean, nde, f1]


def _make_pair(of_seeds: Sequence[Mapping[str, Any]]) -> str:
    """Return the error of some seeds, with F1 in brackets; '-' where there are none."""
    if not of_seeds:
        return "-"
    mae, f1 = (make_spread_cell([row[key] for row in of_seeds], 2) for key in ("mae_w", "f1"))
    return f"{mae} ({f1})"


def main() -> None:
    """Write the tables of the edition that QUICK names."""
    from experiments.reproduce import find_edition

    edition, data = find_edition(), Path(os.environ["SEQ2POINT_DATA"])
    if write_tables(edition.studies, edition.out, edition.name, data):
        print(PAGE)
