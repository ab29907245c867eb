"""train: recordings in, a trained (and pruned) model out."""

import copy
import logging
import math
import platform
import signal
import sys
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Unpack

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.strategies import DDPStrategy
from pydantic import Field, PositiveInt
from torch import Tensor

from seq2point import network as networks
from seq2point.appliances import Appliance, Definition, canonical_name, find_appliance
from seq2point.choices import Device, Scaling
from seq2point.compression import pruning as pruners
from seq2point.compression.pruning import Pruner, PruneState, StepInfo
from seq2point.data.frame import to_recordings
from seq2point.errors import DataError, Interrupted, UsageError
from seq2point.model.model_file import Model
from seq2point.network import Architecture, Seq2Point, masks, sliding
from seq2point.recording import Recording, RecordingsLike, format_house, is_same_period
from seq2point.recording.coverage import DAY_S, LEAST
from seq2point.recording.windows import (
    Scale,
    choose_window,
    define_from_recordings,
    find_window_runs,
)
from seq2point.system.atomic_files import explain_write_errors
from seq2point.system.device import choose_device, keep_freed_memory, set_threads
from seq2point.training import processes
from seq2point.training.batches import Batches, ChunkBatches, Houses, WindowBatches, take_share
from seq2point.training.config import Pace, Plan, SettingsOptions, TrainingConfig, plan_steps
from seq2point.training.frozen_layers import FrozenChunks, can_cache, freeze_
from seq2point.training.lightning_loop import (
    CHECKPOINT_EVERY_S,
    AtomicCheckpoints,
    BestWeights,
    Checkpoints,
    Loop,
    Pruning,
    parameter_groups,
)
from seq2point.training.options import share_parameters, spell_out
from seq2point.training.progress_line import ShownProgress
from seq2point.training.run_folder import RunFolder
from seq2point.training.signals import StopBetweenSteps, StopRequest
from seq2point.wording import format_count, format_seconds

HELD_OUT = 0.2
WINDOWS_PER_STEP = 1000
CHUNKS_PER_STEP = 16
A_LONG_TRAINING = 10**6


class TrainingResult(NamedTuple):
    """A trained model and how the training went: a row for every validation, the seconds and the
    windows a second.

    `pruned` is the pruner's state at the end, with whatever it remembers of its course.
    """

    model: Model
    history: list[dict[str, float]]
    seconds: float
    windows_per_s: float
    held_out: list[Recording]
    pruned: PruneState


def resolve_appliance(
    appliance: str | Appliance | Definition, start: Model | None = None
) -> Appliance | Definition:
    """The appliance to train for: by name that of the table, or that of the model to start from.

    Raises UsageError for a name that neither has, and for several appliances.
    """
    if isinstance(appliance, Appliance | Definition):
        return appliance
    if not isinstance(appliance, str):
        raise _no_appliance(appliance)
    if start is not None and canonical_name(appliance) == start.appliances[0].name:
        return start.appliances[0]
    return find_appliance(appliance)


def _no_appliance(given: Any) -> UsageError:
    if isinstance(given, Iterable):
        return UsageError(
            "a training is for one appliance, not for a list of them: call it for each, or train"
            " one and `transfer` it to the others, then `join` them into one model (both in"
            " seq2point.training.transfer)"
        )
    return UsageError(
        f"an appliance of type {type(given).__name__}: give a name, as 'kettle', or"
        " `appliances.define` one"
    )


