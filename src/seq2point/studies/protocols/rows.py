"""The rows of a report: what a result cache holds of networks and their prunings.

A row is a network under one pruning, or unpruned, over its seeds. Two runs with other settings give
two rows, whichever came first; rows that were scored alike stand in one `Scored`.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seq2point.architecture import name_shape
from seq2point.compression.pruning import PRUNERS
from seq2point.compression.pruning.spp import SPP
from seq2point.studies.protocols.steps import NETWORK, VERSION, ProtocolSteps, make_row_name
from seq2point.studies.result_cache import Record

Decides = Mapping[str, Any]
Seed = dict[str, Any]
PHASES = ("training", "finetune")


@dataclass
class Row:
    """A network under one pruning, or unpruned (`pruned` is None), over its seeds.

    `network` and `pruned` are what decides it, without the seed.
    """

    network: Decides
    pruned: Decides | None
    by_seed: dict[int, Seed] = field(default_factory=dict)
    versions: set[int] = field(default_factory=set)

    @property
    def seeds(self) -> list[Seed]:
        """The results in the order of the seeds."""
        return [self.by_seed[seed] for seed in sorted(self.by_seed)]

    @property
    def method(self) -> str | None:
        """What pruned it."""
        return None if self.pruned is None else str(self.pruned["pruning"]["method"])

    @property
    def name(self) -> str:
        """'network', or 'structured-0.5'."""
        return (
            NETWORK
            if self.pruned is None
            else make_row_name(self.pruned["pruning"]["method"], self.pruned["pruning"])
        )

    @property
    def identity(self) -> str:
        """What its seeds have in common and no other row has."""
        return _text([self.network, self.pruned])

    @property
    def line(self) -> str:
        """What it has in common with the same pruning at other sparsities."""
        pruning = (self.pruned or {}).get("pruning", {})
        return _text(
            [self.network, {**(self.pruned or {}), "pruning": {**pruning, "sparsity": None}}]
        )

    @property
    def shape(self) -> str:
        """The unpruned network in words."""
        shape = self.network["network"]
        return f"{name_shape(shape)}, window {shape['window']}"

    @property
    def removal(self) -> str:
        """How much was to go, and of what: '50 % of weights'."""
        if self.pruned is None:
            return ""
        settings = self.pruned["pruning"]
        if "units_sparsity" in settings:
            return _of_units(settings)
        of = _groups(settings)
        return (
            f"its own choice of {of}"
            if settings.get("sparsity") is None
            else f"{format_percent(settings['sparsity'])} of {of}"
        )

    @property
    def is_from_another_version(self) -> bool:
        """Whether another version of the code made any of it."""
        return self.versions != {VERSION}


@dataclass
class ScoredNetworks:
    """Rows of one appliance that were scored alike: the same readings, thresholds and stride."""

    appliance: str
    identity: str
    rows: dict[str, Row] = field(default_factory=dict)

    @property
    def networks(self) -> list[Row]:
        """The rows that are not pruned."""
        return [row for row in self.rows.values() if row.pruned is None]

    def under(self, network: Row) -> list[Row]:
        """The prunings of a network, by method and sparsity."""
        order = list(PRUNERS)
        rows = [
            row
            for row in self.rows.values()
            if row.pruned is not None and row.network == network.network
        ]

        def place(row: Row) -> tuple[int, str, float]:
            method = str(row.method)
            share = (row.pruned or {})["pruning"].get("sparsity")
            return (
                order.index(method) if method in order else len(order),
                method,
                -1.0 if share is None else share,
            )

        return sorted(rows, key=place)


def format_percent(share: float) -> str:
    """A share as a percentage: '50 %'."""
    return f"{100 * share:.3g} %"


def collect_rows(records: Sequence[Record]) -> list[ScoredNetworks]:
    """All rows that the tests among some parts tell of, in the order in which they were made.

    Where two versions made one part, the result of today's version counts, or else the later.
    """
    by_key: dict[str, Record] = {}
    for record in sorted(records, key=lambda record: record.version == VERSION):
        by_key[record.key] = record
    scored: dict[str, ScoredNetworks] = {}
    for record in records:
        if record.decides.get("what") == "test" and by_key[record.key] is record:
            _add(scored, record, by_key)
    return list(scored.values())


def _add(
    by_identity: dict[str, ScoredNetworks], test: Record, by_key: Mapping[str, Record]
) -> None:
    made = by_key.get(test.decides["of"])
    network = by_key.get(made.decides["of"]) if made and made.decides["what"] == "pruned" else made
    if made is None or network is None:
        return  # its folder is gone
    identity = identify_scored(test.decides, network.decides)
    scored = by_identity.setdefault(
        identity, ScoredNetworks(network.decides["appliance"]["name"], identity)
    )
    row = find_row(network.decides, None if made is network else made.decides)
    row = scored.rows.setdefault(row.identity, row)
    seed = network.decides["training"]["seed"]
    dense = {"parameters": network.result["parameters"]}
    row.by_seed[seed] = {
        **made.result,
        **test.result,
        "seed": seed,
        "folder": str(made.folder),
        "key": made.key,
        "dense": dense,
    }
    row.versions |= {network.version, made.version, test.version}


def identify_scored(test: Decides, network: Decides) -> str:
    """What two tests have in common that may stand in one table."""
    on: Any = test["on"]
    if on == "validation":
        on = [network["train"], network["validation"]]
    alike = {key: value for key, value in test.items() if key not in ("of", "on")}
    return _text({**alike, "on": on, "period_s": network["period_s"]})


def find_row(network: Decides, pruned: Decides | None) -> Row:
    """The row, still empty, of a part that trains a network, or that prunes it too."""
    return Row(_seedless(network), None if pruned is None else _seedless(pruned))


def find_current(variants: Sequence[ProtocolSteps], appliance: str) -> tuple[str, list[str]]:
    """The identity of a run's test of an appliance, and those of its rows, of whatever seed."""
    first = variants[0]
    network = first.plan_network(appliance, 0)
    scored = identify_scored(first.plan_test(appliance, network).decides, network.decides)
    pruned = [
        parts.plan_pruning(appliance, 0).decides for parts in variants if parts.pruner is not None
    ]
    return scored, [find_row(network.decides, of).identity for of in (None, *pruned)]


