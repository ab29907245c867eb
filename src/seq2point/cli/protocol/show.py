"""`seq2point protocol show`: what a protocol says."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seq2point.cli import options

if TYPE_CHECKING:
    from seq2point.studies.protocols.protocol_file import House, Protocol


def show(
    name: Annotated[
        str,
        typer.Argument(
            help="A protocol of the package, or a TOML file of your own.", metavar="NAME"
        ),
    ],
    toml: Annotated[
        bool, typer.Option("--toml", help="Print the file itself, to begin one of your own with.")
    ] = False,
    json: options.Json = None,
) -> None:
    """Show what a protocol says: houses by role, settings, published rows, and what its authors'
    code does otherwise.
    """
    from seq2point.report import terminal
    from seq2point.studies.protocols import library

    source = library.find_protocol(name)
    if toml:
        typer.echo(source.text, nl=False)
        return
    console, p = terminal.write_report(source.as_json(), json), source.protocol
    terminal.print_prose(console, p.title, "bold")
    for line in describe_protocol(p):
        terminal.print_prose(console, line)
    if p.published:
        console.print(_describe_published(p))
        for row in p.published:
            terminal.print_prose(console, f"{row.model}: {row.source}", "dim")


def describe_protocol(p: "Protocol") -> Iterator[str]:
    """A protocol in words, a line for each thing that it says."""
    yield p.source
    yield ""
    for what, said in _settings(p).items():
        if said:
            yield f"{what}: {said}"
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


def _settings(p: "Protocol") -> dict[str, str]:
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
            f" {p.window}"
        ),
        "scored": f"every {p.stride}. sample" if p.stride > 1 else "every sample",
        "clipping": ", ".join(filter(None, clipped)),
        "scaling": p.scaling + leak,
        "training": _join_settings(p.training),
        "pruning": f"{p.pruning.method}, {_join_settings(p.pruning.settings)}" if p.pruning else "",
    }


def _join_settings(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _join_houses(houses: Sequence["House"]) -> str:
    whole = [str(house.house) for house in houses if house.label == f"house {house.house}"]
    stretches = [house.label for house in houses if house.label != f"house {house.house}"]
    return ", ".join(
        [
            *([f"house{'s' if len(whole) > 1 else ''} {' '.join(whole)}"] if whole else []),
            *stretches,
        ]
    )


def _describe_published(p: "Protocol") -> Any:
    from seq2point.report import terminal

    lines = [["", *(name.replace("_", " ") for name in p.appliances)]]
    for row in p.published:
        lines.append(
            [
                row.model,
                *(f"{row.mae_w[name]:g}" if name in row.mae_w else "-" for name in p.appliances),
            ]
        )
    return terminal.make_table("published: MAE, W", lines)
