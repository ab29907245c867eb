"""The models to make, and the trainings that each takes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from seq2point.appliances import canonical_name
from seq2point.data.table_file import open_table_file
from seq2point.model.model_file import Model
from seq2point.recording import Recording
from seq2point.studies import ResultCache
from seq2point.studies.protocols import houses, library
from seq2point.studies.protocols.library import NamedProtocol
from seq2point.studies.protocols.overrides import leave_house_out, replace_test
from seq2point.studies.protocols.protocol_file import House, Protocol
from seq2point.studies.protocols.runner import WEIGHTS, Runner
from seq2point.studies.protocols.steps import ProtocolSteps

PROTOCOLS = ("unseen_8s", "unseen_60s", "live_60s")
NAMES = {"ukdale": "UK-DALE", "refit": "REFIT", "ideal": "IDEAL", "ampds2": "AMPds2"}
DAY_FILES = "refit_days/*.parquet"
DAYS = "REFIT homes, a day each"


def label(protocol: Protocol, house: House) -> str:
    """A house as the cards call it."""
    dataset, number = houses.find_place(protocol, house)
    return f"{NAMES[str(dataset)]} house {number}"


@dataclass(frozen=True)
class Plan:
    """A model to make: an appliance of a protocol, and the folder of the houses."""

    source: NamedProtocol
    name: str
    data: Path

    @property
    def called(self) -> str:
        """The model's name: kettle-60s, or kettle-60s-live where it answers soon."""
        ending = "" if self.target_index is None else "-live"
        return f"{self.name}-{self.source.protocol.period_s:g}s{ending}"

    @property
    def target_index(self) -> int | None:
        """The sample of the window that is predicted; None for the midpoint."""
        network = self.source.protocol.network
        return None if isinstance(network, str) else network.get("target_index")

    @property
    def train(self) -> Sequence[House]:
        """The houses that have the appliance."""
        return self.source.protocol.roles(self.name).train

    def without(self, house: House) -> Protocol:
        """The protocol that leaves a house out and tests on it."""
        return leave_house_out(self.source.protocol, self.name, house, self.source.where)

    @cached_property
    def day_houses(self) -> list[House]:
        """The homes with a day each that have the appliance."""
        return [
            House(file=str(path.relative_to(self.data)))
            for path in sorted(self.data.glob(DAY_FILES))
            if self.name in map(canonical_name, open_table_file(path).names)
        ]

    @property
    def on_days(self) -> Protocol:
        """The protocol that tests on the homes with a day each, and learns no trace of theirs."""
        return replace_test(self.source.protocol, self.name, self.day_houses, self.source.where)

    @property
    def protocols(self) -> list[Protocol]:
        """The protocols of all its trainings."""
        each = [self.without(house) for house in self.train] if len(self.train) > 1 else []
        return [*each, *([self.on_days] if self.day_houses else []), self.source.protocol]

    def group_protocols(self) -> list[list[int]]:
        """The numbers of the protocols, those of one network together: it is trained once.

        Where an appliance learns from no traces, the network that is tested on the days is the one
        of all houses.
        """
        by_network: dict[str, list[int]] = {}
        for number, protocol in enumerate(self.protocols):
            steps = ProtocolSteps(protocol, self.source.where, self.data)
            by_network.setdefault(steps.plan_network(self.name, 0).key, []).append(number)
        return list(by_network.values())

    def make(self, protocol: Protocol, store: ResultCache) -> dict[str, Any]:
        """What a protocol gives for the appliance; made once."""
        parts = ProtocolSteps(protocol, self.source.where, self.data)
        runner = Runner(
            [parts], store, "cpu", 1, progress=False, report=lambda line: print(line, flush=True)
        )
        (result,) = runner.run([self.name], 1)[self.name][parts.row]
        return result

    def load(self, protocol: Protocol, store: ResultCache) -> Model:
        """The network that a protocol has given."""
        return Model.load(Path(self.make(protocol, store)["folder"]) / WEIGHTS)

    def read(self, house: House) -> list[Recording]:
        """A house's recordings."""
        protocol = self.source.protocol
        return houses.load_stretch(protocol, house, protocol.appliance(self.name), self.data)


def list_plans(data: Path) -> Iterator[Plan]:
    """The models of the protocols."""
    for protocol in PROTOCOLS:
        source = library.find_protocol(protocol)
        for name in source.protocol.appliances:
            yield Plan(source, name, data)
