"""The phases of one supply: columns that are added to have the mains."""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from seq2point.data.interpretation.sample import Sample
from seq2point.errors import DataError

PHASES = (("a", "b", "c"), ("1", "2", "3"), ("l1", "l2", "l3"), ("r", "s", "t"))
MOST_OTHERS = 2  # a supply has at most three phases
SAME_SUM = 0.02  # a total differs from the sum of its phases by at most this share,
SAME_SUM_W = 2.0  # and by as much

SUPPLY_WORDS = {
    "power", "act", "active", "apower", "total", "energy", "w", "p", "mains", "main", "grid",
    "phase", "leg", "l", "channel", "ct", "import", "delivered", "watts", "sensor", "real",
    "house", "use", "emeter", "electricity", "tariff", "t", "kwh", "wh", "returned",
}  # fmt: skip
"""What the names of phases say beside the phase: other words are those of plugs or circuits."""


def find_phases(sample: Sample, candidates: Sequence[str]) -> list[str]:
    """Return the columns of the phases or legs of one supply, whose names differ in a letter or a
    number alone; none of them where there are no two.
    """
    for family in PHASES:
        groups: dict[str, list[str]] = {}
        for name in candidates:
            plain = sample.plain_names[name]
            for token in family:
                at_end = "" if token.isalpha() else rf"|(?<=[a-z]){token}$"
                if match := re.search(rf"(?<![0-9a-z]){token}(?![0-9a-z]){at_end}", plain):
                    rest = f"{plain[: match.start()]}*{plain[match.end() :]}"
                    groups.setdefault(rest, []).append(name)
                    break
        groups = {rest: names for rest, names in groups.items() if _may_be_supply(rest)}
        best: list[str] = max(groups.values(), key=len, default=[])
        if len(best) > 1:
            return best
    return []


def _may_be_supply(rest: str) -> bool:
    words = {word for word in re.split(r"[_*]", rest) if word}
    return words <= SUPPLY_WORDS


def require_no_phase(sample: Sample, name: str, phases: Sequence[str]) -> None:
    """Raise DataError where a column has phases beside it whose sum it is not."""
    others = [phase for phase in phases if phase != name]
    if len(others) < (1 if name in phases else 2):
        return
    total = np.asarray(sum(_to_base_unit(sample, phase) for phase in others))
    own = _to_base_unit(sample, name)
    known = np.isfinite(total) & np.isfinite(own)
    off = np.abs(total[known] - own[known])
    if known.any() and bool(np.median(off - SAME_SUM * np.abs(own[known])) <= SAME_SUM_W):
        return
    parts = "+".join(others if len(others) > MOST_OTHERS else [*others, name])
    raise DataError(
        f"{sample.file.path}: '{name}' is not the sum of {' and '.join(others)}: it may be one"
        f" phase of several; name the mains with `mains`, for their sum as '{parts}'"
    )


def _to_base_unit(sample: Sample, name: str) -> npt.NDArray[np.float64]:
    unit = sample.titles[name].unit
    return sample.numbers(name) * (unit.factor if unit else 1)


def require_no_namesake(sample: Sample, name: str, candidates: Sequence[str]) -> None:
    """Raise DataError where a second column has the name of the mains in other letters."""
    own = sample.plain_names[name]
    namesakes = [n for n in candidates if n != name and sample.plain_names[n] == own]
    if namesakes:
        raise DataError(
            f"{sample.file.path}: '{name}' and '{namesakes[0]}' may both be the mains: name one"
            " with `mains`"
        )


def require_no_twin(sample: Sample, name: str, candidates: Sequence[str]) -> None:
    """Raise DataError where a second column differs from that of the mains by a number alone."""
    own = sample.plain_names[name]
    twins = [
        n for n in candidates if re.fullmatch(rf"{re.escape(own)}_?[2b]", sample.plain_names[n])
    ]
    if twins:
        raise DataError(
            f"{sample.file.path}: '{name}' and '{twins[0]}' may be two phases of one supply; name"
            f" the mains with `mains`, for their sum as '{name}+{twins[0]}'"
        )