@spell_out(TrainingConfig)
def train_with_history(
    recordings: RecordingsLike,
    appliance: str | Appliance | Definition,
    *,
    validation: RecordingsLike | None = None,
    hold_out: Annotated[float, Field(ge=0, lt=1)] = HELD_OUT,
    network: str | Architecture | None = None,
    window: int | None = None,
    start: Model | None = None,
    pruning: str | Pruner | None = None,
    sparsity: float | None = None,
    pruning_settings: Mapping[str, Any] | None = None,
    scaling: Scaling | Scale = "lineage",
    provenance: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    device: Device = "auto",
    devices: int = 1,
    threads: PositiveInt | None = None,
    progress: bool = True,
    callbacks: Sequence[pl.Callback] = (),
    checkpoint_every_s: float = CHECKPOINT_EVERY_S,
    **settings: Unpack[SettingsOptions],
) -> TrainingResult:
    """As `train`, and how the training went: the model, a row for every validation, and the speed.

    The arguments and errors are those of `train`.
    """
    set_threads(threads)
    said, asked = resolve_appliance(appliance, start), TrainingConfig.of(**settings)
    of_it = partial(
        to_recordings, appliances=[said.name], period_s=start.period_s if start else None
    )
    given, validated_on = of_it(recordings), [] if validation is None else of_it(validation)
    if not given:
        raise UsageError("no recording to train on")
    by_period = window is None and start is None and not isinstance(network, Architecture)
    if by_period:
        window = choose_window(given[0].period_s)
    architecture = _choose_architecture(network, window, start)
    pruner = (
        pruning
        if isinstance(pruning, Pruner)
        else _choose_pruner(pruning, sparsity, pruning_settings or {})
    )
    training, held_out = _hold_out(given, validated_on, hold_out, architecture.window)
    what = define_from_recordings(said, training) if isinstance(said, Definition) else said
    model = (
        _make_untrained(what, architecture, scaling, training)
        if start is None
        else _copy_parent(start, what, scaling, training)
    )
    if pruner and asked.freeze != "none":
        raise UsageError(
            "a pruner would zero weights that --freeze keeps as they are: prune first, or freeze"
            " nothing"
        )
    on = choose_device(device)
    task = _TrainingJob.of(model, training, held_out, pruner, asked, on, start is not None, devices)
    task.warn_of_gaps()
    folder = RunFolder(out) if out is not None else None
    # not before the data are in place: what reading them freed goes back to the system
    keep_freed_memory()
    with folder.locked() if folder else nullcontext():
        planned = folder.plan_to_resume(task.asked()) if folder and resume else None
        resuming = folder.checkpoint if folder and planned and folder.checkpoint.exists() else None
        if folder and planned is None:
            folder.clear(overwrite)
        elif folder and folder.is_finished() and progress:
            print(f"{folder.path}: this run is finished; nothing is left to train", file=sys.stderr)
        if by_period and progress:
            print(_window_line(architecture.window, given[0].period_s), file=sys.stderr)
        work = _TrainingProcess(
            task, planned, folder, resuming, [*callbacks], progress, checkpoint_every_s
        )
        try:
            done = (
                work()
                if devices == 1
                else processes.run_processes(work, devices, on.type == "cuda", threads)
            )
        except KeyboardInterrupt as stopped:
            kept = (
                f"{folder.path} keeps a checkpoint" if folder and folder.checkpoint.exists() else ""
            )
            raise Interrupted(getattr(stopped, "number", signal.SIGINT), kept) from None
        model = task.finished_model(done)
        model.provenance |= provenance or {}
        if folder:
            folder.write(task.asked(), done.planned, finished=True)
    windows_per_s = (
        done.steps * task.batches.windows_per_step / done.trained_s if done.trained_s else 0.0
    )
    return TrainingResult(model, done.history, done.trained_s, windows_per_s, held_out, done.pruned)


@share_parameters(train_with_history)
def train(*recordings_and_appliance: Any, **options: Any) -> Model:
    """Train and prune a network for one appliance (Zhang et al. 2018: Adam, squared error, early
    stopping).

    `recordings` and `validation` are one recording (`load_recording`, `recording_from_frame`) or
    several, or data frames of pandas or Polars with a row for each reading in watts.
    `appliance` is a name of the table, as 'kettle', or one of your own (`appliances.define`), whose
    scaling is fitted on the training part. A training is for one appliance; module `transfer` joins
    several models into one.
    Where no `validation` is given, the last `hold_out` of each recording is held out as one block,
    a window's gap before it; with 0 all is learned from, and the last weights are taken: there is
    nothing to choose by.
    `network` is a name or an `Architecture`, by default the paper's; `window` its length in
    samples, by default that of the sampling period (`windows.DEFAULT_WINDOWS`); `scaling` is a name
    or the constants themselves. With `start` the training begins from that model's weights, with
    its architecture, scale and masks, which hold throughout.
    `pruning` is a name of `PRUNERS` or a pruner, `sparsity` the share of weights that it drops,
    `pruning_settings` its other settings by name.
    How long: `epochs` (ten), `steps`, or `budget_s` in seconds. `learning_rate`, `batch_size`
    (windows in a step), `patience` (validations without a better loss), `seed` and all from
    `epochs` on are described in `help(seq2point.training.TrainingConfig)`.
    With `out`, checkpoints and logs are written there, and `resume` goes on from the last
    checkpoint exactly as if the training had never stopped; `overwrite` begins anew where a run
    lies. `provenance` is more to record in the model, `callbacks` are Lightning's. `threads` are
    the processor's; with `devices` above 1 so many processes on this machine share every step (GPUs
    with CUDA, else CPU cores); they are spawned, so a script that does this guards its top level.
    SIGINT, SIGTERM and SIGHUP end a training between two steps, once a checkpoint is saved, as
    `Interrupted`, a KeyboardInterrupt that knows the signal.
    Raises DataError for recordings that cannot be learned from; UsageError for a setting that does
    not exist, with the nearest that does, or does not fit; TrainingError when the loss is no longer
    a number.
    """
    return train_with_history(*recordings_and_appliance, **options).model


