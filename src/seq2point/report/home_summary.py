"""A home's energy in a few lines: kWh, share and cost of each part, and how far to trust them."""

from collections.abc import Sequence

from rich.console import Console

from seq2point.household import HomeEnergy
from seq2point.household.balance import ALWAYS_ON, MAINS, OTHER
from seq2point.household.energy_table import COST_UNITS, find_decimals, round_column
from seq2point.report.terminal import FittedTable, print_prose

LABELS = {ALWAYS_ON: "always on", OTHER: "other", MAINS: "mains"}
HEADING = ("", "kWh", "kWh a day", "share", "cost", "uses a day", "its model, in other homes")


def print_home(energy: HomeEnergy, console: Console) -> None:
    """Print a table of the whole recording, its coverage, and what else to know."""
    for line in make_title_lines(energy):
        print_prose(console, line)
    console.print(FittedTable("", *make_rows(energy), wrap=(0, 6), left=(0, 6)))
    for report in energy.appliances:
        if report.promise:
            print_prose(console, f"- {report.label} ({report.model}): {report.promise}")
    for note in energy.notes:
        print_prose(console, f"- {note}")


def make_title_lines(energy: HomeEnergy) -> list[str]:
    """Return the days, how much of them is known, and the tariff, in words."""
    days = energy.totals.days
    coverage = energy.coverage
    known = coverage.predicted_days / coverage.days if coverage.days else 0.0
    span = f"{days[0].start} to {days[-1].start}" if energy.is_dated else "no dates"
    lines = [
        f"{energy.house}: {coverage.days:,.1f} days, {span} ({energy.zone});"
        f" {known:.1%} of the time known"
    ]
    if energy.tariff is not None:
        lines.append(f"tariff: {energy.tariff.describe()}")
    return lines


def make_rows(energy: HomeEnergy) -> tuple[Sequence[str], list[list[str]]]:
    """Return the heading and the rows of the table: each part of the mains, and the mains.

    A column that nothing is known for is left out.
    """
    totals, labels = energy.totals, LABELS | {a.name: a.label for a in energy.appliances}
    verdicts = {a.name: a.verdict or "no card" for a in energy.appliances}
    absent = {a.name for a in energy.appliances if a.is_owned is False}
    known_days = max(energy.coverage.predicted_days, 1e-9)
    watt_hours = totals.watt_hours[totals.known].sum(axis=0).tolist()
    priced = totals.priced & totals.known
    cost = totals.cost[priced].sum(axis=0) / COST_UNITS
    decimals = find_decimals(watt_hours[-1] / 1000)
    shown_kwh = round_column([wh / 1000 for wh in watt_hours[:-1]], watt_hours[-1] / 1000, decimals)
    shown_cost = round_column(cost[:-1].tolist(), float(cost[-1]), 2)
    uses = totals.uses[totals.known].sum(axis=0).tolist()
    rows = []
    for i, name in enumerate(energy.names):
        kwh = watt_hours[i] / 1000
        rows.append(
            [
                labels.get(name, name),
                f"{shown_kwh[i]:,.{decimals}f}",
                f"{kwh / known_days:,.2f}",
                f"{watt_hours[i] / watt_hours[-1]:.1%}" if watt_hours[-1] else "-",
                f"{shown_cost[i]:,.2f}" if priced.any() else "-",
                f"{uses[i] / known_days:,.1f}" if i < len(uses) else "",
                "not found" if name in absent else verdicts.get(name, ""),
            ]
        )
    currency = energy.tariff.currency if energy.tariff is not None else ""
    heading = [f"cost, {currency}" if each == "cost" and currency else each for each in HEADING]
    columns = [i for i, each in enumerate(HEADING) if each != "cost" or energy.tariff is not None]
    return [heading[i] for i in columns], [[row[i] for i in columns] for row in rows]
