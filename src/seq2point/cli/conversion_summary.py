"""The summary of a conversion: a table with a row a house, and remarks and advice on each."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from seq2point.wording import format_count, format_number, format_seconds

if TYPE_CHECKING:
    from seq2point.datasets.conversion.conversion_report import ConversionReport
    from seq2point.report.terminal import FittedTable

MUCH_MISSING = 0.2  # a share of the samples


def make_summary(reports: Sequence["ConversionReport"]) -> "FittedTable":
    """Return a table with a row a house: readings read, kept and lost, days and gaps."""
    from seq2point.report import terminal

    lines = [
        [
            "house",
            "rows read",
            "kept",
            "dropped or repaired",
            "period found",
            "days",
            "gaps",
            "appliances",
        ]
    ]
    for report in reports:
        lines.append(
            [
                report.house,
                f"{report.rows_read:,}",
                f"{report.rows_kept:,}",
                "; ".join(describe_losses(report)) or "nothing",
                _describe_periods(report.periods_found_s),
                f"{report.days:,.1f}",
                "; ".join(_describe_gaps(report)),
                str(len(report.appliances)),
            ]
        )
    return terminal.make_table("", lines, wrap=(0, 3, 6))


def _describe_gaps(report: "ConversionReport") -> list[str]:
    """Return the missing share of the mains, and of the worst appliance where it is greater."""
    shares = {name: count / report.samples for name, count in report.gaps.items()}
    mains = shares.pop("mains", 0.0)
    worst = max(shares, key=lambda name: shares[name], default=None)
    gaps = [f"{mains:.1%}"]
    if worst is not None and shares[worst] > mains + 0.001:
        gaps.append(f"{worst.replace('_', ' ')} {shares[worst]:.1%}")
    return gaps


def describe_losses(report: "ConversionReport") -> list[str]:
    """Return what was dropped and repaired in a house, in words."""
    losses = [f"{count:,} {reason}" for reason, count in report.dropped.items()]
    if report.sorted_rows:
        losses.append(f"sorted by time, {format_count(report.sorted_rows, 'step')} back")
    kinds = {
        "glitches": report.glitches,
        "below zero": report.below_zero,
        "no number": report.no_number,
    }
    losses += [f"{sum(counts.values()):,} {kind}" for kind, counts in kinds.items() if counts]
    if report.jumps:
        losses.append(f"{format_count(report.jumps, 'jump')} in time")
    return losses


def describe_house(report: "ConversionReport") -> list[str]:
    """Return a house's appliances, and remarks and advice on them."""
    from seq2point.recording.plausibility import BELOW_ZERO

    remarks = [
        ", ".join(name.replace("_", " ") for name in report.appliances) or "no appliances",
        *report.remarks,
    ]
    for name, marks in report.marks.items():
        for mark, count in marks.items():
            remarks.append(
                f"{name}: {format_count(count, 'reading')} made gaps: {mark} means no reading"
            )
    if count := report.below_zero.get("mains", 0):
        remarks.append(f"mains: {format_count(count, 'reading')} made gaps: {BELOW_ZERO}")
    hold_s = report.interpretation.get("hold_s")
    if hold_s and report.gaps.get("mains", 0) > MUCH_MISSING * report.samples:
        remarks.append(
            f"mains: {report.gaps['mains'] / report.samples:.0%} missing, as the meter is silent"
            f" for longer than {format_seconds(hold_s)}; if it reports changes alone, keep its"
            " readings for longer with --hold"
        )
    for name, count in report.glitches.items():
        if name != "mains" and count > 0.001 * report.samples:
            remarks.append(
                f"{name}: {count:,} readings are more than a plug can draw; if it is a circuit, say"
                " --plug-limit 0"
            )
    for name, count in report.gaps.items():
        reading_s, share = report.periods_found_s.get(name), count / report.samples
        if (
            name != "mains"
            and share > MUCH_MISSING
            and reading_s is not None
            and reading_s > 2 * report.period_s
        ):
            keep = f"say --fill {max(round(1.5 * reading_s / 60), 1)}m"
            remarks.append(
                f"{name}: {share:.0%} missing, with a reading every {format_seconds(reading_s)}; "
                f"if it reports changes alone, {keep}"
            )
    return remarks


def _describe_periods(periods_s: Mapping[str, float]) -> str:
    periods = sorted(set(periods_s.values()))
    if len(periods) > 1:
        return f"{format_number(periods[0], 6)} to {format_seconds(periods[-1])}"
    return format_seconds(periods[0]) if periods else "-"