class _TrainingOutcome(NamedTuple):
    """What is left of a training when its processes are gone."""

    weights: Mapping[str, Tensor]
    masks: Mapping[str, Tensor]
    best_step: int
    best_loss: float
    history: list[dict[str, float]]
    trained_s: float
    pruned: PruneState
    steps: int
    planned: Plan


@dataclass
class _TrainingJob:
    """One training, with all its parts in place."""

    model: Model
    training: Sequence[Recording]
    held_out: Sequence[Recording]
    validation_windows: int
    batches: Batches
    pruner: Pruner | None
    settings: TrainingConfig

    begun_from: str | None
    devices: int

    @classmethod
    def of(
        cls,
        model: Model,
        training: Sequence[Recording],
        held_out: Sequence[Recording],
        pruner: Pruner | None,
        settings: TrainingConfig,
        device: torch.device,
        begun: bool,
        devices: int,
    ) -> "_TrainingJob":
        """The parts for a model; fresh weights unless it has `begun`. Several processes each move
        them to their device.
        """
        device = device if devices == 1 else torch.device("cpu")
        appliance, shape = model.appliances[0].name, model.architecture
        houses = Houses(training, [appliance], shape, model.scale, device)
        validation_windows = _count_windows(held_out or training, appliance, shape)
        if not begun:
            torch.manual_seed(settings.seed)
            model.network = shape.build()
            mean_w = _average_w(training, appliance)
            bias = (mean_w - model.scale.appliance_mean_w[0]) / model.scale.appliance_std_w[0]
            model.network.set_output_bias_(bias)
        begun_from = model.digest() if begun else None
        model.network.to(device)
        freeze_(model.network, settings.freeze)
        batches = _make_batches(houses, settings)
        rows = len(batches.draw(0))
        if not 1 <= devices <= rows:
            raise UsageError(
                f"--devices {devices}: a step of {rows} {batches.rows} is shared by 1 to {rows}"
                " processes"
            )
        return cls(
            model,
            training,
            held_out,
            validation_windows,
            batches,
            pruner,
            settings,
            begun_from,
            devices,
        )

    @property
    def appliance(self) -> str:
        return self.model.appliances[0].name

    @property
    def coverage(self) -> dict[str, float]:
        """Days of windows that there would be without a gap, that there are, and that are learned
        from.
        """
        window, day = self.model.window, DAY_S / self.model.period_s
        possible = sum(len(r) - window + 1 for r in self.training)
        whole = sum(find_window_runs(r, window).total for r in self.training)
        counts = {"days": possible, "whole_days": whole, "learned_days": self.batches.data.windows}
        return {name: round(count / day, 4) for name, count in counts.items()}

    def warn_of_gaps(self) -> None:
        """Say where gaps of the mains leave much less to learn from than the recordings hold."""
        days, whole_days, _ = self.coverage.values()
        if whole_days < LEAST * days:
            warnings.warn(
                f"only {whole_days:.1f} of {days:.1f} days have a full window of readings to learn"
                " from; see `seq2point data check`, or fill longer gaps",
                stacklevel=3,
            )

    def asked(self) -> dict[str, Any]:
        """What this training is, as JSON: two trainings with the same answer give the same weights."""
        return {
            "appliance": self.model.appliances[0].model_dump(mode="json"),
            "architecture": self.model.architecture.model_dump(mode="json"),
            "from": self.begun_from,
            "scale": self.model.scale.model_dump(mode="json"),
            "pruning": (
                {"method": self.pruner.name, **self.pruner.model_dump(mode="json")}
                if self.pruner
                else None
            ),
            "settings": self.settings.model_dump(mode="json"),
            "devices": self.devices,
            "training_data": [r.fingerprint(self.appliance) for r in self.training],
            "validation_data": [r.fingerprint(self.appliance) for r in self.held_out],
        }

    def move(self, device: torch.device) -> None:
        """Bring network and data to a device."""
        self.model.network.to(device)
        self.batches.data.move(device)

    def validate(self, network: Seq2Point) -> dict[str, float]:
        """The training's loss ('val_loss') and the MAE in watts; NaN if it diverged.

        Of the held-out blocks; of what is learned from where nothing is held out.
        """
        loss, std_w = self.settings.loss, self.model.scale.appliance_std_w[0]
        losses = absolutes = count = 0.0
        for recording in self.held_out or self.training:
            truth_w = recording.appliance_w(self.appliance)
            error_w = (self.model.predict_w(recording, clip=loss.clipped)[:, 0] - truth_w).astype(
                np.float64
            )
            error_w = error_w[~np.isnan(error_w)]
            losses += loss.of_watts(error_w, std_w)
            absolutes += float(np.abs(error_w).sum())
            count += len(error_w)
        if count < self.validation_windows:  # the network answers what is no number
            return {"val_loss": math.nan, "val_mae_w": math.nan}
        return {"val_loss": losses / count, "val_mae_w": absolutes / count}

    def plan(self) -> Plan:
        """The steps to make; with a budget, after timing a few on a network that is then put back
        as it was.

        Where nothing is held out the only look is at the end.
        """
        pace = self._pace() if self.settings.budget_s is not None else None
        planned = plan_steps(self.settings, self.batches.steps_per_epoch, pace)
        return planned if self.held_out else planned._replace(interval=planned.steps)

    def _pace(self) -> Pace:
        network = self.model.network
        before = {name: t.clone() for name, t in network.state_dict().items()}
        optimiser = torch.optim.Adam(parameter_groups(network, 1e-9), lr=1e-9, fused=True)
        everything = {
            name: torch.ones_like(w, dtype=torch.bool)
            for name, w in masks.find_prunable(network).items()
        }
        state = self.pruner.begin(network, self.settings.seed) if self.pruner else None
        began, times = time.perf_counter(), list[float]()
        enough = 0.05 * (self.settings.budget_s or 0)
        while len(times) < 12 and (
            len(times) < 4 or processes.find_greatest(time.perf_counter() - began) < enough
        ):
            start = time.perf_counter()
            optimiser.zero_grad()
            drawn = take_share(
                self.batches.draw(len(times)), processes.get_rank(), processes.count_ranks()
            )
            self.batches.loss(network, drawn).backward()  # type: ignore[no-untyped-call]
            processes.average_gradients_(network)
            optimiser.step()
            if self.pruner and state:
                state = self.pruner.update(
                    network, state, StepInfo(len(times) + 1, A_LONG_TRAINING, 0.0)
                )
                masks.apply_(network, everything)
            times.append(time.perf_counter() - start)
        start = time.perf_counter()
        self.validate(network)
        network.load_state_dict(before)
        network.zero_grad()
        validation_s = time.perf_counter() - start
        return Pace(
            processes.find_greatest(float(np.median(times[1:]))),
            processes.find_greatest(validation_s),
        )

    def finished_model(self, done: _TrainingOutcome) -> Model:
        """The model with the best weights, its masks and its provenance."""
        model = self.model
        model.network.cpu().load_state_dict(dict(done.weights))
        model.network.requires_grad_(True).eval()
        model.masks = dict(done.masks)
        masks.apply_(model.network, model.masks)
        outcome = {
            "planned_steps": done.planned.steps,
            "best_step": done.best_step,
            "val_loss": done.best_loss,
            "coverage": self.coverage,
        }
        model.provenance = {
            "training": self.asked() | outcome,
            "training_mean_w": {self.appliance: _average_w(self.training, self.appliance)},
            "versions": (
                {name: version(name) for name in ("seq2point", "torch", "lightning", "numpy")}
                | {"python": platform.python_version()}
            ),
        }
        return model


