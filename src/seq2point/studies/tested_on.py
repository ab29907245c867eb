"""What a report of a training says that it was tested on."""

TEST = "test"
"""Recordings that the training has not met."""
VALIDATION_DATA = "the validation data"
HELD_OUT_BLOCK = "the held-out block of the training data"
