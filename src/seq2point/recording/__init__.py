"""A house's readings on one regular grid, and what follows from them: gaps, on and off, windows,
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
]
