"""Recordings: a house's readings on one regular grid, with gaps, on states, windows, scaling and
coverage.
"""

from seq2point.recording.recording import (
    Frame,
    Jump,
    Recording,
    RecordingLike,
    RecordingsLike,
    Watts,
    format_house,
    is_same_period,
    shorten_houses,
)

__all__ = [
    "Frame",
    "Jump",
    "Recording",
    "RecordingLike",
    "RecordingsLike",
    "Watts",
    "format_house",
    "is_same_period",
    "shorten_houses",
]
