"""The pictures can be read: nothing lies over anything, tables stay small, and letters are
explained.
"""

from typing import Any

import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seq2point.compression.costs import measure_costs
from seq2point.compression.pruning.spp import ProbabilityHistory
from seq2point.model.model_file import Model
from seq2point.report.plots import spp_figure, training_figure


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
