"""A protocol with what the command line puts over it."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from seq2point.compression.pruning import ALIASES
from seq2point.errors import UsageError
from seq2point.studies.protocols.library import NamedProtocol, validate_protocol
from seq2point.studies.protocols.protocol_file import House, Protocol

LENGTHS = ("epochs", "steps", "budget_s")


def merge_settings(settings: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """Training settings with others over them, of which a length replaces whatever length there
    was.
    """
    lengths = LENGTHS if any(name in others for name in LENGTHS) else ()
    return {name: value for name, value in settings.items() if name not in lengths} | dict(others)


def override_training(given: Mapping[str, Any], training: Mapping[str, Any]) -> dict[str, Any]:
    """Return a protocol's tables with training settings over those of all appliances.

    An appliance's own settings give way as those of the protocol do.
    """
    if not training:
        return dict(given)
    appliances = {
        name: entry | {"training": merge_settings(entry["training"], training)}
        if entry.get("training")
        else entry
        for name, entry in given["appliances"].items()
    }
    own = merge_settings(given.get("training", {}), training)
    return dict(given) | {"training": own, "appliances": appliances}


def override_protocol(
    source: NamedProtocol,
    *,
    test: Sequence[Path] = (),
    network: str | Mapping[str, Any] | None = None,
    window: int | None = None,
    scaling: str | None = None,
    pruning: str | None = None,
    sparsity: float | None = None,
    pruning_settings: Mapping[str, Any] | None = None,
    lengths: Mapping[str, float | None] | None = None,
    training: Mapping[str, Any] | None = None,
) -> Protocol:
    """The protocol of a source, changed; what is None stays as it is.

    `test` are recordings instead of the test houses. A length (epochs, steps or budget_s) is that
    of every training. `training` are settings over those of all appliances. Another pruning method
    has its own settings, and the protocol's trainings while and after it prunes: methods compare
    under the same.
    Raises UsageError for what no protocol may be.
    """
    given = source.protocol.model_dump(exclude_unset=True)
    given |= {
        key: value
        for key, value in (("network", network), ("window", window), ("scaling", scaling))
        if value is not None
    }
    if window is not None:
        given["appliances"] = {
            name: {key: value for key, value in entry.items() if key != "window"}
            for name, entry in given["appliances"].items()
        }
    if test:
        files = [{"file": str(path)} for path in test]
        given["appliances"] = {
            name: entry | {"test": files} for name, entry in given["appliances"].items()
        }
    if pruning in ("none", "default"):
        given.pop("pruning", None)
        pruning = None
    elif pruning is not None and pruning != given.get("pruning", {}).get("method"):
        trainings = {
            phase: value
            for phase, value in given.get("pruning", {}).items()
            if phase in ("training", "finetune")
        }
        given["pruning"] = {"method": pruning, **trainings}
    own = dict(pruning_settings or {}) | ({} if sparsity is None else {"sparsity": sparsity})
    if own:
        if "pruning" not in given:
            raise UsageError("--sparsity and --set are of a pruning method: name it with --pruning")
        given["pruning"] = given["pruning"] | {
            "settings": given["pruning"].get("settings", {}) | own
        }
    length = {name: value for name, value in (lengths or {}).items() if value is not None}
    given = override_training(given, merge_settings(dict(training or {}), length))
    for phase in ("training", "finetune"):
        if length and given.get("pruning", {}).get(phase):
            given["pruning"][phase] = merge_settings(given["pruning"][phase], length)
    return validate_protocol(given, source.where)


def list_variants(
    source: NamedProtocol,
    pruning: Sequence[str] = (),
    sparsity: Sequence[float] = (),
    **options: Any,
) -> list[Protocol]:
    """The protocol under every method at every sparsity, changed as `overridden` changes it; one
    where neither is given.

    Methods come once, by whichever of their names; 'none' among others is the unpruned network,
    which is always there.
    """
    known = dict.fromkeys(ALIASES.get(method, method) for method in pruning)
    methods: list[str | None] = (
        [method for method in known if method != "none"] or [*known] or [None]
    )
    shares: list[float | None] = [*dict.fromkeys(sparsity)] or [None]
    return [
        override_protocol(source, pruning=method, sparsity=share, **options)
        for method, share in product(methods, shares)
    ]


def leave_house_out(protocol: Protocol, name: str, house: House, where: str) -> Protocol:
    """The protocol for one appliance where one of its training houses is the one that is tested,
    and no other is.

    Raises UsageError where no other house is left to train on.
    """
    others = [other for other in protocol.roles(name).train if other != house]
    if not others:
        raise UsageError(
            f"{where}: {house.label} is the only house that trains the {name}, so it cannot be"
            " left out"
        )
    return _change_roles(protocol, name, where, train=others, test=[house])


def replace_test(protocol: Protocol, name: str, houses: Sequence[House], where: str) -> Protocol:
    """The protocol for one appliance, tested on other houses than its own."""
    return _change_roles(protocol, name, where, test=houses)


def _change_roles(protocol: Protocol, name: str, where: str, **roles: Sequence[House]) -> Protocol:
    """The protocol for one appliance with other houses in some roles."""
    entry = protocol.appliances[name].model_dump(exclude_unset=True)
    entry |= {role: [house.model_dump() for house in houses] for role, houses in roles.items()}
    given = protocol.model_dump(exclude_unset=True)
    return validate_protocol(given | {"appliances": {name: entry}}, where)
