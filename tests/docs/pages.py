"""The pages of the documentation: their code, sentences, links and anchors."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))

FENCE = re.compile(r"^```(.*)\n((?:.*\n)*?)^```$", re.MULTILINE)
SENTENCE_END = re.compile(r"(?<=[.?!])\s+(?=[A-Z`*(\[])")
ITEM = re.compile(r"(?:[-*]|\d+\.) +")
NOT_PROSE = ("|", "#", "![", "    ")


class Block(NamedTuple):
    """A fenced block of code: its language, its text and its first line's number in the page."""

    language: str
    text: str
    line: int


def name_of(page: Path) -> str:
    """The page as the tests' names say it."""
    return str(page.relative_to(ROOT))


def blocks(page: Path, *languages: str) -> list[Block]:
    """The fenced blocks of these languages, in order."""
    text = page.read_text()
    found = [
        Block(fence[1], fence[2], text.count("\n", 0, fence.start(2)) + 1)
        for fence in FENCE.finditer(text)
    ]
    return [block for block in found if block.language in languages]


def commands(page: Path) -> list[tuple[int, str]]:
    """The `seq2point` commands of a page with their lines; a backslash joins a line to the next."""
    found = []
    for block in blocks(page, "sh", "console"):
        joined = re.sub(r"\\\n\s*", " ", block.text)
        found += [(block.line, line.removeprefix("$ ")) for line in joined.splitlines()]
    return [(line, command) for line, command in found if command.startswith("seq2point ")]


def paragraphs(page: Path) -> Iterator[str]:
    """The paragraphs and list items of a page, without code, tables and headings."""
    lines: list[str] = []
    for line in [*FENCE.sub("", page.read_text()).splitlines(), ""]:
        ends = not line.strip() or line.startswith(NOT_PROSE)
        if lines and (ends or ITEM.match(line.strip())):
            yield " ".join(lines)
            lines = []
        if not ends:
            lines.append(
                ITEM.sub("", line.strip(), count=1) if ITEM.match(line.strip()) else line.strip()
            )


def sentences(page: Path) -> list[str]:
    """The sentences of a page; what has fewer than three words is a label."""
    return [
        sentence
        for paragraph in paragraphs(page)
        for sentence in SENTENCE_END.split(paragraph)
        if len(sentence.split()) > 2
    ]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and Sphinx make them."""
    headings = re.findall(r"^#+ +(.*)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> list[str]:
    """What the links and pictures of a page lead to."""
    prose = re.sub(r"`[^`\n]*`", "", FENCE.sub("", page.read_text()))
    return re.findall(r"\]\(([^)\s]+)\)", prose)
