"""A protocol in words: what `seq2point protocol show` prints."""

from collections.abc import Iterator, Sequence
from typing import Any

from seq2point.studies.protocols.protocol_file import House, Protocol


def describe_protocol(p: Protocol) -> Iterator[str]:
    """Return a protocol in words, a line for each thing that it says."""
    yield p.source
    yield ""
    for label, text in _describe_settings(p).items():
        if text:
            yield f"{label}: {text}"
    yield ""
    otherwise = {
        "validation": "the last 20 % of each training house",
        "test": "the houses that validate",
    }
    for name in p.appliances:
        roles, row = p.roles(name), p.appliance(name)
        used = [
            f"{role} {_join_houses(getattr(roles, role)) or otherwise[role]}"
            for role in ("train", "validation", "test")
        ]
        on = f"on above {row.on_power_w:g} W for {row.min_on_s:g} s, off for {row.min_off_s:g} s"
        yield f"{row.label}: {'; '.join(used)}; {on}"
    yield ""
    for difference in p.differs:
        yield f"- {difference}"


def _describe_settings(p: Protocol) -> dict[str, str]:
    highest_w = p.clipping.appliance_w
    highest = f"{highest_w:g} W" if isinstance(highest_w, float) else "their maxima in the table"
    clipped = [
        f"mains at {p.clipping.mains_w:g} W" if p.clipping.mains_w else "",
        f"appliances at {highest}" if highest_w else "",
        f"below {p.clipping.below_w:g} W to zero" if p.clipping.below_w else "",
        (
            f"mains that stand still for {p.clipping.stuck_s:g} s are gaps"
            if p.clipping.stuck_s
            else ""
        ),
    ]
    leak = f"; 'own' is there too: {p.own_scaling.leak}" if p.own_scaling else ""
    return {
        "data": f"{p.dataset} at {p.period_s:g} s",
        "network": (
            f"{p.network if isinstance(p.network, str) else _join_settings(p.network)}, window"
            f" {_describe_windows(p)}"
        ),
        "scored": f"every {p.stride}. sample" if p.stride > 1 else "every sample",
        "clipping": ", ".join(filter(None, clipped)),
        "scaling": p.scaling + leak,
        "training": _join_settings(p.training),
        "pruning": f"{p.pruning.method}, {_join_settings(p.pruning.settings)}" if p.pruning else "",
    }


def _describe_windows(protocol: Protocol) -> str:
    own = [f"{name} {entry.window}" for name, entry in protocol.appliances.items() if entry.window]
    return f"{protocol.window} ({', '.join(own)})" if own else f"{protocol.window}"


def _join_settings(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _join_houses(houses: Sequence[House]) -> str:
    whole = [str(house.house) for house in houses if house.label == f"house {house.house}"]
    stretches = [house.label for house in houses if house.label != f"house {house.house}"]
    return ", ".join(
        [
            *([f"house{'s' if len(whole) > 1 else ''} {' '.join(whole)}"] if whole else []),
            *stretches,
        ]
    )


def make_published_rows(p: Protocol) -> list[list[str]]:
    """Return the published errors: a heading, then a row for each model."""
    lines = [["", *(name.replace("_", " ") for name in p.appliances)]]
    for row in p.published:
        maes_w = (row.mae_w.get(name) for name in p.appliances)
        lines.append([row.model, *("-" if mae_w is None else f"{mae_w:g}" for mae_w in maes_w)])
    return lines