@dataclass
class _TrainingProcess:
    """A training as one process of it does it: plan where none stands, train, and say what came of
    it.
    """

    task: _TrainingJob
    planned: Plan | None
    folder: RunFolder | None
    resuming: Path | None
    callbacks: list[pl.Callback]
    progress: bool
    checkpoint_every_s: float

    def __call__(self) -> _TrainingOutcome:
        task, folder, first = self.task, self.folder, processes.get_rank() == 0
        if (
            task.devices > 1
            and torch.cuda.is_available()
            and torch.distributed.get_backend() == "nccl"
        ):
            task.move(torch.device("cuda", torch.cuda.current_device()))
        planned = self.planned or task.plan()
        if folder and first:
            folder.write(task.asked(), planned, finished=False)
        network = task.model.network
        state = (
            task.pruner.begin(network, task.settings.seed)
            if task.pruner
            else PruneState(final=True)
        )
        prune = Pruning(
            task.pruner, planned, replace(state, masks=task.model.masks), task.model.masks
        )
        best = BestWeights(task.settings.patience, prune)
        stop = StopRequest()
        watching: list[pl.Callback] = [prune, best, StopBetweenSteps(stop)]
        if self.progress and first:
            watching.append(ShownProgress(planned, task.batches.windows_per_step))
        if folder:
            watching.append(Checkpoints(folder.checkpoint, stop, self.checkpoint_every_s))
        place = folder.path if folder else "output"
        with explain_write_errors(place):
            trainer = _make_trainer(
                [*watching, *self.callbacks],
                planned,
                folder,
                next(network.parameters()).device,
                task.devices,
            )
        loop = Loop(network, task.batches, task.validate, task.settings, planned, stop)
        with stop.listening(), explain_write_errors(place):
            _fit(trainer, loop, self.resuming)
        if stop.agreed:
            raise Interrupted(stop.agreed)
        if folder:
            trainer.save_checkpoint(folder.checkpoint)
        return _TrainingOutcome(
            best.weights,
            best.masks,
            best.best_step,
            best.best_loss,
            best.history,
            best.trained_s,
            prune.state,
            trainer.global_step,
            planned,
        )


