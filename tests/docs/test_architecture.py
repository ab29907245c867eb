"""The page on the architecture draws the house as it stands."""

import re
import tomllib

from tests.docs.pages import DOCS, ROOT

PAGE = (DOCS / "architecture.md").read_text()
DOORS = {"nilmtk", "pruning", "sliding"}
PACKAGE = ROOT / "src" / "seq2point"


def test_it_names_every_room_and_no_other():
    rooms = {
        path.stem
        for path in PACKAGE.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    lines = re.findall(r"^ {6}((?:[a-z_]+(?:\.py|/),? )+)", PAGE, re.MULTILINE)
    drawn = [name for line in lines for name in re.findall(r"([a-z_]+)(?:\.py|/)", line)]
    assert {room for room in rooms if not room.startswith("__")} == set(drawn)


def test_it_draws_the_order_of_imports():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    rooms = [set(layer.replace("seq2point.", "").split(" | ")) for layer in layers]
    drawn = PAGE.partition("## Who may import whom\n")[2].partition("Imports run")[0]
    assert [set(layer.split(", ")) for layer in " ".join(drawn.split()).split(" -> ")] == [
        room - DOORS for room in rooms if room - DOORS
    ]
