"""The targets of links exist: files, anchors, and pages that code and texts name."""

import re
from pathlib import Path

import pytest
from tests.docs.pages import DOCS, PAGES, ROOT, anchors, links, name_of

TEXTS = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")] + PAGES
NAMED = re.compile(r"\bdocs/[\w/]+\.(?:md|png)")
NAMING = [
    *TEXTS,
    *(
        path
        for room in ("src", "tools", "benchmarks", "tests")
        for path in sorted((ROOT / room).rglob("*.py"))
    ),
]


@pytest.mark.parametrize("page", TEXTS, ids=name_of)
def test_the_links_of_a_page_lead_somewhere(page: Path):
    broken = []
    for link in links(page):
        if re.match(r"https?://|mailto:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


def test_every_page_that_a_text_or_a_module_names_is_there():
    missing = {
        f"{name_of(path)}: {named}"
        for path in NAMING
        for named in NAMED.findall(path.read_text(encoding="utf-8"))
        if not (ROOT / named).exists()
    }
    assert not missing


def test_every_page_is_in_the_index():
    listed = set(re.findall(r"^[\w/]+$", (DOCS / "index.md").read_text(), re.MULTILINE))
    assert {str(page.relative_to(DOCS).with_suffix("")) for page in PAGES} == listed | {"index"}


def test_every_picture_is_shown():
    shown = {(page.parent / link).resolve() for page in TEXTS for link in links(page)}
    assert set((DOCS / "images").iterdir()) <= shown
