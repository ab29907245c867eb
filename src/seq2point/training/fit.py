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
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor

from seq2point.compression.pruning import PruneState
from seq2point.errors import Interrupted
from seq2point.system.atomic_files import explain_write_errors
from seq2point.training import processes
from seq2point.training.best_weights import BestWeights
from seq2point.training.checkpoints import AtomicCheckpoints, Checkpoints
from seq2point.training.job import TrainingJob
from seq2point.training.lightning_loop import LOG_EVERY, Loop
from seq2point.training.nodes import find_node
from seq2point.training.pace import Deadline, Plan
from seq2point.training.planning import choose_threads, make_plan
from seq2point.training.progress_line import ProgressLine
from seq2point.training.pruning_callback import Pruning
from seq2point.training.record import RunFolder
from seq2point.training.signals import StopBetweenSteps, StopRequest
from seq2point.training.thread_choice import ThreadChoice, ThreadTrials


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
    late: bool

    @property
    def lost_steps(self) -> int:
        """How many steps of the plan the budget did not reach."""
        return self.plan.steps - self.steps if self.late else 0


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
    fixed_threads: bool

    def __call__(self) -> TrainingOutcome:
        """Run the training; raises Interrupted where a signal has stopped it."""
        if _runs_on_gpus(self.job):
            self.job.move(torch.device("cuda", torch.cuda.current_device()))
        threads = choose_threads(self.job, self.fixed_threads)
        with threads.hold():
            return self._train(threads)

    def _train(self, threads: ThreadChoice) -> TrainingOutcome:
        job, folder = self.job, self.folder
        is_first = processes.get_rank() == 0
        processes.require_agreement(json.dumps([job.identity, self.checkpoint is not None]))
        shows = self.progress and is_first
        began_at = time.perf_counter()
        plan = self.plan or make_plan(job, threads, shows)
        if folder and is_first:
            folder.write(job.identity, plan, finished=False)
        network, pruner, config = job.model.network, job.pruner, job.config
        state = pruner.begin(network, config.seed) if pruner else PruneState(final=True)
        earlier_masks = job.model.masks
        pruning = Pruning(pruner, plan, replace(state, masks=earlier_masks), earlier_masks)
        best = BestWeights(config.patience, pruning)
        stop = StopRequest()
        callbacks: list[pl.Callback] = [
            ThreadTrials(threads),
            pruning,
            best,
            StopBetweenSteps(stop),
        ]
        if shows:
            callbacks.append(
                ProgressLine(plan, job.batches.windows_per_step, held_out=bool(job.held_out))
            )
        if folder:
            callbacks.append(Checkpoints(folder.checkpoint, stop, self.checkpoint_every_s))
        callbacks += self.callbacks
        place = folder.path if folder else "output"
        device = next(network.parameters()).device
        with explain_write_errors(place):
            trainer = _make_trainer(callbacks, plan, folder, device, job)
        deadline = Deadline(config.budget_s, plan, began_at)

        def is_late(step: int) -> bool:
            return deadline.has_passed(step) and bool(best.weights)

        loop = Loop(network, job.batches, job.validate, config, plan, stop, is_late)
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
            stop.late,
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
        log_every_n_steps=LOG_EVERY,
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
