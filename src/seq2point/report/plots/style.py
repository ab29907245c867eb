"""The colours of all pictures, their legends, and how a picture is written."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seq2point.errors import UsageError
from seq2point.system.atomic_files import atomic_write

MAINS, TRUTH, PREDICTION = "#8a8f98", "#1f6fb4", "#d9541e"
OFF_SCALE = 2.2
ENDINGS = (".png", ".pdf", ".svg")


def check_picture_ending(path: Path) -> None:
    """Refuse a picture of an unknown kind, before anything is computed."""
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(f"{path}: a picture is written as {', '.join(ENDINGS)}")


def add_legend_below(
    figure: Figure, drawn: Sequence[Axes], columns: int = 6, size: float = 9.5
) -> None:
    """One legend below all panels, each name once."""
    handles = {
        label: handle
        for axes in drawn
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    columns = min(len(handles), columns)
    figure.legend(
        handles.values(),
        handles,
        loc="outside lower center",
        ncols=columns,
        frameon=False,
        fontsize=size,
    )


def save_figure(figure: Figure, path: str | Path, dpi: int = 110) -> None:
    """Write a figure beside its place and move it there."""
    with atomic_write(path) as beside:
        figure.savefig(beside, dpi=dpi)
