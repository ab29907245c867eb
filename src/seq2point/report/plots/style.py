"""The colours of all pictures, their legends, and how a picture is written."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seq2point.errors import UsageError
from seq2point.system.atomic_files import atomic_write
from seq2point.wording import format_number

MAINS, TRUTH, PREDICTION = "#8a8f98", "#1f6fb4", "#d9541e"
OFF_SCALE = 2.2
ENDINGS = (".png", ".pdf", ".svg")


def check_picture_ending(path: Path) -> None:
    """Refuse a picture of an unknown kind, before anything is computed."""
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(f"{path}: a picture is written as {', '.join(ENDINGS)}")


def note_off_scale(axes: Axes, name: str, value: float, quantity: str, size: float = 10) -> None:
    """Write in the corner of a panel that a constant lies off its scale."""
    unit = quantity.rpartition(", ")[2]
    axes.text(
        0.985,
        0.985,
        f"{name}: {format_number(value)} {unit}, off the scale",
        transform=axes.transAxes,
        ha="right",
        va="top",
        fontsize=size,
        color="#444444",
    )


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
