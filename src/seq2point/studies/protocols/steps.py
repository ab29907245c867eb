"""The parts of a protocol: each with all that decides its result and nothing else, so that it is
made again only for a reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from seq2point import network as networks
from seq2point.choices import Scaling
from seq2point.compression import pruning as pruners
from seq2point.compression.pruning import Pruner
from seq2point.configuration import TrainingConfig
from seq2point.configuration.training import HELD_OUT
from seq2point.errors import UsageError
from seq2point.network import Architecture
from seq2point.recording.scaling import Scale
from seq2point.studies.protocols import houses
from seq2point.studies.protocols.overrides import merge_settings
from seq2point.studies.protocols.protocol_file import Protocol
from seq2point.studies.result_cache import CachedResult

VERSION = 1
"""Of all results of a protocol: the networks, their prunings and the tests.

Raise it when the same protocol and data would give another network or another metric: after a
change of training, pruning, compaction, the reading of houses or the metrics. Leave it for a
change of words, tables or pictures. Reports then mark the results that an earlier version made.
"""

LEARNED_FROM = {"name", "max_power_w", "mean_w", "std_w"}
NETWORK = "network"


def make_row_name(method: str, settings: Mapping[str, Any]) -> str:
    """Return the name of networks pruned so: the method, and the sparsity where one is set."""
    return method if settings.get("sparsity") is None else f"{method}-{settings['sparsity']:g}"


@dataclass(frozen=True)
class ProtocolSteps:
    """The parts of a protocol on the data of a folder; `where` is the protocol's file.

    Raises UsageError, with file and key, for settings that a network, the training or the pruner
    does not have or allow.
    """

    protocol: Protocol
    where: str
    data: Path

    def architecture(self, name: str) -> Architecture:
        """The shape of an appliance's network."""
        shape, window = self.protocol.network, self.protocol.window_of(name)
        try:
            return (
                networks.find_network(shape, window)
                if isinstance(shape, str)
                else Architecture(**{"window": window, **shape})
            )
        except UsageError as error:
            raise self._wrong("network", str(error)) from None
        except ValidationError as error:
            raise self._invalid("network", error) from None

    @cached_property
    def pruner(self) -> Pruner | None:
        """What prunes the network, where anything does."""
        pruning = self.protocol.pruning
        try:
            return pruners.find_pruner(pruning.method, **pruning.settings) if pruning else None
        except UsageError as error:
            raise self._wrong("pruning", str(error)) from None

    @property
    def row(self) -> str:
        """What the pruned networks are called among the rows of a report: 'structured-0.5'."""
        return (
            make_row_name(self.pruner.name, self.pruner.model_dump(mode="json"))
            if self.pruner
            else NETWORK
        )

    def settings(self, name: str, seed: int) -> TrainingConfig:
        """Of an appliance's training."""
        return self._settings("training", name, seed, {})

    def settings_while_pruned(self, name: str, seed: int) -> TrainingConfig:
        """Of an appliance's training while the network is pruned."""
        pruning = self.protocol.pruning
        return self._settings("pruning.training", name, seed, pruning.training if pruning else {})

    def settings_once_compacted(self, name: str, seed: int) -> TrainingConfig | None:
        """Of an appliance's training of the compacted network, where there is one."""
        pruning = self.protocol.pruning
        return (
            self._settings("pruning.finetune", name, seed, pruning.finetune)
            if pruning and pruning.finetune
            else None
        )

    def _settings(
        self, key: str, name: str, seed: int, others: Mapping[str, Any]
    ) -> TrainingConfig:
        own = merge_settings(self.protocol.training, self.protocol.appliances[name].training)
        settings = merge_settings(own, others) | {"seed": seed}
        try:
            TrainingConfig(**settings)
            return TrainingConfig.of(**settings)
        except ValidationError as error:
            raise self._invalid(key, error) from None
        except UsageError as error:
            raise self._wrong(key, str(error)) from None

    def _invalid(self, key: str, error: ValidationError) -> UsageError:
        first = error.errors()[0]
        message = (
            "there is no such key"
            if first["type"] == "extra_forbidden"
            else first["msg"].removeprefix("Value error, ")
        )
        return self._wrong(".".join([key, *map(str, first["loc"])]), message)

    def _wrong(self, key: str, message: str) -> UsageError:
        return UsageError(f"{self.where}: {key}: {message[:1].lower()}{message[1:]}")

    def check(self, seeds: int) -> None:
        """Raises UsageError for whatever would not run."""
        for name, seed in product(self.protocol.appliances, range(seeds)):
            self.check_network(name, seed)

    def check_network(self, name: str, seed: int) -> None:
        """Raises UsageError for an appliance's network, pruned or not, that could not be made."""
        if self.architecture(name).window != self.protocol.window_of(name):
            raise self._wrong("network.window", "the window stands in the protocol itself")
        self.settings(name, seed)
        self.settings_while_pruned(name, seed)
        self.settings_once_compacted(name, seed)
        if self.protocol.pruning and self.pruner is None:
            raise self._wrong("pruning.method", f"'{self.protocol.pruning.method}' prunes nothing")

    def scaling(self, name: str) -> Scaling | Scale:
        """The scaling by name, or the protocol's own constants."""
        own = self.protocol.own_scaling
        if self.protocol.scaling != "own" or own is None:
            return "fitted" if self.protocol.scaling == "fitted" else "lineage"
        power = own.appliances[name]
        return Scale(
            mains_mean_w=own.mains.mean_w,
            mains_std_w=own.mains.std_w,
            appliance_mean_w=(power.mean_w,),
            appliance_std_w=(power.std_w,),
        )

    def plan_network(self, name: str, seed: int) -> CachedResult:
        """The part that trains a network for an appliance."""
        roles, scaling = self.protocol.roles(name), self.scaling(name)
        decides = {
            "what": "network",
            "appliance": self.protocol.appliance(name).model_dump(include=LEARNED_FROM),
            "period_s": self.protocol.period_s,
            "network": self.architecture(name).model_dump(mode="json"),
            "scaling": scaling.model_dump(mode="json") if isinstance(scaling, Scale) else scaling,
            "clipping": self.protocol.clipping.model_dump(),
            "fill": self.protocol.fill,
            "train": houses.describe_stretches(self.protocol, roles.train, self.data),
            "validation": (
                houses.describe_stretches(self.protocol, roles.validation, self.data) or HELD_OUT
            ),
            "traces": houses.describe_traces(self.protocol, name, self.data),
            "training": self.settings(name, seed).model_dump(mode="json"),
        }
        return CachedResult(f"{name}-seed{seed}", decides, VERSION)

    def plan_pruning(self, name: str, seed: int) -> CachedResult:
        """The part that prunes a trained network, compacts it and trains it on."""
        assert self.pruner is not None
        once_compacted = self.settings_once_compacted(name, seed)
        decides = {
            "what": "pruned",
            "of": self.plan_network(name, seed).key,
            "pruning": {"method": self.pruner.name, **self.pruner.model_dump(mode="json")},
            "training": self.settings_while_pruned(name, seed).model_dump(mode="json"),
            "finetune": once_compacted.model_dump(mode="json") if once_compacted else None,
        }
        return CachedResult(f"{name}-seed{seed}-{self.row}", decides, VERSION)

    def plan_test(self, name: str, of: CachedResult) -> CachedResult:
        """The part that tests what another part made."""
        decides = {
            "what": "test",
            "of": of.key,
            "appliance": self.protocol.appliance(name).model_dump(mode="json"),
            "clipping": self.protocol.clipping.model_dump(),
            "fill": self.protocol.fill,
            "stride": self.protocol.stride,
            "on": (
                houses.describe_stretches(self.protocol, self.protocol.roles(name).test, self.data)
                or "validation"
            ),
        }
        return CachedResult(f"{of.name}-test", decides, VERSION)
