"""What there is to say of a network that was trained here, a sentence each."""

from collections.abc import Mapping, Sequence
from typing import Any

from seq2point.metrics import METRICS, Metrics
from seq2point.model.pretrained.card import is_useful
from seq2point.recording.coverage import Coverage
from seq2point.wording import format_count, format_number, format_seconds


def describe_model(appliance: str, period_s: float, shape: Mapping[str, Any]) -> str:
    """Return what a network does: the appliance, the mains reading, and the window."""
    window = shape["window"]
    minutes = window * period_s / 60
    return (
        f"{appliance.replace('_', ' ')} from a mains reading every {format_seconds(period_s)}, with"
        f" a window of {format_count(window, 'reading')} ({minutes:.3g} min)"
    )


def describe_training(training: Mapping[str, Any]) -> str:
    """Return how a training went: its steps, the best one, its time."""
    days = training.get("coverage", {}).get("days")
    parts = [
        f"{training['planned_steps']:,} steps planned",
        f"kept the weights of step {training['best_step']:,}",
        *([f"learned from {days:.3g} days"] if days is not None else []),
        f"took {format_number(training['seconds'])} s",
    ]
    if lost := training.get("lost_steps"):
        parts.append(
            f"ended with its budget {format_count(lost, 'step')} early, as other work slowed the"
            " machine down"
        )
    return f"the training: {', '.join(parts)}"


def describe_test(metrics: Metrics, baselines: Mapping[str, Metrics]) -> str:
    """Return what a test says of a network, beside the baselines; '' where nothing was scored."""
    mae, mae_w, zero_w = METRICS["mae_w"], metrics["mae_w"], baselines["zero"]["mae_w"]
    if mae_w is None or zero_w is None:
        return ""
    verdict = "of use" if is_useful(metrics, zero_w) else "not of use"
    return (
        f"{verdict} on this test: {mae.describe(mae_w)}, always zero {mae.format(zero_w)}, the mean"
        f" power {mae.format(baselines['mean']['mae_w'])}; to be of use takes"
        f" {METRICS['nde'].label} below 1, {METRICS['f1'].label} of at least 0.5, and less error"
        " than zero"
    )


def describe_coverage(coverage: Mapping[str, Any] | None) -> Sequence[str]:
    """Return how much of the test's data the numbers speak of."""
    return [] if coverage is None else [str(Coverage.parse(coverage))]
