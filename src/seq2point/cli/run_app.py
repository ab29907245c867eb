"""Running a command: what a user can cause comes out as one line and an exit code."""

import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import Any

from seq2point.cli.help_and_usage import TYPERS_ERROR, usage_error
from seq2point.errors import Interrupted, Seq2PointError, UsageError

EXTRAS = dict.fromkeys(("torch", "lightning", "safetensors", "matplotlib", "tensorboard"), "train")
EXTRAS |= dict.fromkeys(("h5py", "hdf5plugin"), "convert") | {
    "onnxruntime": "edge",
    "onnx": "export",
    "ai_edge_litert": "litert",
}

OUTPUTS = ("out", "json", "plot")
RESUMABLE = "{kept}, and the same command with --resume goes on from it"
TYPERS_INTERRUPT = 130


class StoppedError(Seq2PointError):
    """A signal has ended a verb; the text says how to go on."""

    def __init__(self, number: int, advice: str):
        super().__init__(f"stopped; {advice}" if advice else "stopped")
        self.exit_code = 128 + number


def guard_inputs(verb: Callable[..., None]) -> Callable[..., None]:
    """A verb that refuses, before anything is read, to write over a file that it reads, or two
    results to one file.

    A signal ends it in one line.
    """

    @wraps(verb)
    def guarded(**given: Any) -> None:
        outputs = {
            name: given[name]
            for name in OUTPUTS
            if isinstance(given.get(name), Path) and str(given[name]) != "-"
        }
        inputs = [
            path for name, value in given.items() if name not in OUTPUTS for path in _paths(value)
        ]
        for name, output in outputs.items():
            if output.is_file() and any(
                path.is_file() and path.samefile(output) for path in inputs
            ):
                raise UsageError(
                    f"--{name} {output}: would replace a file that is read; give it another name"
                )
        if len({output.resolve() for output in outputs.values()}) < len(outputs):
            raise UsageError(
                f"{' and '.join(f'--{name}' for name in outputs)}: two results cannot be one file"
            )
        with report_stop(RESUMABLE if "resume" in given else ""):
            verb(**given)

    return guarded


def _paths(value: Any) -> list[Path]:
    return [
        path for path in (value if isinstance(value, list) else [value]) if isinstance(path, Path)
    ]


@contextmanager
def report_stop(advice: str) -> Iterator[None]:
    """Make a signal that ends the work inside one line: what is kept, and the advice how to go on."""
    try:
        yield
    except KeyboardInterrupt as stopped:
        number, kept = getattr(stopped, "number", signal.SIGINT), getattr(stopped, "kept", "")
        raise StoppedError(
            number, advice.format(kept=kept) if kept or advice != RESUMABLE else ""
        ) from None


def run_app(app: Callable[..., object], name: str | None = None) -> None:
    """Run a Typer app under a name, else that of the program; a warning is one line.

    Exits with 0, 1 (failed), 2 (usage) or 128 and the number of a signal.

    Raises SystemExit, and whatever is a defect of ours.
    """
    received: list[int] = []
    try:
        with warnings.catch_warnings(), _signals(received):
            warnings.showwarning = lambda message, *_, **__: _print_error(f"warning: {message}")
            try:
                _call(app, name)
            finally:
                sys.stdout.flush()  # what cannot be printed shows here, not when Python ends
    except Seq2PointError as error:
        sys.exit(_fail(str(error), error.exit_code))
    except KeyboardInterrupt as stopped:
        sys.exit(_fail("stopped", 128 + getattr(stopped, "number", signal.SIGINT)))
    except SystemExit as left:
        if left.code != TYPERS_INTERRUPT:
            raise
        sys.exit(_fail("stopped", 128 + (received[0] if received else signal.SIGINT)))
    except BrokenPipeError:
        _silence_stdout()
        sys.exit(1)
    except OSError as error:
        _silence_stdout()
        sys.exit(
            _fail(f"{error.filename or 'output'}: cannot be written ({error.strerror or error})", 1)
        )
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        sys.exit(
            _fail(f"this needs {error.name}; install it with: pip install 'seq2point[{extra}]'", 1)
        )


def _call(app: Callable[..., object], name: str | None) -> None:
    """Run a Typer app, whose own errors become one line instead of boxes; raises SystemExit with
    the code that it leaves with.
    """
    try:
        code = app(standalone_mode=False, prog_name=name)
    except TYPERS_ERROR as error:
        print(usage_error(error), file=sys.stderr)
        code = getattr(error, "exit_code", UsageError.exit_code)
    if code:
        raise SystemExit(code)


@contextmanager
def _signals(received: list[int]) -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the work as Ctrl-C does, their numbers added to `received`; what
    is ignored stays so.
    """

    def stop(number: int, _: FrameType | None) -> None:
        received.append(number)
        raise Interrupted(number)

    ours = threading.current_thread() is threading.main_thread()
    numbers = [
        n for n in (signal.SIGTERM, signal.SIGHUP) if ours and signal.getsignal(n) == signal.SIG_DFL
    ]
    for number in numbers:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


def _silence_stdout() -> None:
    """Let Python's own flush at its end go nowhere: what it holds could not be written."""
    with suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _fail(text: str, code: int) -> int:
    _print_error(text)
    return code


def _print_error(text: str) -> None:
    with suppress(OSError):
        print(f"seq2point: {text}", file=sys.stderr)
