"""Settings of Sphinx, which builds these pages: `make docs`."""

import sys
from pathlib import Path

import seq2point

sys.path.insert(0, str(Path(__file__).parent))

project = "seq2point"
author = "The seq2point authors"
copyright = f"2026, {author}"
release = seq2point.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "generated_reference"]
exclude_patterns: list[str] = []
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
suppress_warnings = ["misc.highlighting_failure"]  # a listing may leave parts out

default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = "seq2point"
html_static_path = ["static"]
html_css_files = ["pages.css"]
html_copy_source = False
