"""One training in several processes, on one machine or several, joined by torch.distributed.

The backend is gloo on CPUs and NCCL on GPUs. Processes are spawned: each gets its own copy of the
work, and they share only what they send each other.
"""

import hashlib
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
from seq2point.system.device import set_threads
from seq2point.system.hardware import keep_freed_memory
from seq2point.training.nodes import Node

Result = TypeVar("Result")

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_S = 5.0  # for the other processes to end by themselves when one has died
ALONE = Node()
LOST = ("Connection closed by peer", "Connection reset by peer", "Connection refused",
        "Broken pipe", "timed out", "Timed out")  # fmt: skip
"""What gloo, NCCL and the store say when a machine is gone."""
PACKAGE = str(Path(__file__).parents[1])


def get_rank() -> int:
    """Return the number of this process in the training, 0 where it is alone."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def count_ranks() -> int:
    """Return the number of processes in the training."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def find_greatest(value: float) -> float:
    """Return the greatest of the processes' values, the same in all of them."""
    if not distributed.is_initialized():
        return value
    shared = torch.tensor(value, dtype=torch.float64, device=_get_backend_device())
    distributed.all_reduce(shared, distributed.ReduceOp.MAX)
    return float(shared)


def require_agreement(text: str) -> None:
    """Raise TrainingError unless all processes give the same text, which must all call this."""
    number = int(hashlib.sha256(text.encode()).hexdigest()[:12], 16)
    if find_greatest(number) != -find_greatest(-number):
        raise TrainingError(
            "the machines of the training differ in data, options, or the checkpoint that they"
            " resume: all need the same command, the same files, and one shared `out`"
        )


def average_gradients_(network: torch.nn.Module) -> None:
    """Replace every gradient by its mean over the processes."""
    if distributed.is_initialized():
        for p in network.parameters():
            if p.grad is not None:
                distributed.all_reduce(p.grad.div_(distributed.get_world_size()))


def run_processes(
    work: Callable[[], Result],
    processes: int,
    gpu: bool = False,
    threads: int | None = None,
    node: Node = ALONE,
) -> Result:
    """Run the same work in several processes here and return the result of the first of them.

    Of several machines each runs so many, and `node` says which one this is. `work` and its result
    are pickled. A script that calls this at its top level needs `if __name__ == "__main__"`.
    Raises the Seq2PointError that the work raises, Interrupted where a signal stopped it, and
    TrainingError where a process died, here or on another machine.
    """
    with tempfile.TemporaryDirectory(prefix="seq2point-") as folder:
        threads = threads or max((os.cpu_count() or 1) // processes, 1)
        context = pickle.dumps((work, "nccl" if gpu else "gloo", threads))
        node = node if node.machines > 1 else node._replace(port=_find_free_port())
        try:
            signal_number = _spawn((processes, node, folder, context), processes)
        except ProcessRaisedException as error:
            raise _read_pickle(Path(folder, "error")) or _explain(error, node) from None
        except ProcessExitedException as error:
            raise TrainingError(f"a process of the training died ({error})") from None
        result_and_warnings = _read_pickle(Path(folder, "result"))
    if result_and_warnings is None or signal_number:
        raise Interrupted(signal_number or signal.SIGINT)
    result: Result
    result, caught = result_and_warnings
    for category, text in caught:
        warnings.warn(text, category, stacklevel=2)
    return result


def _spawn(arguments: tuple[object, ...], processes: int) -> int:
    """Run the processes to their end and return the signal that stopped them, 0 for none.

    The first signal is passed on to them, and they stop in their own time. A second one kills them.
    They begin with signals blocked, until they listen (signals.py).
    """
    received: list[int] = []
    resource_tracker.ensure_running()  # when it starts, it unblocks signals
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    context = spawn(_process, arguments, nprocs=processes, join=False)  # type: ignore[no-untyped-call]

    def pass_on(number: int, _: FrameType | None) -> None:
        for process in context.processes:
            if process.is_alive():
                process.kill() if received else os.kill(process.pid, number)
        received.append(number)

    # only the main thread may set handlers
    in_main_thread = threading.current_thread() is threading.main_thread()
    handlers = {n: signal.getsignal(n) for n in SIGNALS if in_main_thread}
    try:
        for number, handler in handlers.items():
            if handler not in (signal.SIG_IGN, None):
                signal.signal(number, pass_on)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        while not context.join(grace_period=GRACE_S):
            pass
    except (ProcessExitedException, ProcessRaisedException):
        if not received:
            raise
    finally:
        for number, handler in handlers.items():
            if handler is not None:
                signal.signal(number, handler)
    return received[0] if received else 0


def _explain(error: ProcessRaisedException, node: Node) -> Exception:
    """Return what to raise for an error of a process: of several machines one may be gone."""
    lost = next((words for words in LOST if words in str(error)), None)
    if node.machines == 1 or lost is None:
        return error
    return TrainingError(
        f"another machine of the training does not answer ({lost}); look there for the reason, and"
        f" whether it reaches the first one at {node.address}:{node.port}"
    )


def _process(number: int, processes: int, node: Node, folder: str, context: bytes) -> None:
    """Run the work in one of the processes, which find this function by its name."""
    rank, ranks = node.rank * processes + number, node.machines * processes
    os.environ |= {
        "MASTER_ADDR": node.address,
        "MASTER_PORT": str(node.port),
        "LOCAL_RANK": str(number),
        "NODE_RANK": str(node.rank),
        "RANK": str(rank),
        "WORLD_SIZE": str(ranks),
    }
    if rank:
        logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(record=True) as caught:
            work, backend, threads = pickle.loads(context)
            set_threads(threads)
            keep_freed_memory()
            if backend == "nccl":
                torch.cuda.set_device(number)
            distributed.init_process_group(backend, rank=rank, world_size=ranks)
            result = work()
        if number == 0:
            ours = [(w.category, str(w.message)) for w in caught if w.filename.startswith(PACKAGE)]
            Path(folder, "result").write_bytes(pickle.dumps((result, ours)))
    except Seq2PointError as error:
        beside = Path(folder, f"error.{number}")
        beside.write_bytes(pickle.dumps(error))
        beside.replace(Path(folder, "error"))
        raise
    finally:
        if distributed.is_initialized():
            distributed.destroy_process_group()


def _read_pickle(path: Path) -> Any:
    """Return what a process wrote, None where it wrote nothing.

    Only this user can write to the folder, so that unpickling is safe.
    """
    return pickle.loads(path.read_bytes()) if path.exists() else None


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _get_backend_device() -> torch.device:
    if distributed.get_backend() == "nccl":
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu")
