"""Training a network for one appliance: recordings in, a trained and pruned model out."""

import platform
import sys
from contextlib import nullcontext
from importlib.metadata import version
from typing import Any, NamedTuple

from seq2point.appliances import Appliance, Definition
from seq2point.compression.pruning import PruneState
from seq2point.configuration import TrainOptions, accept_fields
from seq2point.model.model_file import Model
from seq2point.network import masks
from seq2point.recording import Recording, RecordingsLike
from seq2point.system.device import choose_device, set_threads
from seq2point.system.hardware import keep_freed_memory
from seq2point.training.fit import TrainingOutcome, TrainingProcess, run_job
from seq2point.training.job import TrainingJob
from seq2point.training.nodes import find_node
from seq2point.training.record import RunFolder
from seq2point.training.resolve import average_w, resolve_job
from seq2point.training.widening import count_hidden, split_options, widen
from seq2point.wording import format_count


class TrainingResult(NamedTuple):
    """A trained model, and how its training went.

    `history` has a row for every validation. `pruned` is the pruner's state at the end, with the
    memory of its course.
    """

    model: Model
    history: list[dict[str, float]]
    seconds: float
    windows_per_s: float
    held_out: list[Recording]
    pruned: PruneState


def run_training(
    recordings: RecordingsLike, appliance: str | Appliance | Definition, options: TrainOptions
) -> TrainingResult:
    """Train as `train` does, with the options as one object, and return how it went, too."""
    if options.narrow is None:
        return _run_whole(recordings, appliance, options)
    first, rest = split_options(options)
    if options.out is not None and not options.resume:
        RunFolder(options.out).clear(options.overwrite)
    narrow = _run_whole(recordings, appliance, first)
    reached: dict[str, Any] = narrow.model.provenance["training"]
    start = widen(narrow.model, count_hidden(options.network), options.seed)
    record = {"narrow": {"hidden": options.narrow, **reached}}
    changes = {"start": start, "provenance": record | dict(options.provenance or {})}
    whole = _run_whole(recordings, appliance, rest.model_copy(update=changes), is_widened=True)
    training: dict[str, Any] = whole.model.provenance["training"]
    if reached["val_loss"] <= training["val_loss"]:
        whole.model.network.load_state_dict(start.network.state_dict())
        training |= {"best_step": 0, "val_loss": reached["val_loss"]}
    return _join(narrow, whole)


def _run_whole(
    recordings: RecordingsLike,
    appliance: str | Appliance | Definition,
    options: TrainOptions,
    is_widened: bool = False,
) -> TrainingResult:
    """Train one network from its first step to its last."""
    set_threads(options.threads)
    is_first = find_node(options.nodes).rank == 0
    device = choose_device(options.device)
    job = resolve_job(recordings, appliance, options, device)
    job.warn_of_gaps()
    folder = RunFolder(options.out) if options.out is not None else None
    # not before the data are in place: the memory that reading them freed goes back to the system
    keep_freed_memory()
    with folder.lock() if folder and is_first else nullcontext():
        plan = folder.plan_to_resume(job.identity) if folder and options.resume else None
        checkpoint = folder.checkpoint if folder and plan and folder.checkpoint.exists() else None
        if folder and plan is None and is_first:
            folder.clear(options.overwrite, keep_narrow=is_widened)
        elif folder and folder.is_finished() and options.progress:
            print(f"{folder.path}: this run is finished; nothing is left to train", file=sys.stderr)
        if job.window_by_period and options.progress:
            print(_describe_window(job.model), file=sys.stderr)
        process = TrainingProcess(
            job,
            plan,
            folder,
            checkpoint,
            [*options.callbacks],
            options.progress,
            options.checkpoint_every_s,
            options.threads is not None,
        )
        outcome = run_job(process, device.type == "cuda", options.threads)
        model = finish_model(job, outcome)
        model.provenance |= options.provenance or {}
        if folder and is_first:
            folder.write(job.identity, outcome.plan, finished=not outcome.late)
        if outcome.late and is_first and options.progress:
            print(_describe_lost_steps(outcome, folder), file=sys.stderr)
    windows = outcome.steps * job.batches.windows_per_step
    return TrainingResult(
        model,
        outcome.history,
        outcome.trained_s,
        windows / outcome.trained_s if outcome.trained_s else 0.0,
        [*job.held_out],
        outcome.pruned,
    )


