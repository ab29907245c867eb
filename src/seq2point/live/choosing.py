"""The models of a live home: those that are named, or the best of the package for its pace."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from seq2point.data.table import COARSEST
from seq2point.errors import UsageError
from seq2point.live.pace import Pace
from seq2point.model import pretrained
from seq2point.predictor import Predictor

OpenModel = Callable[[Path], Predictor]


def can_give(pace: Pace, period_s: float) -> bool:
    """Return whether readings at a pace can be placed on a grid of a period."""
    return pace.hold_s is not None or pace.step_s <= COARSEST * period_s


def check_names(models: Sequence[str]) -> None:
    """Raise UsageError for a name that no model of the package has, and for a missing file."""
    for model in models:
        if is_file_name(model):
            if not Path(model).is_file():
                raise UsageError(f"{model}: no such file")
        elif model not in pretrained.list_names():
            pretrained.list_periods_s(model)


def is_file_name(model: str) -> bool:
    """Return whether a model is given by its file, not by its name."""
    return bool(Path(model).suffix) or Path(model).name != model


def load_models(models: Sequence[str], pace: Pace, open_model: OpenModel) -> list[Predictor]:
    """Load models by names or files for readings at a pace; without any, the package's best.

    Raises UsageError where no model of the package suits the pace, and what `open_model` raises.
    """
    chosen = pretrained.choose_cards(partial(can_give, pace))
    names = list(models) or [card.name for card in chosen.values()]
    if not names:
        raise UsageError(
            f"a reading every {pace.step_s:g} s is too seldom for the models of the package"
        )
    return [open_model(_find_path(name, pace)) for name in names]


def _find_path(model: str, pace: Pace) -> Path:
    if is_file_name(model):
        return Path(model)
    if model in pretrained.list_names():
        return pretrained.load_pretrained(model).onnx
    step_s = pace.step_s if pace.hold_s is None else 1.0
    return pretrained.load_pretrained(pretrained.find_finest(model, step_s).name).onnx