def _make_batches(houses: Houses, settings: TrainingConfig) -> Batches:
    if settings.engine == "windows":
        return WindowBatches(
            houses, settings.batch_size or WINDOWS_PER_STEP, settings.seed, settings.loss
        )
    chunk = settings.chunk or sliding.choose_chunk_windows(houses.architecture)
    chunks = round(settings.batch_size / chunk) if settings.batch_size else CHUNKS_PER_STEP
    arguments = (
        houses,
        chunk,
        max(chunks, 1),
        settings.seed,
        settings.active,
        settings.augmentation,
        settings.loss,
    )
    if can_cache(houses, settings.freeze) and not settings.augmentation:
        return FrozenChunks(settings.freeze, *arguments)
    return ChunkBatches(*arguments)


def _choose_architecture(
    network: str | Architecture | None, window: int | None, start: Model | None
) -> Architecture:
    if isinstance(network, Architecture):
        given = network
    elif start is None or network is not None or window is not None:
        given = networks.find_network(network or "seq2point", window)
    else:
        return start.architecture
    if start is not None and given != start.architecture:
        raise UsageError(
            "the model to start from brings its own network and window: leave out --network and"
            " --window"
        )
    return given


def _window_line(window: int, period_s: float) -> str:
    hours = window * period_s / 3600
    return (
        f"window of {window} readings ({hours:.3g} h), the default for one every {period_s:g} s;"
        " set another by `window`"
    )


def _make_untrained(
    what: Appliance,
    architecture: Architecture,
    scaling: Scaling | Scale,
    training: Sequence[Recording],
) -> Model:
    """A model whose network has its shape and no weights yet."""
    if isinstance(scaling, Scale):
        scale = scaling
    else:
        scale = Scale.lineage([what]) if scaling == "lineage" else Scale.fitted([what], training)
    with torch.device("meta"):
        network = architecture.build()
    return Model(network, scale, (what,), training[0].period_s)


def _copy_parent(
    start: Model, what: Appliance, scaling: Scaling | Scale, training: Sequence[Recording]
) -> Model:
    """A copy of a model to train on; raises DataError and UsageError where it does not fit the data
    or the options.
    """
    if [a.name for a in start.appliances] != [what.name]:
        raise UsageError(
            f"the model to start from is of {', '.join(a.name for a in start.appliances)}, not of"
            f" {what.name}"
        )
    if scaling != "lineage":
        raise UsageError("the model to start from brings its own scaling: leave out --scaling")
    if not is_same_period(training[0].period_s, start.period_s):
        raise DataError(
            f"{format_house(training[0].house)} has a reading every "
            f"{format_seconds(training[0].period_s)}, the model to start from needs one every "
            f"{format_seconds(start.period_s)}; resample with --period"
        )
    chosen = {name: mask.clone() for name, mask in start.masks.items()}
    return Model(
        copy.deepcopy(start.network), start.scale, start.appliances, start.period_s, chosen
    )


