"""One training in several processes on this machine, joined by torch.distributed: gloo on CPUs,
NCCL on GPUs.

Processes are spawned, so that nothing is shared but what they send each other: each gets its own
copy of the work.
"""

import logging
import os
import pickle
import signal
import socket
import tempfile
import threading
import warnings
from collections.abc import Callable
from multiprocessing import resource_tracker
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import torch
from torch import distributed
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException, spawn

from seq2point.errors import Interrupted, Seq2PointError, TrainingError
from seq2point.system.device import keep_freed_memory, set_threads

Answer = TypeVar("Answer")

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_S = 5.0  # for the other processes to end by themselves when one has died
OURS = str(Path(__file__).parents[1])


def get_rank() -> int:
    """The number of this process among those of the training; 0 where it is alone."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def count_ranks() -> int:
    """How many processes the training has."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def find_greatest(value: float) -> float:
    """The greatest of the processes' values, the same in all of them."""
    if not distributed.is_initialized():
        return value
    shared = torch.tensor(value, dtype=torch.float64, device=_device_of_backend())
    distributed.all_reduce(shared, distributed.ReduceOp.MAX)
    return float(shared)


def average_gradients_(network: torch.nn.Module) -> None:
    """Replace every gradient by its mean over the processes."""
    if distributed.is_initialized():
        for p in network.parameters():
            if p.grad is not None:
                distributed.all_reduce(p.grad.div_(distributed.get_world_size()))


def run_processes(
    work: Callable[[], Answer], processes: int, gpu: bool = False, threads: int | None = None
) -> Answer:
    """Run the same work in so many processes and return what that of rank 0 gives.

    `work` and its answer are pickled; a script that calls this at its top level needs `if __name__
    == "__main__"`.
    Raises what the work raises of ours, Interrupted where it was stopped, and TrainingError where a
    process died.
    """
    with tempfile.TemporaryDirectory(prefix="seq2point-") as folder:
        context = pickle.dumps(
            (work, "nccl" if gpu else "gloo", threads or max((os.cpu_count() or 1) // processes, 1))
        )
        try:
            stopped = _spawn((processes, _free_port(), folder, context), processes)
        except ProcessRaisedException as error:
            raise _read_result(Path(folder, "error")) or error from None
        except ProcessExitedException as error:
            raise TrainingError(f"a process of the training died ({error})") from None
        answer = _read_result(Path(folder, "answer"))
    if answer is None or stopped:
        raise Interrupted(stopped or signal.SIGINT)
    given: Answer
    given, said = answer
    for category, text in said:
        warnings.warn(text, category, stacklevel=2)
    return given


def _spawn(arguments: tuple[object, ...], processes: int) -> int:
    """Run the processes to their end; the number of the signal that has stopped them, 0 for none.

    The first signal is passed on to them, and they stop in their own time; a second one kills them.
    They begin with signals held back, until they listen (signals.py).
    """
    noted: list[int] = []
    resource_tracker.ensure_running()  # when it starts it lets signals through
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    context = spawn(_process, arguments, nprocs=processes, join=False)  # type: ignore[no-untyped-call]

    def pass_on(number: int, _: FrameType | None) -> None:
        for process in context.processes:
            if process.is_alive():
                process.kill() if noted else os.kill(process.pid, number)
        noted.append(number)

    before = {number: signal.getsignal(number) for number in SIGNALS}
    heard = threading.current_thread() is threading.main_thread()
    try:
        for number, handler in before.items() if heard else ():
            if handler not in (signal.SIG_IGN, None):
                signal.signal(number, pass_on)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        while not context.join(grace_period=GRACE_S):
            pass
    except (ProcessExitedException, ProcessRaisedException):
        if not noted:
            raise
    finally:
        for number, handler in before.items() if heard else ():
            if handler is not None:
                signal.signal(number, handler)
    return noted[0] if noted else 0


def _process(number: int, processes: int, port: int, folder: str, context: bytes) -> None:
    """One of the processes; module-level, because spawned processes find it by name."""
    os.environ |= {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "LOCAL_RANK": str(number),
        "RANK": str(number),
    }
    os.environ["WORLD_SIZE"] = str(processes)
    if number:
        logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(record=True) as said:
            work, backend, threads = pickle.loads(context)
            set_threads(threads)
            keep_freed_memory()
            if backend == "nccl":
                torch.cuda.set_device(number)
            distributed.init_process_group(backend, rank=number, world_size=processes)
            answer = work()
        if number == 0:
            ours = [(w.category, str(w.message)) for w in said if w.filename.startswith(OURS)]
            Path(folder, "answer").write_bytes(pickle.dumps((answer, ours)))
    except Seq2PointError as error:
        beside = Path(folder, f"error.{number}")
        beside.write_bytes(pickle.dumps(error))
        beside.replace(Path(folder, "error"))
        raise
    finally:
        if distributed.is_initialized():
            distributed.destroy_process_group()


def _read_result(path: Path) -> Any:
    """What a process has left under a name, in a folder that only this user can write; None where
    there is nothing.
    """
    return pickle.loads(path.read_bytes()) if path.exists() else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _device_of_backend() -> torch.device:
    return (
        torch.device("cuda", torch.cuda.current_device())
        if distributed.get_backend() == "nccl"
        else torch.device("cpu")
    )
