"""Transfer learning: a trained network for another appliance, or for another house.

Appliance transfer keeps the convolutions of one appliance and trains the Linear layers anew for
another. Cross-domain transfer takes the whole network to another data set, as it is or trained on
(D'Incecco, Squartini, Zhong 2020, IEEE Transactions on Smart Grid 11(2), arXiv 1902.08835).
"""

import copy
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from seq2point.appliances import Appliance, Definition
from seq2point.choices import Freeze
from seq2point.compression.pruning import PruneState
from seq2point.configuration import TrainOptions, TransferOptions, accept_fields
from seq2point.data.frame import to_recordings
from seq2point.errors import DataError, UsageError
from seq2point.model.model_file import Model
from seq2point.recording import Recording, RecordingsLike, format_house
from seq2point.recording.on_off import is_on
from seq2point.recording.scaling import Scale
from seq2point.training.joined_models import get_convolutions, join_labels
from seq2point.training.starting_model import resolve_appliance
from seq2point.training.training import TrainingResult, run_training
from seq2point.wording import format_count, format_number

ENOUGH = 0.99  # of the days that `days` names: a few readings are missing everywhere


@accept_fields(TransferOptions, positional=("appliance",))
def transfer(model: Model, recordings: RecordingsLike, options: TransferOptions) -> TrainingResult:
    """Train a model on for other houses, or for another appliance.

    Arguments and errors are those of `run_transfer`, with each field of the options by name.
    """
    return run_transfer(model, recordings, options)


def run_transfer(
    model: Model, recordings: RecordingsLike, options: TransferOptions
) -> TrainingResult:
    """Train a model on for other houses, or for another appliance.

    `recordings` are one or several, or data frames of pandas or Polars at the model's sampling
    period. For another appliance the Linear layers begin anew, and the convolutions are frozen by
    default. Otherwise the whole network trains on, and nothing is frozen by default. Masks hold.
    `days` takes the first days of readings of each recording, after `skip` days. With 0 days the
    model stays as it is.
    Raises UsageError for options that do not fit, DataError for recordings that do not fit the
    model.
    """
    target = find_target_appliance(model, options.appliance)
    is_other = target.name != model.appliances[0].name
    freeze: Freeze = options.freeze or ("convolutions" if is_other else "none")
    if options.days == 0:
        return _copy_untrained(model, target, freeze, options)
    houses = _cut_recordings(model, recordings, target, options.days, options.skip)
    if is_other:
        start = replace_appliance(model, target, houses, options.seed, freeze)
    else:
        start = copy.deepcopy(model)
    if options.rescale == "refit":
        start.scale = Scale.fit([target], houses)
    record = describe_parent(
        model, freeze=freeze, days=options.days, skip=options.skip, rescale=options.rescale
    )
    training = _train_options(options, start=start, freeze=freeze, provenance={"transfer": record})
    return run_training(houses, target, training)


def _copy_untrained(
    model: Model, target: Appliance, freeze: Freeze, options: TransferOptions
) -> TrainingResult:
    """Return the model as it is, for a transfer without days to learn from."""
    if target.name != model.appliances[0].name:
        raise UsageError(
            f"`days` 0: a model of {join_labels(model)} cannot predict {target.label} without"
            " days to learn from; give some"
        )
    if options.rescale == "refit":
        raise UsageError("`days` 0: no readings to fit the scaling to; leave out `rescale`")
    copied = copy.deepcopy(model)
    record = describe_parent(model, freeze=freeze, days=options.days, rescale=options.rescale)
    copied.provenance |= {"transfer": record}
    return TrainingResult(copied, [], 0.0, 0.0, [], PruneState(masks=copied.masks, final=True))


@accept_fields(TransferOptions, positional=("appliance",))
def train_from_scratch(
    model: Model, recordings: RecordingsLike, options: TransferOptions
) -> TrainingResult:
    """Train a model's architecture from fresh weights on the recordings of a transfer.

    This is what a transfer must beat. It takes the model's shape and scaling, no weights and no
    masks. Arguments and errors are those of `transfer`.
    """
    if options.freeze not in (None, "none"):
        raise UsageError("`freeze` keeps fresh layers from learning: leave it out")
    target = find_target_appliance(model, options.appliance)
    houses = _cut_recordings(model, recordings, target, options.days, options.skip)
    if options.rescale == "refit":
        scale = Scale.fit([target], houses)
    else:
        scale = _choose_scale(model, target)
    training = _train_options(options, network=model.architecture, scaling=scale, freeze="none")
    return run_training(houses, target, training)


