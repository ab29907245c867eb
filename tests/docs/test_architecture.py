"""The page on the architecture draws the house as it stands."""

import re

from tests.docs.pages import DOCS, ROOT

PAGE = (DOCS / "reference" / "architecture.md").read_text()
PACKAGE = ROOT / "src" / "seq2point"


def test_it_names_every_room_and_no_other():
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    drawn = re.findall(r"^      ([a-z_]+)(?:\.py|/)(?:  |, |$)", PAGE, re.MULTILINE)
    assert {room for room in rooms if not room.startswith("__")} == set(drawn)
