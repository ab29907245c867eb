"""The colours of a home's page: told apart by the colour-blind, and seen on their ground.

The matrices are those of Machado, Oliveira and Fernandes (2009) for a sense that is lost in full.
"""

import re
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest

from seq2point.quality.page import COLOURS

SIGHT = {
    "full": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = XYZ.sum(axis=1)
STACK = ["always-on", *(f"p{i}" for i in range(8))]
LEAST_DISTANCE = 15.0
"""Distance in CIELAB of colours that touch: 2 is just noticed."""
LEAST_CONTRAST = 3.0
"""WCAG 2.2, 1.4.11: the contrast of what a picture is made of."""


def read_themes() -> dict[str, dict[str, np.ndarray]]:
    """Return the colours of each theme in linear light, f64[3] by name."""
    style = (files("seq2point.report.household") / "page.css").read_text()
    blocks = re.findall(r":root\{(.*?)\}", style, re.DOTALL)
    return {
        theme: {name: to_linear(code) for name, code in re.findall(r"--([\w-]+):(#\w+)", block)}
        for theme, block in zip(("light", "dark", "print"), blocks, strict=True)
    }


def to_linear(code: str) -> np.ndarray:
    digits = code[1:] if len(code) == 7 else "".join(2 * digit for digit in code[1:])
    value = np.array([int(digits[i : i + 2], 16) for i in (0, 2, 4)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def to_lab(linear: np.ndarray) -> np.ndarray:
    scaled = XYZ @ np.clip(linear, 0, 1) / WHITE
    x, y, z = np.where(scaled > 0.008856, np.cbrt(scaled), 7.787 * scaled + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_neighbours_in_a_stack_are_told_apart(theme, sight):
    colours = read_themes()[theme]
    labs = [to_lab(SIGHT[sight] @ colours[name]) for name in STACK]
    distances = [float(np.linalg.norm(a - b)) for a, b in pairwise(labs)]
    assert min(distances) >= LEAST_DISTANCE


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_colours_are_seen_on_their_ground(theme):
    colours = read_themes()[theme]
    ground = XYZ[1] @ colours["ground"] + 0.05
    for name in (*STACK, "other-dot", "hatch", "mains"):
        light = XYZ[1] @ colours[name] + 0.05
        assert max(light, ground) / min(light, ground) >= LEAST_CONTRAST, name


def test_the_live_page_has_the_same_colours():
    live = (files("seq2point.live.page") / "static" / "page.css").read_text()
    ours = (files("seq2point.report.household") / "page.css").read_text()

    names = [*(f"p{i}" for i in range(8)), "always-on", "ground", "ink", "soft", "good", "bad"]
    assert [re.findall(rf"--{name}:(#\w+)", live) for name in names] == [
        re.findall(rf"--{name}:(#\w+)", ours)[:2] for name in names
    ]


def test_pictures_have_the_colours_of_the_page():
    light = read_themes()["light"]
    for place, colour in enumerate(COLOURS):
        np.testing.assert_array_equal(to_linear(colour), light[f"p{place}"])
    assert f"p{len(COLOURS)}" not in light