def _train_options(options: TransferOptions, **changes: Any) -> TrainOptions:
    """Return the options of a transfer's training; None stands for the default."""
    values = options.as_options()
    shared = {name: values[name] for name in values if name in TrainOptions.model_fields}
    return TrainOptions.of(**shared | changes)


def find_target_appliance(model: Model, appliance: str | Appliance | None = None) -> Appliance:
    """Return the appliance that a model is transferred to, by default its own.

    Raises UsageError for a model of several appliances, an unknown name, and an appliance that has
    a definition but no scaling.
    """
    if len(model.appliances) > 1:
        raise UsageError(
            f"a model of several appliances ({join_labels(model)}) cannot be transferred: transfer"
            " the models that it was joined from"
        )
    target = model.appliances[0] if appliance is None else resolve_appliance(appliance, model)
    if isinstance(target, Definition):
        raise UsageError(
            f"'{target.name}' has no scaling of its own yet: train a model of it first"
        )
    return target


def describe_parent(model: Model, **options: Any) -> dict[str, Any]:
    """Return the provenance of a transferred model: its parent and the options, as JSON."""
    parent = {
        "sha256": model.digest(),
        "appliances": [a.name for a in model.appliances],
        "period_s": model.period_s,
        "provenance": model.provenance,
    }
    return {"from": parent, **options}


def take_days(
    houses: Sequence[Recording], appliance: str, days: float | None, skip: float
) -> list[Recording]:
    """Return the first days of readings of each house after `skip`; `days` None is all of them."""
    if days is None and not skip:
        return [*houses]
    return [
        house.take_days(house.days if days is None else days, appliance, skip) for house in houses
    ]


def _cut_recordings(
    model: Model, recordings: RecordingsLike, appliance: Appliance, days: float | None, skip: float
) -> list[Recording]:
    """Return the days of the recordings to learn from.

    Warns where they are fewer than `days`, and where the appliance is never on.
    """
    name = appliance.name
    houses = take_days(to_recordings(recordings, [name], model.period_s), name, days, skip)
    for house in houses:
        known_days = house.count_days(name)
        if days is not None and known_days < ENOUGH * days:
            warnings.warn(
                f"{format_house(house.house)}: has only {format_count(known_days, 'day')} of"
                f" readings, not {format_number(days)}",
                stacklevel=4,
            )
    series_w = [house.appliance_w(name) for house in houses]
    is_known = not all(np.isnan(power_w).all() for power_w in series_w)
    if is_known and not any(
        is_on(np.nan_to_num(power_w), appliance, houses[0].period_s).any() for power_w in series_w
    ):
        warnings.warn(
            f"{appliance.label} is never on in the recordings to learn from: the model forgets it",
            stacklevel=4,
        )
    return houses


def _choose_scale(model: Model, appliance: Appliance) -> Scale:
    """Return a model's scaling, for another appliance with that one's published constants."""
    if appliance.name == model.appliances[0].name:
        return model.scale
    return model.scale.model_copy(
        update={"appliance_mean_w": (appliance.mean_w,), "appliance_std_w": (appliance.std_w,)}
    )


def replace_appliance(
    model: Model,
    appliance: Appliance,
    recordings: RecordingsLike,
    seed: int = 0,
    freeze: Freeze = "convolutions",
) -> Model:
    """Return a model of another appliance with a model's convolutions and masks.

    Its Linear layers are fresh and predict the mean power. The mains keep the scaling that the
    convolutions know, and the appliance has its published constants.
    Raises DataError where no recording holds the appliance's power, UsageError for a `freeze` that
    keeps the fresh layers from learning.
    """
    if freeze == "all-but-output":
        raise UsageError(
            f"`freeze` all-but-output keeps hidden units that are fresh for {appliance.label}:"
            " choose convolutions or none"
        )
    recordings = to_recordings(recordings, [appliance.name], model.period_s)
    power_w = np.concatenate([r.appliance_w(appliance.name) for r in recordings])
    known_w = power_w[~np.isnan(power_w)]
    if not len(known_w):
        raise DataError(
            f"{', '.join(r.house for r in recordings)}: no reading of '{appliance.name}' to learn"
            " from"
        )
    torch.manual_seed(seed)
    network = model.architecture.build()
    network.load_state_dict(get_convolutions(model), strict=False)
    mean_w = float(known_w.mean(dtype=np.float64))
    network.set_output_bias_((mean_w - appliance.mean_w) / appliance.std_w)
    masks = {name: mask.clone() for name, mask in model.masks.items()}
    scale = _choose_scale(model, appliance)
    return Model(network, scale, (appliance,), model.period_s, masks)
