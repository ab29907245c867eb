"""Mislabelled channels: swapped ones, copies, and those that look like another appliance."""

from collections.abc import Callable
from itertools import combinations

import numpy as np

from seq2point.appliances import APPLIANCES
from seq2point.quality.channels import IDLE_W, Channel, Signature
from seq2point.quality.quality_report import FindingLog
from seq2point.recording import Recording

SAME_W, COPIED = 1.0, 0.95
"""Two channels are copies if so many of their readings differ by no more than this."""

FEWEST_TO_COMPARE = 100  # samples in which one of two channels is above idling

STRONGER, MORE_PULSES = 1.25, 0.08
"""A 'microwave' this much stronger than the 'kettle' is the kettle. A washing machine has a smaller
share of its energy in pulses than a dishwasher, by this."""

# checked on the real houses of docs/lab/data_quality.md
FITS: dict[str, Callable[[Signature], bool]] = {
    "kettle": (
        lambda m: m.nearly_w >= 1100 and m.pulse_s <= 480 and m.cycle_s <= 1800 and m.duty <= 0.06
    ),
    "microwave": lambda m: (
        350 <= m.nearly_w <= 2800 and m.pulse_s <= 720 and m.cycle_s <= 3000 and m.duty <= 0.06
    ),
    "fridge": lambda m: 25 <= m.half_w <= 500 and m.duty >= 0.08 and m.pulses_per_day >= 3,
    "washing_machine": lambda m: m.nearly_w >= 500 and m.cycle_s >= 1800 and m.duty <= 0.5,
    "dishwasher": lambda m: m.nearly_w >= 500 and m.cycle_s >= 1800 and m.duty <= 0.5,
}
assert FITS.keys() == APPLIANCES.keys()


def check_labels(recording: Recording, channels: list[Channel], log: FindingLog) -> None:
    """Check for channels that are copies, swapped, or look like another kind of appliance."""
    copies = _report_copies(recording, channels, log)
    signatures = {
        c.name: (c.name.rstrip("_0123456789"), c.signature)
        for c in channels
        if c.appliance and c.signature and c.name not in copies
    }
    swapped: set[str] = set()
    for first, second in combinations(signatures.items(), 2):
        (name, (kind, signature)), (other, (other_kind, other_signature)) = first, second
        if _are_swapped(kind, signature, other_kind, other_signature):
            swapped |= {name, other}
            _report_swapped(name, other, signature, log)
            _report_swapped(other, name, other_signature, log)
    for name, (kind, signature) in signatures.items():
        if name not in swapped and not FITS[kind](signature):
            alike = [other for other, fits in FITS.items() if fits(signature)]
            if alike:
                figure = f"looks like a {' or '.join(alike)}: {_describe_signature(signature)}"
                advice = "look at it on the page; give the column its right name, or leave it out"
                log.add("warning", "looks_like", name, figure, advice)


def _report_copies(recording: Recording, channels: list[Channel], log: FindingLog) -> set[str]:
    """Report channels that are copies, and return their names."""
    copies: set[str] = set()
    series = [("mains", recording.mains_w), *((c.name, c.power_w) for c in channels)]
    for (name, power_w), (other, other_w) in combinations(series, 2):
        known = ~(np.isnan(power_w) | np.isnan(other_w))
        either = known & ((power_w > IDLE_W[0]) | (other_w > IDLE_W[0]))
        if either.sum() < FEWEST_TO_COMPARE:
            continue
        same = float((np.abs(power_w[either] - other_w[either]) <= SAME_W).mean())
        if same >= COPIED:
            figure = f"the same as {name} in {same:.1%} of the readings"
            advice = "one column was written twice: leave the wrong one out"
            log.add("error", "copy", other, figure, advice, 100 * same, "%")
            copies.add(other)
    return copies


def _are_swapped(
    kind: str, signature: Signature, other_kind: str, other_signature: Signature
) -> bool:
    """Return whether each of two channels has the signature of the other's kind."""
    crosswise = FITS[other_kind](signature) and FITS[kind](other_signature)
    if not crosswise or kind == other_kind:
        return False
    if not FITS[kind](signature) or not FITS[other_kind](other_signature):
        return True
    by_kind = {kind: signature, other_kind: other_signature}
    if by_kind.keys() == {"kettle", "microwave"}:
        return by_kind["microwave"].nearly_w > STRONGER * by_kind["kettle"].nearly_w
    if by_kind.keys() == {"washing_machine", "dishwasher"}:
        washer, dishwasher = by_kind["washing_machine"], by_kind["dishwasher"]
        return washer.in_pulses >= dishwasher.in_pulses + MORE_PULSES
    return False


def _report_swapped(name: str, other: str, signature: Signature, log: FindingLog) -> None:
    figure = f"swapped with {other}: {_describe_signature(signature)}"
    advice = "look at both on the page, and give the columns their right names"
    log.add("error", "swapped", name, figure, advice)


def _describe_signature(signature: Signature) -> str:
    return (
        f"most of its energy at up to {signature.nearly_w:,.0f} W, in runs of"
        f" {signature.cycle_s / 60:.0f} min, on {signature.duty:.1%} of the time"
    )
