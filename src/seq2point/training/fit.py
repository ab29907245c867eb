"""Running a training: one process or several, Lightning's loop, and its outcome."""

import json
import logging
import signal
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor

from seq2point.compression.pruning import PruneState, StepInfo
from seq2point.errors import Interrupted
from seq2point.network import masks
from seq2point.system.atomic_files import explain_write_errors
from seq2point.training import processes
from seq2point.training.batches import take_share
from seq2point.training.best_weights import BestWeights
from seq2point.training.checkpoints import AtomicCheckpoints, Checkpoints
from seq2point.training.lightning_loop import Loop, group_parameters
from seq2point.training.nodes import find_node
from seq2point.training.pace import Pace, Plan, plan_steps
from seq2point.training.progress_line import ProgressLine
from seq2point.training.pruning_callback import Pruning
from seq2point.training.record import RunFolder
from seq2point.training.resolve import TrainingJob
from seq2point.training.signals import StopBetweenSteps, StopRequest

A_LONG_TRAINING = 10**6  # a pruner that is timed must find itself at its beginning
TIMED_STEPS, FEWEST_TIMED_STEPS = 12, 4
BUDGET_FOR_TIMING = 0.05
TIMING_RATE = 1e-9  # Adam's steps cost the same, and leave the weights almost as they are


class TrainingOutcome(NamedTuple):
    """What a training returns from its processes: the best weights, and how it went."""

    weights: Mapping[str, Tensor]
    masks: Mapping[str, Tensor]
    best_step: int
    best_loss: float
    history: list[dict[str, float]]
    trained_s: float
    pruned: PruneState
    steps: int
    plan: Plan


@dataclass
class TrainingProcess:
    """A training as one of its processes runs it: plan if there is no plan, train, and report."""

    job: TrainingJob
    plan: Plan | None
    folder: RunFolder | None
    checkpoint: Path | None
    callbacks: list[pl.Callback]
    progress: bool
    checkpoint_every_s: float

    def __call__(self) -> TrainingOutcome:
        """Run the training; raises Interrupted where a signal has stopped it."""
        job, folder = self.job, self.folder
        is_first = processes.get_rank() == 0
        if _runs_on_gpus(job):
            job.move(torch.device("cuda", torch.cuda.current_device()))
        processes.require_agreement(json.dumps([job.identity, self.checkpoint is not None]))
        plan = self.plan or make_plan(job)
        if folder and is_first:
            folder.write(job.identity, plan, finished=False)
        network, pruner, config = job.model.network, job.pruner, job.config
        state = pruner.begin(network, config.seed) if pruner else PruneState(final=True)
        earlier_masks = job.model.masks
        pruning = Pruning(pruner, plan, replace(state, masks=earlier_masks), earlier_masks)
        best = BestWeights(config.patience, pruning)
        stop = StopRequest()
        callbacks: list[pl.Callback] = [pruning, best, StopBetweenSteps(stop)]
        if self.progress and is_first:
            callbacks.append(ProgressLine(plan, job.batches.windows_per_step))
        if folder:
            callbacks.append(Checkpoints(folder.checkpoint, stop, self.checkpoint_every_s))
        callbacks += self.callbacks
        place = folder.path if folder else "output"
        device = next(network.parameters()).device
        with explain_write_errors(place):
            trainer = _make_trainer(callbacks, plan, folder, device, job)
        loop = Loop(network, job.batches, job.validate, config, plan, stop)
        with stop.listen(), explain_write_errors(place):
            _fit(trainer, loop, self.checkpoint)
        if stop.number:
            raise Interrupted(stop.number)
        if folder:
            trainer.save_checkpoint(folder.checkpoint)
        return TrainingOutcome(
            best.weights,
            best.masks,
            best.best_step,
            best.best_loss,
            best.history,
            best.trained_s,
            pruning.state,
            trainer.global_step,
            plan,
        )


