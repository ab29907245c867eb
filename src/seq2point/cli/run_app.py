"""Running a command: an error that a user can cause becomes one line and an exit code."""

import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from seq2point.cli.help_and_usage import TYPERS_ERROR, usage_error
from seq2point.errors import Interrupted, Seq2PointError, UsageError

EXTRAS = dict.fromkeys(("torch", "lightning", "safetensors", "matplotlib", "tensorboard"), "train")
EXTRAS |= dict.fromkeys(("h5py", "hdf5plugin"), "convert") | {
    "onnxruntime": "edge",
    "onnx": "export",
    "ai_edge_litert": "litert",
}
EXTRAS |= dict.fromkeys(("aiomqtt", "paho", "websockets"), "live")
EXTRAS |= {"fsspec": "fleet", "s3fs": "fleet", "ray": "cluster", "optuna": "search"}
EXTRAS |= dict.fromkeys(("mlflow", "sqlalchemy"), "mlflow")

RESUMABLE = "{kept}, and the same command with --resume goes on from it"
TYPERS_INTERRUPT = 130


class StoppedError(Seq2PointError):
    """A signal has stopped a verb; the text says how to go on."""

    def __init__(self, number: int, advice: str):
        super().__init__(f"stopped; {advice}" if advice else "stopped")
        self.exit_code = 128 + number


@contextmanager
def report_stop(advice: str) -> Iterator[None]:
    """Turn a signal that stops the work inside into one line: the files kept, and the advice."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        number = getattr(interrupt, "number", signal.SIGINT)
        kept = getattr(interrupt, "kept", "")
        advice = advice.format(kept=kept) if kept or advice != RESUMABLE else ""
        raise StoppedError(number, advice) from None


def run_app(app: Callable[..., object], name: str | None = None) -> None:
    """Run a Typer app under a name, by default that of the program; a warning is one line.

    Raises SystemExit with 0, 1 (failed), 2 (usage), 3 (a check failed) or 128 plus the number of a
    signal. An error that no user can cause passes through.
    """
    received: list[int] = []
    try:
        with warnings.catch_warnings(), _signals(received):
            warnings.showwarning = lambda message, *_, **__: _print_warning(str(message))
            try:
                _call(app, name)
            finally:
                if sys.stdout is not None:  # it may be closed
                    sys.stdout.flush()  # what cannot be printed shows here, not when Python ends
    except Seq2PointError as error:
        sys.exit(_fail(str(error), error.exit_code))
    except KeyboardInterrupt as interrupt:
        sys.exit(_fail("stopped", 128 + getattr(interrupt, "number", signal.SIGINT)))
    except SystemExit as error:
        if error.code != TYPERS_INTERRUPT:
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
    """Run a Typer app, whose own errors become one line instead of boxes.

    Raises SystemExit with its exit code, where that is not 0.
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
    """Let SIGTERM and SIGHUP stop the work as Ctrl-C does, and add their numbers to `received`.

    An ignored signal stays ignored.
    """

    def stop(number: int, _: FrameType | None) -> None:
        received.append(number)
        raise Interrupted(number)

    numbers = []
    if threading.current_thread() is threading.main_thread():
        numbers = [
            number
            for number in (signal.SIGTERM, signal.SIGHUP)
            if signal.getsignal(number) == signal.SIG_DFL
        ]
    for number in numbers:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


def _silence_stdout() -> None:
    """Send standard output nowhere: Python's flush at its end would fail again."""
    with suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _fail(text: str, code: int) -> int:
    _print_error(text)
    return code


def _print_warning(text: str) -> None:
    from seq2point.cli.declare import say_flags

    _print_error(f"warning: {say_flags(text)}")


def _print_error(text: str) -> None:
    with suppress(OSError):
        print(f"seq2point: {text}", file=sys.stderr)
