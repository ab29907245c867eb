"""From options and recordings to a training with all its parts in place, before anything is run."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

from seq2point.appliances import Appliance, Definition
from seq2point.compression import pruning as pruners
from seq2point.compression.pruning import Pruner
from seq2point.configuration import PruningConfig, TrainingConfig, TrainOptions
from seq2point.data.frame import to_recordings
from seq2point.datasets.traces import Trace
from seq2point.errors import DataError, UsageError
from seq2point.network import Architecture, sliding
from seq2point.recording import Recording, RecordingsLike, format_house
from seq2point.recording.scaling import define_from_recordings
from seq2point.recording.windows import choose_window, find_window_runs
from seq2point.training.augmentation import NO_AUGMENTATION, Augmentation
from seq2point.training.batches import Batches
from seq2point.training.chunk_batches import ChunkBatches
from seq2point.training.frozen_layers import FrozenChunks, can_cache, freeze_
from seq2point.training.houses import Houses
from seq2point.training.job import TrainingJob
from seq2point.training.loss import choose_loss
from seq2point.training.material import Material, as_traces
from seq2point.training.mixed_batches import MixedBatches, MixedWindowBatches
from seq2point.training.starting_model import (
    choose_architecture,
    copy_parent,
    make_untrained,
    resolve_appliance,
)
from seq2point.training.teachers import NO_TEACHERS, Teachers
from seq2point.training.widening import narrow_architecture
from seq2point.training.window_batches import WindowBatches
from seq2point.wording import format_count, format_seconds

WINDOWS_PER_STEP = 1000
CHUNKS_PER_STEP = 16


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
