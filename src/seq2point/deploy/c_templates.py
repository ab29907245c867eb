"""The templates of a C source pair and of the program that feeds it: the files of c/."""

from importlib.resources import files

TEMPLATES = files("seq2point.deploy") / "c"


def load_template(name: str, prefix: str) -> str:
    """Return the text of a template, its names with a prefix of their own in place of s2p."""
    return (
        (TEMPLATES / name)
        .read_text()
        .replace("s2p_", f"{prefix}_")
        .replace("S2P_", f"{prefix}_".upper())
        .rstrip("\n")
    )