def name_differences(rows: Sequence[Row]) -> list[str]:
    """For each of some rows the settings in which not all agree, but the sparsity: 'steps 200'."""
    flat = [dict(_flat({"network": row.network, "pruned": row.pruned or {}})) for row in rows]
    keys = dict.fromkeys(key for row in flat for key in row if key != "pruned.pruning.sparsity")
    differ = [key for key in keys if len({_text(row.get(key)) for row in flat}) > 1]
    differences = [
        [f"{key.rpartition('.')[2].replace('_', ' ')} {_value(row.get(key))}" for key in differ]
        for row in flat
    ]
    return [", ".join(dict.fromkeys(words)) for words in differences]


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _value(value: Any) -> str:
    """A setting in a few letters: of what is longer, as files' hashes, the begin of its hash."""
    text = (
        "none" if value is None else f"{value:g}" if isinstance(value, int | float) else str(value)
    )
    return text if len(text) < 12 else hashlib.sha256(_text(value).encode()).hexdigest()[:6]


def _seedless(decides: Decides) -> dict[str, Any]:
    """What decides a part, without the seed and the part that it begins from."""
    kept = {key: value for key, value in decides.items() if key != "of"}
    for phase in PHASES:
        if kept.get(phase):
            kept[phase] = {key: value for key, value in kept[phase].items() if key != "seed"}
    return dict(_as_json(kept))


def _groups(settings: Mapping[str, Any]) -> str:
    """What a method counts when it removes a share."""
    if settings["method"] == SPP.name:
        groups = [settings["granularity"], *(["units"] if settings["layers"] == "all" else [])]
        return " and ".join(dict.fromkeys(groups))
    known = PRUNERS.get(settings["method"])
    return known.removes.removeprefix("single ") if known else "weights"


def _of_units(settings: Mapping[str, Any]) -> str:
    parts = {"units": ["units"], "channels": ["channels"], "both": ["units", "channels"]}[
        settings["granularity"]
    ]
    shares = {
        part: settings["sparsity"] if (own := settings[f"{part}_sparsity"]) is None else own
        for part in parts
    }
    if len(set(shares.values())) == 1:
        return f"{format_percent(next(iter(shares.values())))} of {' and '.join(shares)}"
    return ", ".join(f"{format_percent(share)} of {part}" for part, share in shares.items())


def _as_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
