"""Numbers as text, for the JSON that a start goes on from."""

import base64

import numpy as np

from seq2point.recording import Watts


def encode(values: Watts) -> str:
    """Return numbers of single precision as text."""
    return base64.b64encode(values.astype("<f4").tobytes()).decode()


def decode(text: str) -> Watts:
    """Return the numbers f32[N] of a text."""
    return np.frombuffer(base64.b64decode(text), "<f4").astype(np.float32)
