"""report.html: trainings, studies and tests side by side, from the folders that they left."""

from seq2point.report.results.label_curves import read_curves
from seq2point.report.results.page import render_page
from seq2point.report.results.read_results import read_results

__all__ = ["read_curves", "read_results", "render_page"]
