"""One training in several processes on this machine, joined by torch.distributed: gloo on CPUs, NCCL on GPUs.

Processes are spawned, so that nothing is shared but what they send each other: each gets its own copy of the work.
"""

import logging
import os
import pickle
import socket
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import distributed
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException, spawn

from seq2point.errors import Seq2PointError, TrainingError
from seq2point.machine import keep_freed_memory, set_threads

Answer = TypeVar("Answer")

OURS = str(Path(__file__).parents[1])


def rank() -> int:
    """The number of this process among those of the training; 0 where it is alone."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def ranks() -> int:
    """How many processes the training has."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def greatest(value: float) -> float:
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


def run(work: Callable[[], Answer], processes: int, gpu: bool = False, threads: int | None = None) -> Answer:
    """Run the same work in so many processes and return what that of rank 0 gives.

    `work` and its answer are pickled; a script that calls this at its top level needs `if __name__ == "__main__"`.
    Raises what the work raises of ours, KeyboardInterrupt where it was stopped, and TrainingError where a process died.
    """
    with tempfile.TemporaryDirectory(prefix="seq2point-") as folder:
        context = pickle.dumps((work, "nccl" if gpu else "gloo", threads or max((os.cpu_count() or 1) // processes, 1)))
        try:
            spawn(_process, (processes, _free_port(), folder, context), nprocs=processes)  # type: ignore[no-untyped-call]
        except ProcessRaisedException as error:
            raise _found(Path(folder, "error")) or error from None
        except ProcessExitedException as error:
            raise TrainingError(f"a process of the training died ({error})") from None
        answer = _found(Path(folder, "answer"))
    if answer is None:
        raise KeyboardInterrupt
    given: Answer
    given, said = answer
    for category, text in said:
        warnings.warn(text, category, stacklevel=2)
    return given


def _process(number: int, processes: int, port: int, folder: str, context: bytes) -> None:
    """One of the processes; module-level, because spawned processes find it by name."""
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "LOCAL_RANK": str(number), "RANK": str(number)}
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


def _found(path: Path) -> Any:
    """What a process has left under a name, in a folder that only this user can write; None where there is nothing."""
    return pickle.loads(path.read_bytes()) if path.exists() else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _device_of_backend() -> torch.device:
    return torch.device("cuda", torch.cuda.current_device()) if distributed.get_backend() == "nccl" else torch.device("cpu")
