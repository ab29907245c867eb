"""What tests of C libraries share."""

from pathlib import Path

import pytest


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A C file to build."""
    path = tmp_path / "answer.c"
    path.write_text("int answer(void) { return 42; }\n")
    return path
