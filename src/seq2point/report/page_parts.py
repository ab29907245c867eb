"""What the pages that are one HTML file share: their parts' texts, and the hashes of these."""

import base64
import hashlib
from importlib.resources import files as resources

ELEMENTS = "elements.js"
"""What the scripts of all pages begin with."""


def read_part(package: str, name: str) -> str:
    """Return the text of a file beside a page's code."""
    return (resources(package) / name).read_text(encoding="utf-8")


def join_scripts(package: str, *names: str) -> str:
    """Return a page's script: what all pages share, then the page's own files in order."""
    own = [read_part(package, name) for name in names]
    return "\n".join([read_part(__package__, ELEMENTS), *own])


def hash_part(text: str) -> str:
    """Return a text's hash as a content security policy writes it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