def _join(narrow: TrainingResult, whole: TrainingResult) -> TrainingResult:
    """Return a narrow training and that of the whole network as one: steps and seconds go on."""
    last = narrow.history[-1]
    later = [
        row | {name: last[name] + row[name] for name in ("step", "seconds")}
        for row in whole.history
    ]
    seconds = narrow.seconds + whole.seconds
    windows = narrow.windows_per_s * narrow.seconds + whole.windows_per_s * whole.seconds
    return whole._replace(
        history=[*narrow.history, *later],
        seconds=seconds,
        windows_per_s=windows / seconds if seconds else 0.0,
    )


@accept_fields(TrainOptions)
def train_with_history(
    recordings: RecordingsLike, appliance: str | Appliance | Definition, options: TrainOptions
) -> TrainingResult:
    """Train as `train` does, and return how it went, too.

    The result holds the model, a row for every validation, and the speed. Arguments and errors are
    those of `train`.
    """
    return run_training(recordings, appliance, options)


@accept_fields(TrainOptions)
def train(
    recordings: RecordingsLike, appliance: str | Appliance | Definition, options: TrainOptions
) -> Model:
    """Train and prune a network for one appliance, and return the model.

    Zhang et al. 2018 is the source (AAAI, arXiv 1612.09106): Adam and early stopping.

    `recordings` and `validation` are one recording (`load_recording`, `recording_from_frame`) or
    several, or data frames of pandas or Polars with a row for each reading in watts.
    `appliance` is a name of the table, as 'kettle', or one of your own (`appliances.define`), whose
    scaling is fitted on the training part. A training is for one appliance. Module
    `training.transfer` joins several models into one.
    Without `validation`, the last `hold_out` of each recording is held out as one block, a window's
    gap before it. With `hold_out` 0 nothing is held out, and the last weights are taken.
    `network` is a name or an `Architecture`, by default the paper's. With `start` the training
    begins from that model's weights, with its architecture, scale and masks, which hold throughout.
    `pruning` is a name of `PRUNERS` or a pruner. `seq2point.configuration` describes every option:
    `help(seq2point.configuration.TrainOptions)`.
    With `out`, checkpoints and logs are written there. `resume` goes on from the last checkpoint,
    exactly as if the training had never stopped. With `devices` above 1, several processes share
    every step. They are spawned, so a script that does this guards its top level. With `nodes`
    above 1 the same script runs on several machines, and the first of them writes.
    With `narrow` most steps train a network of fewer hidden units (`training.widening`). Its own
    run lies in the folder `narrow` of `out`.
    SIGINT, SIGTERM and SIGHUP stop a training between two steps, once a checkpoint is saved. They
    raise `Interrupted`, a KeyboardInterrupt that holds the signal's number.
    Raises DataError for recordings that cannot be learned from, and TrainingError when the loss is
    no longer a number. Raises UsageError for an option that does not fit or does not exist, with
    the nearest that does.
    """
    return run_training(recordings, appliance, options).model


def finish_model(job: TrainingJob, outcome: TrainingOutcome) -> Model:
    """Return the model with the best weights, its masks and its provenance."""
    model = job.model
    model.network.cpu().load_state_dict(dict(outcome.weights))
    model.network.requires_grad_(True).eval()
    model.masks = dict(outcome.masks)
    masks.apply_(model.network, model.masks)
    reached = {
        "planned_steps": outcome.plan.steps,
        "best_step": outcome.best_step,
        "val_loss": outcome.best_loss,
        "coverage": job.coverage,
        **({"lost_steps": outcome.lost_steps} if outcome.late else {}),
    }
    packages = ("seq2point", "torch", "lightning", "numpy")
    versions: dict[str, Any] = {name: version(name) for name in packages}
    model.provenance = {
        "training": job.identity | reached,
        "training_mean_w": {job.appliance: average_w(job.training, job.appliance)},
        "versions": versions | {"python": platform.python_version()},
    }
    return model


def _describe_lost_steps(outcome: TrainingOutcome, folder: RunFolder | None) -> str:
    more = "; resume the run to make them" if folder else ""
    return (
        f"the budget ended {format_count(outcome.lost_steps, 'step')} before the plan's"
        f" {outcome.plan.steps}: other work slowed this machine down{more}"
    )


def _describe_window(model: Model) -> str:
    hours = model.window * model.period_s / 3600
    return (
        f"window: {model.window} readings ({hours:.3g} h), the default for one every"
        f" {model.period_s:g} s"
    )
