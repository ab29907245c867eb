"""The picture of prunings: every point where its weights and its error are, and axes that can be
read.
"""

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from seq2point.report.plots import SparsityPanel, draw_sparsity, save_sparsity_plot

LINES = {"magnitude": [(500.0, [12.0, 14.0]), (900.0, [10.0, 11.0])], "lamp": [(880.0, [10.5])]}
NETWORKS = {"reduced, window 31": [(1000.0, [9.0, 10.0])]}


def panel(zero_w: float) -> SparsityPanel:
    return SparsityPanel("Kettle, house 5", "MAE, W", LINES, NETWORKS, {"zero predictor": zero_w})


def test_points_lie_at_their_weights_and_mean_errors_and_fewer_weights_to_the_right():
    axes = Figure().add_subplot()
    draw_sparsity(axes, panel(15.0), ["lamp", "magnitude"])
    handles, labels = axes.get_legend_handles_labels()
    assert set(labels) == {"magnitude", "lamp", "unpruned: reduced, window 31", "zero predictor"}
    magnitude, *_ = handles[labels.index("magnitude")]
    assert [list(magnitude.get_xdata()), list(magnitude.get_ydata())] == [[500, 900], [13, 10.5]]
    assert handles[labels.index("unpruned: reduced, window 31")].get_ydata() == [9.5, 9.5]
    right, left = sorted(axes.get_xlim())
    assert axes.get_xlim() == (left, right)
    assert right < 500 < 1000 < left
    assert sum(right < tick < left for tick in axes.get_xticks()) >= 1
    assert axes.get_ylim()[1] > 15


def test_what_is_far_above_the_rest_is_told_in_words():
    axes = Figure().add_subplot()
    draw_sparsity(axes, panel(60.0), list(LINES))
    assert "zero predictor: 60 W, off the scale" in [text.get_text() for text in axes.texts]
    assert 14 < axes.get_ylim()[1] < 30


@pytest.mark.parametrize("panels", [1, 3])
def test_a_picture_of_any_number_of_appliances_is_written(panels: int, tmp_path: Path):
    save_sparsity_plot([panel(15.0)] * panels, "A protocol", tmp_path / "report.png")
    assert (tmp_path / "report.png").stat().st_size > 10_000
