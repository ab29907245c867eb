"""Whether a channel is what its name says: marks of its kind, and channels that are copies of one
another.
"""

from collections.abc import Callable
from itertools import combinations

import numpy as np

from seq2point.appliances import APPLIANCES
from seq2point.quality.channels import IDLE_W, Channel, Signature
from seq2point.quality.quality_report import FindingLog
from seq2point.recording import Recording

SAME_W, COPIED = 1.0, 0.95
STRONGER, MORE_PULSES = 1.25, 0.08

FITS: dict[str, Callable[[Signature], bool]] = {
    "kettle": (
        lambda m: m.nearly_w >= 1100 and m.pulse_s <= 480 and m.cycle_s <= 1800 and m.duty <= 0.06
    ),
    "microwave": (
        lambda m: (
            350 <= m.nearly_w <= 2800 and m.pulse_s <= 720 and m.cycle_s <= 3000 and m.duty <= 0.06
        )
    ),
    "fridge": lambda m: 25 <= m.half_w <= 500 and m.duty >= 0.08 and m.pulses_per_day >= 3,
    "washing_machine": lambda m: m.nearly_w >= 500 and m.cycle_s >= 1800 and m.duty <= 0.5,
    "dishwasher": lambda m: m.nearly_w >= 500 and m.cycle_s >= 1800 and m.duty <= 0.5,
}
assert FITS.keys() == APPLIANCES.keys()


def check_labels(recording: Recording, channels: list[Channel], notes: FindingLog) -> None:
    """Findings on channels that are copies, swapped, or look like another kind of appliance."""
    copies = _report_copies(recording, channels, notes)
    judged = {
        c.name: (c.name.rstrip("_0123456789"), c.marks)
        for c in channels
        if c.appliance and c.marks and c.name not in copies
    }
    swapped: set[str] = set()
    for (one, (kind, marks)), (other, (other_kind, other_marks)) in combinations(judged.items(), 2):
        if marks and other_marks and _are_swapped(kind, marks, other_kind, other_marks):
            swapped |= {one, other}
            _report_swapped(one, other, marks, notes)
            _report_swapped(other, one, other_marks, notes)
    for name, (kind, marks) in judged.items():
        if marks and name not in swapped and not FITS[kind](marks):
            alike = [other for other, fits in FITS.items() if fits(marks)]
            if alike:
                advice = "look at it on the page; give the column its right name, or leave it out"
                notes.add(
                    "warning",
                    "looks_like",
                    name,
                    f"looks like a {' or '.join(alike)}: {_describe_signature(marks)}",
                    advice,
                )


def _report_copies(recording: Recording, channels: list[Channel], notes: FindingLog) -> set[str]:
    found: set[str] = set()
    series = [("mains", recording.mains_w), *((c.name, c.power_w) for c in channels)]
    for (one, one_w), (other, other_w) in combinations(series, 2):
        known = ~(np.isnan(one_w) | np.isnan(other_w))
        either = known & ((one_w > IDLE_W[0]) | (other_w > IDLE_W[0]))
        if either.sum() < 100:
            continue
        same = float((np.abs(one_w[either] - other_w[either]) <= SAME_W).mean())
        if same >= COPIED:
            figure = f"the same as {one} in {same:.1%} of the readings"
            notes.add(
                "error",
                "copy",
                other,
                figure,
                "one column was written twice: leave the wrong one out",
                100 * same,
                "%",
            )
            found.add(other)
    return found


def _are_swapped(kind: str, marks: Signature, other_kind: str, other_marks: Signature) -> bool:
    """Whether each of two channels is what the other is called."""
    crosswise = FITS[other_kind](marks) and FITS[kind](other_marks)
    if not crosswise or kind == other_kind:
        return False
    if not FITS[kind](marks) or not FITS[other_kind](other_marks):
        return True
    by_kind = {kind: marks, other_kind: other_marks}
    if by_kind.keys() == {"kettle", "microwave"}:
        return by_kind["microwave"].nearly_w > STRONGER * by_kind["kettle"].nearly_w
    if by_kind.keys() == {"washing_machine", "dishwasher"}:
        heats, turns = by_kind["washing_machine"].in_pulses, by_kind["dishwasher"].in_pulses
        return heats >= turns + MORE_PULSES
    return False


def _report_swapped(name: str, other: str, marks: Signature, notes: FindingLog) -> None:
    figure = f"swapped with {other}: {_describe_signature(marks)}"
    notes.add(
        "error",
        "swapped",
        name,
        figure,
        "look at both on the page, and give the columns their right names",
    )


def _describe_signature(marks: Signature) -> str:
    return (
        f"most of its energy at up to {marks.nearly_w:,.0f} W, in runs of {marks.cycle_s / 60:.0f}"
        f" min, on {marks.duty:.1%} of the time"
    )
