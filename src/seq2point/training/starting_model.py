"""What a training starts from: a network of fresh weights, or a copy of a model."""

import copy
from collections.abc import Iterable, Sequence
from typing import Any

import torch

from seq2point import network as networks
from seq2point.appliances import Appliance, Definition, canonical_name, find_appliance
from seq2point.choices import Scaling
from seq2point.errors import DataError, UsageError
from seq2point.model.model_file import Model
from seq2point.network import Architecture
from seq2point.recording import Recording, format_house, is_same_period
from seq2point.recording.scaling import Scale
from seq2point.wording import format_seconds


def resolve_appliance(
    appliance: str | Appliance | Definition, start: Model | None = None
) -> Appliance | Definition:
    """Return the appliance of a name: that of the model to start from, or the table's.

    Raises UsageError for a name that neither has, and for several appliances.
    """
    if isinstance(appliance, Appliance | Definition):
        return appliance
    if not isinstance(appliance, str):
        raise _refuse_appliance(appliance)
    if start is not None and canonical_name(appliance) == start.appliances[0].name:
        return start.appliances[0]
    return find_appliance(appliance)


def _refuse_appliance(value: Any) -> UsageError:
    if isinstance(value, Iterable):
        return UsageError(
            "a training is for one appliance, not for a list of them: call it for each, or train"
            " one and `transfer` it to the others, then `join_models` (of"
            " seq2point.training.joined_models)"
        )
    return UsageError(
        f"an appliance of type {type(value).__name__}: give a name, as 'kettle', or"
        " `appliances.define` one"
    )


def choose_architecture(
    network: str | Architecture | None,
    window: int | None,
    start: Model | None,
    target_point: float | None = None,
) -> Architecture:
    """Return the shape of the network to train.

    Raises UsageError where the model to start from has another, and for a `target_point` beside a
    network that brings its own.
    """
    if isinstance(network, Architecture) and target_point is not None:
        raise UsageError("the network brings its own target: leave out `target_point`")
    if isinstance(network, Architecture):
        shape = network
    elif start is None or (network, window, target_point) != (None, None, None):
        shape = networks.find_network(network or "seq2point", window, target_point)
    else:
        return start.architecture
    if start is not None and shape != start.architecture:
        raise UsageError(
            "the model to start from brings its own network and window: leave out `network`,"
            " `window` and `target_point`"
        )
    return shape


def make_untrained(
    appliance: Appliance,
    architecture: Architecture,
    scaling: Scaling | Scale,
    training: Sequence[Recording],
) -> Model:
    """Return a model whose network has its shape, and no weights yet."""
    if isinstance(scaling, Scale):
        scale = scaling
    elif scaling == "fitted":
        scale = Scale.fit([appliance], training)
    else:
        scale = Scale.published([appliance])
    with torch.device("meta"):
        network = architecture.build()
    return Model(network, scale, (appliance,), training[0].period_s)


def copy_parent(
    start: Model, appliance: Appliance, scaling: Scaling | Scale, training: Sequence[Recording]
) -> Model:
    """Return a copy of the model to start from, to train on.

    Raises DataError for recordings of another period, UsageError for another appliance or scaling.
    """
    names = [a.name for a in start.appliances]
    if names != [appliance.name]:
        raise UsageError(
            f"the model to start from is of {', '.join(names)}, not of {appliance.name}"
        )
    if scaling not in ("published", "lineage"):
        raise UsageError("the model to start from brings its own scaling: leave out `scaling`")
    if not is_same_period(training[0].period_s, start.period_s):
        raise DataError(
            f"{format_house(training[0].house)} has a reading every"
            f" {format_seconds(training[0].period_s)}, the model to start from needs one every"
            f" {format_seconds(start.period_s)}; resample with `period_s`"
        )
    masks = {name: mask.clone() for name, mask in start.masks.items()}
    return Model(copy.deepcopy(start.network), start.scale, start.appliances, start.period_s, masks)
