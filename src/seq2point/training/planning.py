"""The plan of a training, from the pace of its first steps where it has a budget of seconds."""

import sys
import time

import numpy as np
import torch

from seq2point.compression.pruning import StepInfo
from seq2point.network import masks, sliding
from seq2point.training import processes
from seq2point.training.batches import take_share
from seq2point.training.job import TrainingJob
from seq2point.training.lightning_loop import group_parameters
from seq2point.training.pace import Pace, Plan, count_lost_steps, plan_steps
from seq2point.training.thread_choice import ThreadChoice

A_LONG_TRAINING = 10**6  # a pruner that is timed must find itself at its beginning
TIMED_STEPS, FEWEST_TIMED_STEPS = 12, 4
BUDGET_FOR_TIMING = 0.05
TIMING_RATE = 1e-9  # Adam's steps cost the same, and leave the weights almost as they are


def choose_threads(job: TrainingJob, fixed: bool) -> ThreadChoice:
    """Return the choice of a training's threads: torch's number, or fewer where that is faster.

    It is torch's number where it is `fixed`, on a GPU and in several processes.
    """
    series = job.batches.data.houses[0].mains_w
    by_kernels = job.batches.rows == "chunks" and sliding.uses_kernels(
        job.model.architecture, series
    )
    fixed = fixed or job.processes > 1 or series.device.type != "cpu"
    return ThreadChoice(torch.get_num_threads(), by_kernels, fixed)


def make_plan(job: TrainingJob, threads: ThreadChoice, shows: bool) -> Plan:
    """Return the plan of a training; with a budget, time a few steps first.

    Where nothing is held out, the only validation is at the end.
    """
    pace = measure_pace(job, threads) if job.config.budget_s is not None else None
    plan = plan_steps(job.config, job.batches.steps_per_epoch, pace)
    if shows and pace and (lost := count_lost_steps(plan, pace)):
        print(
            f"other work keeps the processor busy: the plan is {plan.steps} steps, about {lost}"
            " fewer than alone",
            file=sys.stderr,
        )
    return plan if job.held_out else plan._replace(interval=plan.steps)


def measure_pace(job: TrainingJob, threads: ThreadChoice) -> Pace:
    """Return the seconds of a step and of a validation; the network's weights stay."""
    network = job.model.network
    weights = {name: t.clone() for name, t in network.state_dict().items()}
    step_s = _time_steps(job, threads)
    began_at = time.perf_counter()
    job.validate(network)
    validation_s = time.perf_counter() - began_at
    network.load_state_dict(weights)
    network.zero_grad()
    return Pace(
        processes.find_greatest(step_s),
        processes.find_greatest(validation_s),
        threads.measure_processor_share(),
    )


def _time_steps(job: TrainingJob, threads: ThreadChoice) -> float:
    """Return the median seconds of a few steps with the threads that are chosen meanwhile.

    The first step does not count.
    """
    network, pruner = job.model.network, job.pruner
    groups = group_parameters(network, TIMING_RATE)
    optimiser = torch.optim.Adam(groups, lr=TIMING_RATE, fused=True)
    weights = masks.find_prunable(network)
    full_masks = {name: torch.ones_like(w, dtype=torch.bool) for name, w in weights.items()}
    state = pruner.begin(network, job.config.seed) if pruner else None
    rank, ranks = processes.get_rank(), processes.count_ranks()
    budget_s = BUDGET_FOR_TIMING * (job.config.budget_s or 0)
    began_at, times_s, made = time.perf_counter(), list[float](), 0
    while len(times_s) < FEWEST_TIMED_STEPS or (
        len(times_s) < TIMED_STEPS
        and processes.find_greatest(time.perf_counter() - began_at) < budget_s
    ):
        decided = not threads.decides
        step_began_at = time.perf_counter()
        if made:
            threads.begin_step()
        optimiser.zero_grad()
        drawn = take_share(job.batches.draw(made), rank, ranks)
        job.batches.loss(network, drawn).backward()  # type: ignore[no-untyped-call]
        processes.average_gradients_(network)
        optimiser.step()
        if pruner and state:
            info = StepInfo(made + 1, A_LONG_TRAINING, 0.0)
            state = pruner.update(network, state, info)
            masks.apply_(network, full_masks)
        if made:
            threads.end_step()
        if made and decided:
            times_s.append(time.perf_counter() - step_began_at)
        made += 1
    return float(np.median(times_s))