def _choose_pruner(
    name: str | None, sparsity: float | None, settings: Mapping[str, Any]
) -> Pruner | None:
    given = {**settings} if sparsity is None else {**settings, "sparsity": sparsity}
    pruner = pruners.find_pruner(name or "none", **given)
    if pruner is None and given:
        what = (
            f"a sparsity of {sparsity:g}"
            if sparsity is not None
            else f"a setting '{next(iter(settings))}'"
        )
        raise UsageError(f"{what} without pruning; choose --pruning {' or '.join(pruners.PRUNERS)}")
    return pruner


def _hold_out(
    recordings: list[Recording], validation: list[Recording], hold_out: float, window: int
) -> tuple[list[Recording], list[Recording]]:
    """The training and the held-out recordings, all of one sampling period."""
    for other in (*recordings, *validation):
        if other.period_s != recordings[0].period_s:
            raise DataError(
                f"{format_house(recordings[0].house)} has a reading every "
                f"{format_seconds(recordings[0].period_s)}, {format_house(other.house)} every "
                f"{format_seconds(other.period_s)}; resample to one period with --period"
            )
        if len(other) < window:
            raise DataError(
                f"{format_house(other.house)}: {format_count(len(other), 'sample')} cannot fill a"
                f" window of {window}"
            )
    if validation or hold_out == 0:
        return recordings, validation
    split = [recording.hold_out(hold_out, window) for recording in recordings]
    return [kept for kept, _ in split], [held for _, held in split]


def _count_windows(
    held_out: Sequence[Recording], appliance: str, architecture: Architecture
) -> int:
    """The windows to validate on; raises DataError where there is none."""
    window, target = architecture.window, architecture.target_index
    total = sum(find_window_runs(r, window, target, [appliance]).total for r in held_out)
    if not total:
        raise DataError(
            "no validation window: what is held out of"
            f" {', '.join(format_house(r.house) for r in held_out)} has no stretch of {window}"
            f" samples without a gap where {appliance} is known; give a longer recording, or"
            " another with --validate"
        )
    return total


def _average_w(recordings: Sequence[Recording], appliance: str) -> float:
    """The appliance's mean power, which the output's bias starts from and the mean predictor always
    says.
    """
    series = [r.appliance_w(appliance) for r in recordings]
    known = sum(len(w) - int(np.count_nonzero(np.isnan(w))) for w in series)
    return sum(float(np.nansum(w, dtype=np.float64)) for w in series) / known


def _make_trainer(
    callbacks: list[pl.Callback],
    planned: Plan,
    folder: RunFolder | None,
    device: torch.device,
    devices: int,
) -> pl.Trainer:
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    loggers = []
    if folder and processes.get_rank() == 0:
        folder.logs.mkdir(parents=True, exist_ok=True)
        launch = f"version_{len(list(folder.logs.glob('csv/version_*')))}"
        loggers = [
            CSVLogger(folder.logs, "csv", launch, flush_logs_every_n_steps=100),
            TensorBoardLogger(folder.logs, "tensorboard", launch),
        ]
    return pl.Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        devices=devices,
        strategy=(
            "auto" if devices == 1 else DDPStrategy(cluster_environment=LightningEnvironment())
        ),
        max_steps=planned.steps,
        max_epochs=-1,
        num_sanity_val_steps=0,
        reload_dataloaders_every_n_epochs=1,
        log_every_n_steps=10,
        callbacks=callbacks,
        plugins=[AtomicCheckpoints()],
        logger=loggers,
        default_root_dir=folder.path if folder else None,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )


def _fit(trainer: pl.Trainer, loop: Loop, resuming: Path | None) -> None:
    """Run Lightning's loop; a Ctrl-C comes out as KeyboardInterrupt."""
    trainer._signal_connector.register_signal_handlers = lambda: None  # type: ignore[method-assign]  # they save nothing
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            warnings.filterwarnings("ignore", message=".*does not have many workers.*")
            trainer.fit(loop, ckpt_path=resuming, weights_only=True)
    except SystemExit as stopped:
        raise KeyboardInterrupt from stopped
