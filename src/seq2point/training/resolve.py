"""From options and recordings to a training with all its parts in place, before anything is run."""

import copy
import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch

from seq2point import network as networks
from seq2point.appliances import Appliance, Definition, canonical_name, find_appliance
from seq2point.choices import Scaling
from seq2point.compression import pruning as pruners
from seq2point.compression.pruning import Pruner
from seq2point.configuration import PruningConfig, TrainingConfig, TrainOptions
from seq2point.data.frame import to_recordings
from seq2point.datasets.traces import Trace
from seq2point.errors import DataError, UsageError
from seq2point.model.model_file import Model
from seq2point.network import Architecture, Seq2Point, sliding
from seq2point.recording import Recording, RecordingsLike, format_house, is_same_period
from seq2point.recording.coverage import DAY_S, LEAST_SHARE
from seq2point.recording.scaling import Scale, define_from_recordings
from seq2point.recording.windows import choose_window, find_window_runs
from seq2point.training.augmentation import NO_AUGMENTATION, Augmentation
from seq2point.training.batches import Batches, ChunkBatches, Houses, WindowBatches
from seq2point.training.frozen_layers import FrozenChunks, can_cache, freeze_
from seq2point.training.loss import Loss
from seq2point.training.material import Material, as_traces, describe_traces
from seq2point.training.mixed_batches import MixedBatches, MixedWindowBatches
from seq2point.training.teachers import NO_TEACHERS, Teachers
from seq2point.training.widening import narrow_architecture
from seq2point.wording import format_count, format_seconds

WINDOWS_PER_STEP = 1000
CHUNKS_PER_STEP = 16


