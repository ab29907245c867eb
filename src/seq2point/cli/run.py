"""Running a command: what a user can cause comes out as one line and an exit code."""

import sys
import warnings
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from seq2point.cli.usage import TYPERS_ERROR, usage_error
from seq2point.errors import Seq2PointError, UsageError

EXTRAS = dict.fromkeys(("torch", "lightning", "safetensors", "sklearn", "matplotlib", "tensorboard"), "train")
EXTRAS |= dict.fromkeys(("h5py", "hdf5plugin"), "convert") | {"onnxruntime": "edge", "onnx": "export", "ai_edge_litert": "litert"}

OUTPUTS = ("out", "json", "plot")
STOPPED = "stopped; --resume goes on from a training's last checkpoint"
TYPERS_INTERRUPT = 130


def keeping_inputs(verb: Callable[..., None]) -> Callable[..., None]:
    """A verb that refuses, before anything is read, to write over a file that it reads, or two results to one file."""

    @wraps(verb)
    def guarded(**given: Any) -> None:
        outputs = {name: given[name] for name in OUTPUTS if isinstance(given.get(name), Path) and str(given[name]) != "-"}
        inputs = [path for name, value in given.items() if name not in OUTPUTS for path in _paths(value)]
        for name, output in outputs.items():
            if output.is_file() and any(path.is_file() and path.samefile(output) for path in inputs):
                raise UsageError(f"--{name} {output}: would replace a file that is read; give it another name")
        if len({output.resolve() for output in outputs.values()}) < len(outputs):
            raise UsageError(f"{' and '.join(f'--{name}' for name in outputs)}: two results cannot be one file")
        verb(**given)

    return guarded


def _paths(value: Any) -> list[Path]:
    return [path for path in (value if isinstance(value, list) else [value]) if isinstance(path, Path)]


def run(app: Callable[..., object], name: str | None = None) -> None:
    """Run a Typer app under a name, else that of the program; exits with 0, 1 (failed) or 2 (usage). A warning is one line too.

    Raises SystemExit, and whatever is a defect of ours.
    """
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: _show(f"warning: {message}")
            _call(app, name)
    except Seq2PointError as error:
        sys.exit(_say(str(error), error.exit_code))
    except KeyboardInterrupt:
        sys.exit(_say(STOPPED, 1))
    except SystemExit as left:
        if left.code != TYPERS_INTERRUPT:
            raise
        sys.exit(_say(STOPPED, 1))
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        sys.exit(_say(f"this needs {error.name}; install it with: pip install 'seq2point[{extra}]'", 1))


def _call(app: Callable[..., object], name: str | None) -> None:
    """Run a Typer app, whose own errors become one line instead of boxes; raises SystemExit with the code that it leaves with."""
    try:
        code = app(standalone_mode=False, prog_name=name)
    except TYPERS_ERROR as error:
        print(usage_error(error), file=sys.stderr)
        code = getattr(error, "exit_code", UsageError.exit_code)
    if code:
        raise SystemExit(code)


def _say(text: str, code: int) -> int:
    _show(text)
    return code


def _show(text: str) -> None:
    print(f"seq2point: {text}", file=sys.stderr)
