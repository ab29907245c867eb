"""Pictures, written as files; nothing is ever shown on a screen."""

from seq2point.report.plots.curves import LINE_COLOURS, CurvePanel, draw_curve, save_curve_plot
from seq2point.report.plots.front import FrontPoint, front_figure, save_front_plot
from seq2point.report.plots.predictions import save_test_plot
from seq2point.report.plots.sparsity import SparsityPanel, draw_sparsity, save_sparsity_plot
from seq2point.report.plots.spp import save_spp_plot, spp_figure
from seq2point.report.plots.style import add_legend_below, check_picture_ending
from seq2point.report.plots.training import save_training_plot, training_figure

__all__ = [
    "LINE_COLOURS",
    "CurvePanel",
    "FrontPoint",
    "SparsityPanel",
    "add_legend_below",
    "check_picture_ending",
    "draw_curve",
    "draw_sparsity",
    "front_figure",
    "save_curve_plot",
    "save_front_plot",
    "save_sparsity_plot",
    "save_spp_plot",
    "save_test_plot",
    "save_training_plot",
    "spp_figure",
    "training_figure",
]
