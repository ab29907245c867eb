"""The page of a recording: dates where there are any, and no empty panel."""

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seq2point.quality import QualityReport
from seq2point.quality.page import draw_page
from seq2point.recording import Recording

HOUR = 600


def page(recording: Recording) -> Figure:
    report = QualityReport(
        file="home.csv",
        house=recording.house,
        days=recording.days,
        period_s=recording.period_s,
        findings=(),
    )
    figure = draw_page(report, recording)
    figure.draw_without_rendering()
    return figure


def labels(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_xticklabels()]


@pytest.fixture
def mains() -> list[float]:
    return list(200 + 100 * np.sin(np.arange(72 * HOUR) / 900))


def test_the_page_of_mains_alone_is_full(
    make_recording: Callable[..., Recording], mains: list[float]
):
    figure = page(make_recording(mains))
    *panels, words = figure.axes
    assert [axes.get_title(loc="left") for axes in panels[1:]] == [
        "energy",
        "mains by the hour",
        "powers of the mains",
    ]
    assert all(axes.has_data() for axes in panels)
    assert words.texts[0].get_text() == "No errors and no warnings."


def test_days_are_dates(make_recording: Callable[..., Recording], mains: list[float]):
    strips, energy, *_ = page(make_recording(mains)).axes
    assert strips.get_xlabel() == "2024-03-31 to 2024-04-03"
    assert "02" in labels(strips)
    assert labels(energy) == labels(strips)


def test_without_times_they_are_counted_from_the_start(
    make_recording: Callable[..., Recording], mains: list[float]
):
    assert page(make_recording(mains, start=None)).axes[0].get_xlabel() == "days from the start"


def test_behind_a_jump_of_the_clock_the_dates_are_those_of_the_clock(
    make_recording: Callable[..., Recording], mains: list[float]
):
    start = make_recording(mains).start
    assert start is not None
    jumping = make_recording(mains, jumps=[(36 * HOUR, start + timedelta(days=100))])
    assert labels(page(jumping).axes[0]) == ["2024-03-31", "2024-04-01", "2024-07-09"]