@dataclass
class TrainingJob:
    """One training with all its parts in place.

    `parent_digest` is that of the model that the training starts from, None for fresh weights.
    `window_by_period` says that nobody named the window: it is the sampling period's default.
    """

    model: Model
    training: Sequence[Recording]
    held_out: Sequence[Recording]
    validation_windows: int
    batches: Batches
    pruner: Pruner | None
    config: TrainingConfig
    parent_digest: str | None
    devices: int
    nodes: int
    window_by_period: bool
    traces: Sequence[Trace] = ()
    teachers: Sequence[Model] = ()

    @property
    def appliance(self) -> str:
        """The name of the appliance."""
        return self.model.appliances[0].name

    @property
    def processes(self) -> int:
        """How many processes share every step, on all machines."""
        return self.devices * self.nodes

    @cached_property
    def coverage(self) -> dict[str, float]:
        """Days of windows: if there were no gap, those that are whole, and those learned from."""
        window, day = self.model.window, DAY_S / self.model.period_s
        possible = sum(len(r) - window + 1 for r in self.training)
        whole = sum(find_window_runs(r, window).total for r in self.training)
        counts = {"days": possible, "whole_days": whole, "learned_days": self.batches.data.windows}
        return {name: round(count / day, 4) for name, count in counts.items()}

    def warn_of_gaps(self) -> None:
        """Warn where gaps of the mains leave much less to learn from than the recordings hold."""
        days, whole_days, _ = self.coverage.values()
        if whole_days < LEAST_SHARE * days:
            warnings.warn(
                f"only {whole_days:.1f} of {days:.1f} days have a full window of readings to learn"
                " from; see `seq2point data check`, or fill longer gaps",
                stacklevel=3,
            )

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What decides the weights, as JSON: equal trainings give equal weights."""
        pruner = self.pruner
        return {
            "appliance": self.model.appliances[0].model_dump(mode="json"),
            "architecture": self.model.architecture.model_dump(mode="json"),
            "from": self.parent_digest,
            "scale": self.model.scale.model_dump(mode="json"),
            "pruning": pruner and {"method": pruner.name, **pruner.model_dump(mode="json")},
            "settings": self.config.model_dump(mode="json"),
            "devices": self.processes,
            "training_data": [r.fingerprint(self.appliance) for r in self.training],
            "validation_data": [r.fingerprint(self.appliance) for r in self.held_out],
            **({"traces": describe_traces(self.traces)} if self.traces else {}),
            **({"teachers": [model.digest() for model in self.teachers]} if self.teachers else {}),
        }

    def move(self, device: torch.device) -> None:
        """Move network and data to a device."""
        self.model.network.to(device)
        self.batches.data.move(device)

    def validate(self, network: Seq2Point) -> dict[str, float]:
        """Return the loss ('val_loss') and the MAE in watts ('val_mae_w'); NaN if it diverged.

        They are of the held-out blocks, or of the training data if nothing is held out.
        """
        loss, std_w = (
            choose_loss(self.config, self.model.appliances[0]),
            self.model.scale.appliance_std_w[0],
        )
        losses = absolutes = count = 0.0
        for recording in self.held_out or self.training:
            truth_w = recording.appliance_w(self.appliance)
            predicted_w = self.model.predict_w(recording, clip=loss.clipped)[:, 0]
            error_w = (predicted_w - truth_w).astype(np.float64)
            error_w = error_w[~np.isnan(error_w)]
            losses += loss.sum_errors(error_w, std_w)
            absolutes += float(np.abs(error_w).sum())
            count += len(error_w)
        if count < self.validation_windows:  # the network predicts what is no number
            return {"val_loss": math.nan, "val_mae_w": math.nan}
        return {"val_loss": losses / count, "val_mae_w": absolutes / count}


def resolve_job(
    recordings: RecordingsLike,
    appliance: str | Appliance | Definition,
    options: TrainOptions,
    device: torch.device,
) -> TrainingJob:
    """Return the training that options and recordings ask for.

    Raises DataError for recordings that cannot be learned from, UsageError for options that do not
    fit each other.
    """
    start = options.start
    target = resolve_appliance(appliance, start)
    read = partial(
        to_recordings, appliances=[target.name], period_s=start.period_s if start else None
    )
    houses = read(recordings)
    validation = [] if options.validation is None else read(options.validation)
    if not houses:
        raise UsageError("no recording to train on")
    window = options.window
    named_shape = isinstance(options.network, Architecture)
    window_by_period = window is None and start is None and not named_shape
    if window_by_period:
        window = choose_window(houses[0].period_s)
    architecture = choose_architecture(options.network, window, start, options.target_point)
    if options.narrow is not None:
        architecture = narrow_architecture(architecture, options.narrow)
    pruner = choose_pruner(options.part(PruningConfig))
    training, held_out = hold_out(houses, validation, options.hold_out, architecture.window)
    known = define_from_recordings(target, training) if isinstance(target, Definition) else target
    if start is None:
        model = make_untrained(known, architecture, options.scaling, training)
    else:
        model = copy_parent(start, known, options.scaling, training)
    config = options.part(TrainingConfig)
    if pruner and config.freeze != "none":
        raise UsageError(
            "a pruner would zero weights that `freeze` keeps as they are: prune first, or freeze"
            " nothing"
        )
    processes = options.devices * options.nodes
    # several processes each move the parts to their device
    place = device if processes == 1 else torch.device("cpu")
    data = Houses(training, [known.name], architecture, model.scale, place)
    validation_windows = count_windows(held_out or training, known.name, architecture)
    if start is None:
        torch.manual_seed(config.seed)
        model.network = architecture.build()
        mean_w = average_w(training, known.name)
        bias = (mean_w - model.scale.appliance_mean_w[0]) / model.scale.appliance_std_w[0]
        model.network.set_output_bias_(bias)
    model.network.to(place)
    freeze_(model.network, config.freeze)
    traces = as_traces(options.traces)
    teachers = Teachers.choose(
        options.teachers, config.distil, known, architecture, model.scale, training[0].period_s
    )
    batches = make_batches(data, config, known, traces, teachers)
    rows = len(batches.draw(0))
    if processes > rows:
        raise UsageError(
            f"{processes}: a step of {rows} {batches.rows} is shared by 1 to {rows} processes",
            field="devices",
        )
    return TrainingJob(
        model,
        training,
        held_out,
        validation_windows,
        batches,
        pruner,
        config,
        None if start is None else model.digest(),
        options.devices,
        options.nodes,
        window_by_period,
        traces,
        options.teachers,
    )


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
            " one and `transfer` it to the others, then `join_models` (both in"
            " seq2point.training.transfer)"
        )
    return UsageError(
        f"an appliance of type {type(value).__name__}: give a name, as 'kettle', or"
        " `appliances.define` one"
    )


def choose_loss(config: TrainingConfig, appliance: Appliance) -> Loss:
    """Return the error that a training minimises."""
    return Loss(
        config.absolute_weight, config.clips_predictions, config.on_off, appliance.max_power_w
    )


def make_batches(
    data: Houses,
    config: TrainingConfig,
    appliance: Appliance,
    traces: Sequence[Trace] = (),
    teachers: Teachers = NO_TEACHERS,
) -> Batches:
    """Return the batches of a training: single windows, chunks, or chunks of frozen features."""
    loss = choose_loss(config, appliance)
    material = Material.choose(config, traces, appliance, data.period_s)
    if config.engine == "windows":
        size = config.batch_size or WINDOWS_PER_STEP
        if not material and not teachers.networks:
            return WindowBatches(data, size, config.seed, loss)
        changes = Augmentation(transplant=1.0) if material else NO_AUGMENTATION
        return MixedWindowBatches(
            material, data, 1, size, config.seed, 0.0, changes, loss, teachers
        )
    chunk = config.chunk or sliding.choose_chunk_windows(data.architecture)
    chunks = max(round(config.batch_size / chunk), 1) if config.batch_size else CHUNKS_PER_STEP
    augmentation = Augmentation(*config.augmentation_amounts)
    if (
        not augmentation
        and not material
        and not teachers.networks
        and can_cache(data, config.freeze)
    ):
        return FrozenChunks(
            config.freeze, data, chunk, chunks, config.seed, config.active, augmentation, loss
        )
    if material:
        return MixedBatches(
            material, data, chunk, chunks, config.seed, config.active, augmentation, loss, teachers
        )
    return ChunkBatches(
        data, chunk, chunks, config.seed, config.active, augmentation, loss, teachers
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


def choose_pruner(config: PruningConfig) -> Pruner | None:
    """Return the pruner of a method and its settings, None for no pruning.

    Raises UsageError for an unknown method or setting, and for settings without a method.
    """
    if isinstance(config.pruning, Pruner):
        return config.pruning
    settings: dict[str, Any] = {**(config.pruning_settings or {})}
    if config.sparsity is not None:
        settings["sparsity"] = config.sparsity
    pruner = pruners.find_pruner(config.pruning or "none", **settings)
    if pruner is None and settings:
        option = (
            "`sparsity`" if config.sparsity is not None else f"setting '{next(iter(settings))}'"
        )
        raise UsageError(
            f"{option} without pruning: choose `pruning` {' or '.join(pruners.PRUNERS)}"
        )
    return pruner


def hold_out(
    recordings: list[Recording], validation: list[Recording], share: float, window: int
) -> tuple[list[Recording], list[Recording]]:
    """Return the recordings to learn from and those to validate on.

    Without recordings to validate on, a share of each is held out as one block.
    Raises DataError for recordings of several periods, and for one shorter than a window.
    """
    first = recordings[0]
    for other in (*recordings, *validation):
        if other.period_s != first.period_s:
            raise DataError(
                f"{format_house(first.house)} has a reading every"
                f" {format_seconds(first.period_s)}, {format_house(other.house)} every"
                f" {format_seconds(other.period_s)}; resample to one period with `period_s`"
            )
        if len(other) < window:
            raise DataError(
                f"{format_house(other.house)}: {format_count(len(other), 'sample')} cannot fill a"
                f" window of {window}"
            )
    if validation or share == 0:
        return recordings, validation
    split = [recording.hold_out(share, window) for recording in recordings]
    return [kept for kept, _ in split], [held for _, held in split]


def count_windows(
    recordings: Sequence[Recording], appliance: str, architecture: Architecture
) -> int:
    """Return the number of windows to validate on; raises DataError where there is none."""
    window, target = architecture.window, architecture.target_index
    total = sum(find_window_runs(r, window, target, [appliance]).total for r in recordings)
    if not total:
        houses = ", ".join(format_house(r.house) for r in recordings)
        raise DataError(
            f"no validation window: what is held out of {houses} has no stretch of {window}"
            f" samples without a gap where {appliance} is known; give a longer recording, or"
            " another to validate on with `validation`"
        )
    return total


def average_w(recordings: Sequence[Recording], appliance: str) -> float:
    """Return the appliance's mean power.

    The output's bias starts from it, and the mean predictor always predicts it.
    """
    series = [r.appliance_w(appliance) for r in recordings]
    known = sum(len(w) - int(np.count_nonzero(np.isnan(w))) for w in series)
    return sum(float(np.nansum(w, dtype=np.float64)) for w in series) / known