def run_job(process: TrainingProcess, gpu: bool, threads: int | None) -> TrainingOutcome:
    """Run a training in as many processes as it has devices, and return its outcome.

    Raises Interrupted where a signal has stopped it; its text names the checkpoint that is kept.
    """
    job, folder = process.job, process.folder
    try:
        if job.processes == 1:
            return process()
        node = find_node(job.nodes)
        return processes.run_processes(process, job.devices, gpu, threads, node)
    except KeyboardInterrupt as interrupt:
        has_checkpoint = folder and folder.checkpoint.exists()
        message = f"{folder.path} keeps a checkpoint" if folder and has_checkpoint else ""
        raise Interrupted(getattr(interrupt, "number", signal.SIGINT), message) from None


def make_plan(job: TrainingJob) -> Plan:
    """Return the plan of a training; with a budget, time a few steps first.

    Where nothing is held out, the only validation is at the end.
    """
    pace = measure_pace(job) if job.config.budget_s is not None else None
    plan = plan_steps(job.config, job.batches.steps_per_epoch, pace)
    return plan if job.held_out else plan._replace(interval=plan.steps)


def measure_pace(job: TrainingJob) -> Pace:
    """Return the seconds of a step and of a validation; the network's weights stay."""
    network = job.model.network
    weights = {name: t.clone() for name, t in network.state_dict().items()}
    step_s = _time_steps(job)
    began_at = time.perf_counter()
    job.validate(network)
    validation_s = time.perf_counter() - began_at
    network.load_state_dict(weights)
    network.zero_grad()
    return Pace(processes.find_greatest(step_s), processes.find_greatest(validation_s))


def _time_steps(job: TrainingJob) -> float:
    """Return the median seconds of a few steps, without the first one."""
    network, pruner = job.model.network, job.pruner
    groups = group_parameters(network, TIMING_RATE)
    optimiser = torch.optim.Adam(groups, lr=TIMING_RATE, fused=True)
    weights = masks.find_prunable(network)
    full_masks = {name: torch.ones_like(w, dtype=torch.bool) for name, w in weights.items()}
    state = pruner.begin(network, job.config.seed) if pruner else None
    rank, ranks = processes.get_rank(), processes.count_ranks()
    budget_s = BUDGET_FOR_TIMING * (job.config.budget_s or 0)
    began_at, times_s = time.perf_counter(), list[float]()
    while len(times_s) < FEWEST_TIMED_STEPS or (
        len(times_s) < TIMED_STEPS
        and processes.find_greatest(time.perf_counter() - began_at) < budget_s
    ):
        step_began_at = time.perf_counter()
        optimiser.zero_grad()
        drawn = take_share(job.batches.draw(len(times_s)), rank, ranks)
        job.batches.loss(network, drawn).backward()  # type: ignore[no-untyped-call]
        processes.average_gradients_(network)
        optimiser.step()
        if pruner and state:
            info = StepInfo(len(times_s) + 1, A_LONG_TRAINING, 0.0)
            state = pruner.update(network, state, info)
            masks.apply_(network, full_masks)
        times_s.append(time.perf_counter() - step_began_at)
    return float(np.median(times_s[1:]))


def _runs_on_gpus(job: TrainingJob) -> bool:
    """Return whether this is one of several processes that have a GPU each."""
    if job.processes == 1 or not torch.cuda.is_available():
        return False
    return bool(torch.distributed.get_backend() == "nccl")


def _make_trainer(
    callbacks: list[pl.Callback],
    plan: Plan,
    folder: RunFolder | None,
    device: torch.device,
    job: TrainingJob,
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
        devices=job.devices,
        num_nodes=job.nodes,
        strategy=(
            "auto"
            if job.processes == 1
            else DDPStrategy(cluster_environment=LightningEnvironment())
        ),
        max_steps=plan.steps,
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


def _fit(trainer: pl.Trainer, loop: Loop, checkpoint: Path | None) -> None:
    """Run Lightning's loop; raises KeyboardInterrupt for Ctrl-C."""
    # Lightning's own signal handlers save nothing
    trainer._signal_connector.register_signal_handlers = (  # type: ignore[method-assign]
        lambda: None
    )
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            warnings.filterwarnings("ignore", message=".*does not have many workers.*")
            trainer.fit(loop, ckpt_path=checkpoint, weights_only=True)
    except SystemExit as error:
        raise KeyboardInterrupt from error
