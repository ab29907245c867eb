"""The picture of a test: mains, truth and prediction in watts."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from seq2point.metrics import METRICS
from seq2point.model.evaluation import Evaluation
from seq2point.recording import Recording, Watts, format_house
from seq2point.report.plots.style import MAINS, PREDICTION, TRUTH, save_figure

ACTIVE_HOURS = 3.0


def save_test_plot(evaluation: Evaluation, path: str | Path) -> None:
    """Mains, truth and prediction in watts, around the most active hours and over their day; a row
    pair for each appliance.
    """
    names = [a.name for a in evaluation.model.appliances]
    figure = Figure(figsize=(13, 5.6 * len(names)), layout="constrained")
    grid = figure.subplots(
        2 * len(names), 2, squeeze=False, sharex="col", height_ratios=[1, 1.4] * len(names)
    )
    for i, appliance in enumerate(evaluation.model.appliances):
        recording, prediction = _find_most_used(evaluation, appliance.name, i)
        hours = _find_busiest(recording, appliance.name, prediction, ACTIVE_HOURS)
        day = _find_busiest(recording, appliance.name, prediction, 24.0)
        metrics = evaluation.metrics[appliance.name]
        for column, (first, end), label in (
            (0, hours, "most active hours"),
            (1, day, "most active day"),
        ):
            _draw_panel(
                grid[2 * i, column],
                grid[2 * i + 1, column],
                recording,
                appliance.name,
                prediction,
                first,
                end,
            )
            title = f"{appliance.label}, {format_house(recording.house)}: {label}"
            grid[2 * i, column].set_title(title, loc="left", fontsize=11)
        zero = evaluation.baselines["zero"][appliance.name]["mae_w"]
        mae = METRICS["mae_w"]
        text = f"{mae.describe(metrics['mae_w'])} (zero predictor {mae.format(zero)})"
        if metrics["f1"] is not None:
            text += f", {METRICS['f1'].describe(metrics['f1'], 2)}"
        grid[2 * i + 1, 0].set_title(text, fontsize=10, loc="left")
    save_figure(figure, path)


def _find_most_used(evaluation: Evaluation, name: str, column: int) -> tuple[Recording, Watts]:
    pairs = zip(evaluation.recordings, evaluation.predictions_w, strict=True)
    recording, prediction = max(pairs, key=lambda pair: float(np.nansum(pair[0].appliance_w(name))))
    return recording, prediction[:, column]


def _find_busiest(
    recording: Recording, name: str, prediction_w: Watts, hours: float
) -> tuple[int, int]:
    """The span of so many hours in which the appliance used most, among samples with a
    prediction.
    """
    length = min(max(int(hours * 3600 / recording.period_s), 1), len(recording))
    power = np.where(np.isnan(prediction_w), 0, np.nan_to_num(recording.appliance_w(name))).astype(
        np.float64
    )
    total = np.concatenate(([0.0], np.cumsum(power)))
    step = max(length // 50, 1)
    sums = total[length::step] - total[: len(total) - length : step]
    first = int(np.argmax(sums)) * step
    return first, first + length


def _draw_panel(
    top: Axes,
    bottom: Axes,
    recording: Recording,
    name: str,
    prediction_w: Watts,
    first: int,
    end: int,
) -> None:
    span = slice(first, end)
    times: Any
    if recording.start is None:
        times = np.arange(first, end) * recording.period_s / 3600
        bottom.set_xlabel("hours from the start")
    else:
        times = [datetime.fromtimestamp(t, UTC) for t in recording.times_s()[span]]
    top.plot(times, recording.mains_w[span], color=MAINS, lw=0.9, label="mains")
    bottom.plot(times, recording.appliance_w(name)[span], color=TRUTH, lw=1.4, label="measured")
    bottom.plot(times, prediction_w[span], color=PREDICTION, lw=1.1, label="predicted", alpha=0.9)
    if recording.start is not None:
        locator = AutoDateLocator()  # type: ignore[no-untyped-call]
        bottom.xaxis.set_major_locator(locator)
        bottom.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    for axes in (top, bottom):
        axes.set_ylabel("W")
        axes.set_ylim(0, axes.get_ylim()[1])
        axes.grid(alpha=0.25)
        axes.legend(
            loc="lower right",
            bbox_to_anchor=(1, 1),
            ncols=2,
            frameon=False,
            fontsize=9,
            borderaxespad=0.2,
            handlelength=1.5,
        )
