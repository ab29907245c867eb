"""The pages are written in short sentences."""

from pathlib import Path
from statistics import median

import pytest
from tests.docs.pages import PAGES, ROOT, name_of, sentences

WORDS = 20
WITH_PROSE = [page for page in PAGES if len(sentences(page)) > 5]


def lengths(page: Path) -> list[int]:
    return [len(sentence.split()) for sentence in sentences(page)]


def test_the_median_sentence_of_the_documentation_is_short():
    assert (
        median(length for page in [*PAGES, ROOT / "README.md"] for length in lengths(page)) < WORDS
    )


@pytest.mark.parametrize("page", WITH_PROSE, ids=name_of)
def test_the_median_sentence_of_a_page_is_short(page: Path):
    assert median(lengths(page)) < WORDS


def test_a_sentence_is_measured_without_its_code_and_tables(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text(
        "# A heading here\n\nOne two three. Four five\nsix?\n\n- Seven eight nine.\n\n"
        "| a b c |\n\n```sh\na b c d\n```\n"
    )
    assert sentences(page) == ["One two three.", "Four five six?", "Seven eight nine."]
