"""Transfer learning: a trained network for another appliance, or for another house with few days of
labels.

Appliance transfer takes the convolutions of one appliance and trains the Linear layers anew for
another; cross-domain transfer takes the whole network to another data set, as it is or trained on
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
from seq2point.network import Architecture
from seq2point.recording import Recording, RecordingsLike, format_house
from seq2point.recording.on_off import is_on
from seq2point.recording.scaling import Scale
from seq2point.training.resolve import resolve_appliance
from seq2point.training.training import TrainingResult, run_training
from seq2point.wording import format_count, format_number


@accept_fields(TransferOptions, positional=("appliance",))
def transfer(model: Model, recordings: RecordingsLike, options: TransferOptions) -> TrainingResult:
    """Train a model on for other houses, or for another appliance, see `run_transfer`."""
    return run_transfer(model, recordings, options)


def run_transfer(
    model: Model, recordings: RecordingsLike, options: TransferOptions
) -> TrainingResult:
    """Train a model on for other houses, or for another appliance.

    `recordings` are one or several, or data frames of pandas or Polars at the model's sampling
    period. For another appliance the Linear layers begin anew, and the convolutions are frozen by
    default. Otherwise the whole network goes on from where it is, and nothing is frozen by default.
    Masks hold. `days` takes so many first days of readings of each recording, after `skip` such
    days; 0 leaves the model as it is.
    Raises UsageError for options that do not fit, DataError for recordings that do not fit the
    model.
    """
    target = find_target_appliance(model, options.appliance)
    another = target.name != model.appliances[0].name
    freeze: Freeze = options.freeze or ("convolutions" if another else "none")
    days, skip, rescale = options.days, options.skip, options.rescale
    if days == 0:
        if another:
            raise UsageError(
                f"a model of {_names(model)} says nothing of {target.label} without days to learn"
                " from"
            )
        if rescale == "refit":
            raise UsageError(
                "without days to learn from there is nothing to fit a scaling to: leave out"
                " `rescale`"
            )
        start = copy.deepcopy(model)
        record = describe_parent(model, freeze=freeze, days=days, rescale=rescale)
        start.provenance |= {"transfer": record}
        return TrainingResult(start, [], 0.0, 0.0, [], PruneState(masks=start.masks, final=True))
    houses = _cut_recordings(model, recordings, target, days, skip)
    if another:
        start = replace_appliance(model, target, houses, options.seed, freeze)
    else:
        start = copy.deepcopy(model)
    if rescale == "refit":
        start.scale = Scale.fit([target], houses)
    record = describe_parent(model, freeze=freeze, days=days, skip=skip, rescale=rescale)
    training = _train_options(options, start=start, freeze=freeze, provenance={"transfer": record})
    return run_training(houses, target, training)


@accept_fields(TransferOptions, positional=("appliance",))
def train_from_scratch(
    model: Model, recordings: RecordingsLike, options: TransferOptions
) -> TrainingResult:
    """Train a model's architecture from fresh weights on what a transfer would learn from.

    This is what a transfer must beat. Of the model it takes the shape and the scaling, no weights
    and no masks. Arguments and errors are those of `transfer`.
    """
    if options.freeze not in (None, "none"):
        raise UsageError("fresh layers must learn: leave out `freeze`")
    target = find_target_appliance(model, options.appliance)
    houses = _cut_recordings(model, recordings, target, options.days, options.skip)
    if options.rescale == "refit":
        scale = Scale.fit([target], houses)
    else:
        scale = _scale(model, target)
    training = _train_options(options, network=model.architecture, scaling=scale, freeze="none")
    return run_training(houses, target, training)


def _train_options(options: TransferOptions, **changes: Any) -> TrainOptions:
    """Return the options of the training that a transfer is; None stands for the default."""
    given = {
        name: value
        for name, value in options.as_options().items()
        if name in TrainOptions.model_fields
    }
    return TrainOptions.of(**given | changes)


def find_target_appliance(model: Model, appliance: str | Appliance | None = None) -> Appliance:
    """The appliance that a model is transferred to: its own where none is named.

    Raises UsageError for a model of several appliances, an unknown name, and one that is only
    defined.
    """
    if len(model.appliances) > 1:
        raise UsageError(
            f"a model of several appliances ({_names(model)}) is not trained on: transfer the ones"
            " it was joined from"
        )
    what = model.appliances[0] if appliance is None else resolve_appliance(appliance, model)
    if isinstance(what, Definition):
        raise UsageError(f"'{what.name}' has no scaling of its own yet: train a model of it first")
    return what


def describe_parent(model: Model, **asked: Any) -> dict[str, Any]:
    """What a transferred model records of the one that it came from, and of what was asked for, as
    JSON.
    """
    came_from = {
        "sha256": model.digest(),
        "appliances": [a.name for a in model.appliances],
        "period_s": model.period_s,
        "provenance": model.provenance,
    }
    return {"from": came_from, **asked}


def _cut_recordings(
    model: Model, recordings: RecordingsLike, appliance: Appliance, days: float | None, skip: float
) -> list[Recording]:
    """What of the recordings is learned from; a warning where it is less than asked for, and where
    the appliance is never on.
    """
    name = appliance.name
    houses = to_recordings(recordings, [name], model.period_s)
    if days is not None or skip:
        houses = [
            house.take_days(house.days if days is None else days, name, skip) for house in houses
        ]
    for house in houses:
        if days is not None and (found := house.count_days(name)) < 0.99 * days:
            warnings.warn(
                f"{format_house(house.house)}: only {format_count(found, 'day')} of readings there,"
                f" not {format_number(days)}",
                stacklevel=4,
            )
    power_w = [house.appliance_w(name) for house in houses]
    known = not all(np.isnan(w).all() for w in power_w)
    if known and not any(
        is_on(np.nan_to_num(w), appliance, houses[0].period_s).any() for w in power_w
    ):
        warnings.warn(
            f"{appliance.label} is never on in what is learned from: a model forgets it there",
            stacklevel=4,
        )
    return houses


def _scale(model: Model, appliance: Appliance) -> Scale:
    """A model's own scaling; for another appliance, that of the mains with the published one of the
    appliance.
    """
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
    """A model of another appliance with a model's convolutions and masks, and fresh Linear layers
    that answer the mean power.

    The mains' scaling stays, which the convolutions know; the appliance's is published.
    Raises DataError where no recording knows the appliance's power, UsageError for a `freeze` that
    keeps the fresh layers.
    """
    if freeze == "all-but-output":
        raise UsageError(
            f"hidden units that are fresh for {appliance.label} must learn: choose `freeze`"
            " convolutions or none"
        )
    recordings = to_recordings(recordings, [appliance.name], model.period_s)
    known_w = np.concatenate(
        [
            r.appliance_w(appliance.name)[~np.isnan(r.appliance_w(appliance.name))]
            for r in recordings
        ]
    )
    if not len(known_w):
        raise DataError(
            f"{', '.join(r.house for r in recordings)}: no reading of '{appliance.name}' to learn"
            " from"
        )
    torch.manual_seed(seed)
    fresh = model.architecture.build()
    fresh.load_state_dict(_convolutions(model), strict=False)
    fresh.set_output_bias_(
        (float(known_w.mean(dtype=np.float64)) - appliance.mean_w) / appliance.std_w
    )
    held = {name: mask.clone() for name, mask in model.masks.items()}
    return Model(fresh, _scale(model, appliance), (appliance,), model.period_s, held)


@torch.no_grad()
def join_models(models: Sequence[Model]) -> Model:
    """One model of several appliances from models that share their convolutions, which it computes
    once: the same answers.

    The Linear layers stand side by side; masks keep every unit and output to its own model's.
    Raises UsageError for models whose convolutions, window, period or mains scaling differ, and for
    an appliance given twice.
    """
    first = models[0]
    for other in models[1:]:
        _require_alike(first, other)
    names = [a.name for model in models for a in model.appliances]
    if twice := {name for name in names if names.count(name) > 1}:
        raise UsageError(f"{min(twice)} is there twice: join one model of each appliance")
    networks, linear = [m.network for m in models], first.architecture.linear_layers
    outputs = [[layer.outputs for layer in m.architecture.linear_layers] for m in models]
    with torch.device("meta"):
        network = _with_linear(
            first.architecture, [sum(of) for of in zip(*outputs, strict=True)]
        ).build()
    state = {name: t.clone() for name, t in _convolutions(first).items()}
    masks = {name: mask for name, mask in first.masks.items() if name in state}
    for layer in linear:
        weight, bias = layer.weight_name, layer.bias_name
        state[bias] = torch.cat([n.get_parameter(bias) for n in networks])
        if layer is linear[0]:
            state[weight] = torch.cat([n.get_parameter(weight) for n in networks])
            if any(weight in m.masks for m in models):
                masks[weight] = torch.cat([_mask(m, weight) for m in models])
        else:
            state[weight] = _make_block_diagonal([n.get_parameter(weight) for n in networks])
            masks[weight] = _make_block_diagonal([_mask(m, weight).float() for m in models]) > 0
        if any(bias in m.masks for m in models):
            masks[bias] = torch.cat([_mask(m, bias) for m in models])
    network.load_state_dict(state, assign=True)
    scale = first.scale.model_copy(
        update={
            moment: tuple(value for m in models for value in getattr(m.scale, moment))
            for moment in ("appliance_mean_w", "appliance_std_w")
        }
    )
    provenance = {
        "joined": [m.provenance for m in models],
        "training_mean_w": {
            k: v for m in models for k, v in m.provenance.get("training_mean_w", {}).items()
        },
    }
    appliances = tuple(a for m in models for a in m.appliances)
    return Model(network.eval(), scale, appliances, first.period_s, masks, provenance)


def _convolutions(model: Model) -> dict[str, torch.Tensor]:
    """The parameters of the layers that convolve."""
    state = model.network.state_dict()
    return {
        name: state[name]
        for layer in model.architecture.convolution_layers
        for name in layer.parameter_names
    }


def _with_linear(shape: Architecture, outputs: Sequence[int]) -> Architecture:
    """An architecture with so many outputs of each Linear layer."""
    layers = (
        layer._replace(outputs=count)
        for layer, count in zip(shape.linear_layers, outputs, strict=True)
    )
    return shape.resize([*shape.convolution_layers, *layers], shape.target_index)


def _make_block_diagonal(blocks: Sequence[torch.Tensor]) -> torch.Tensor:
    """The matrix with these blocks along its diagonal."""
    whole: torch.Tensor = torch.block_diag(*blocks)  # type: ignore[no-untyped-call]
    return whole


def _mask(model: Model, name: str) -> torch.Tensor:
    return model.masks.get(
        name, torch.ones_like(model.network.get_parameter(name), dtype=torch.bool)
    )


def _names(model: Model) -> str:
    return ", ".join(a.label for a in model.appliances)


def _require_alike(one: Model, other: Model) -> None:
    both = f"the models of {_names(one)} and of {_names(other)}"
    a, b = (
        _with_linear(m.architecture, [1] * len(m.architecture.linear_layers)) for m in (one, other)
    )
    if a != b or a.rank:
        raise UsageError(
            f"{both} do not share their convolutions (compaction or a low rank made them differ):"
            " join, then compact"
        )
    convolutions = [_convolutions(m) for m in (one, other)]
    if any(not torch.equal(t, convolutions[1][name]) for name, t in convolutions[0].items()):
        raise UsageError(
            f"{both} do not share their convolutions: train them with `seq2point transfer --freeze"
            " convolutions`"
        )
    mains = [(m.period_s, m.scale.mains_mean_w, m.scale.mains_std_w) for m in (one, other)]
    if mains[0] != mains[1]:
        raise UsageError(f"{both} were trained at different periods or scalings of the mains")
