"""The pictures can be read: nothing lies over anything, tables stay small, and letters are
explained.
"""

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seq2point.compression.costs import measure_costs
from seq2point.compression.pruning.spp import ProbabilityHistory
from seq2point.model.model_file import Model
from seq2point.recording import Recording
from seq2point.report.plots import FrontPoint, front_figure, spp_figure, training_figure
from seq2point.report.plots.energy import energy_figure


def history(final: float) -> list[dict[str, float]]:
    losses = [0.04, 0.03, 0.012, 0.008, 0.0081]
    return [
        {
            "step": 10.0 * i,
            "val_loss": loss,
            "interval_loss": 1.2 * loss,
            "sparsity": final if i else 0.0,
        }
        for i, loss in enumerate(losses)
    ]


@pytest.fixture
def costs(tiny_model: Model) -> dict[str, Any]:
    names = ("before", "pruned", "compacted")
    return measure_costs(dict.fromkeys(names, tiny_model), notes=["a note"])


def drawn(figure: Figure) -> Figure:
    figure.draw_without_rendering()
    return figure


def panel(figure: Figure, label: str) -> Axes:
    (found,) = [axes for axes in figure.axes if label in axes.get_ylabel()]
    return found


def test_the_legend_and_the_sparsity_lie_over_no_line_of_the_losses(costs: dict[str, Any]):
    figure = drawn(training_figure(history(0.9), "kettle", costs))
    losses, removed = panel(figure, "squared error"), panel(figure, "removed")
    legend = losses.get_legend()
    assert legend is not None
    assert legend.get_window_extent().y0 >= losses.get_window_extent().y1
    assert removed.get_window_extent().y1 < losses.get_window_extent().y0
    assert len(losses.lines) == 3


def test_the_table_of_costs_takes_less_than_a_third_of_the_picture(costs: dict[str, Any]):
    figure = drawn(training_figure(history(0.9), "kettle", costs))
    (table,) = [axes for axes in figure.axes if axes.tables]
    assert table.get_window_extent().height < figure.bbox.height / 3
    words = [cell.get_text().get_text() for cell in table.tables[0].get_celld().values()]
    assert {"parameters", "compacted", "latency, batch 1"} <= set(words)


def test_a_training_without_pruning_has_one_panel_with_plain_numbers():
    (losses,) = drawn(training_figure(history(0.0), "kettle")).axes
    assert losses.get_xlabel() == "step"
    labels = [tick.get_text() for tick in losses.get_yticklabels()]
    assert "0.01" in labels
    assert not any("times" in label or "e-" in label for label in labels)


@pytest.mark.parametrize("layers", [1, 6])
def test_the_picture_of_the_probabilities_says_what_p_is(layers: int):
    courses = {
        f"layer {i}": ProbabilityHistory([1, 2], torch.full((2, 20), 0.05)) for i in range(layers)
    }
    figure = drawn(spp_figure(courses, "kettle"))
    words = figure.texts[-1]
    assert words.get_text().startswith("p is the probability that a group of weights")
    assert words.get_window_extent().y0 > figure.axes[0].get_window_extent().y1
    assert all(axes.get_ylabel() == "p" for axes in figure.axes[:layers])


@pytest.mark.parametrize("count", [1, 3])
def test_a_front_is_in_the_legend_where_it_is_a_line(count: int):
    points = [
        FrontPoint(100.0 + i, 0.5 + i / 10, True, i < count, i == 0, f"{i}") for i in range(3)
    ]
    figure = drawn(front_figure(points, "kettle", "F1", None))
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert any("front" in name for name in names) == (count > 1)
    assert len(figure.axes[0].lines) == (count > 1)


def test_the_tallest_bar_of_a_homes_energy_has_room_above_it():
    days = [date(2025, 1, 6), date(2025, 1, 7)]
    kwh = {"kettle": [1.0, 3.0], "microwave": [0.5, 0.0]}  # nothing is on top of the tallest
    rows = [
        {"start": day, "name": name, "kwh": each[i]}
        for i, day in enumerate(days)
        for name, each in kwh.items()
    ]
    power_w = {name: np.zeros(2880, np.float32) for name in kwh}
    start = datetime(2025, 1, 6, tzinfo=UTC)
    recording = Recording("home", 60.0, np.zeros(2880, np.float32), start=start)
    figure = drawn(energy_figure(pl.DataFrame(rows), recording, power_w, "UTC"))
    bars = panel(figure, "kWh")
    tallest = max(bar.get_window_extent().y1 for bar in bars.patches)
    assert tallest < bars.get_window_extent().y1 - 2
