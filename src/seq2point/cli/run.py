"""Running a command: what a user can cause comes out as one line and an exit code."""

import sys
from collections.abc import Callable

from seq2point.errors import Seq2PointError

EXTRAS = dict.fromkeys(("torch", "lightning", "safetensors", "sklearn", "matplotlib", "tensorboard"), "train")


def run(app: Callable[[], object]) -> None:
    """Run a Typer app; exits with 0, 1 (failed) or 2 (usage).

    Raises SystemExit, and whatever is a defect of ours.
    """
    try:
        app()
    except Seq2PointError as error:
        sys.exit(_say(str(error), error.exit_code))
    except KeyboardInterrupt:
        sys.exit(_say("stopped; a training goes on from its last checkpoint with --resume", 1))
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        sys.exit(_say(f"this needs {error.name}; install it with: pip install 'seq2point[{extra}]'", 1))


def _say(text: str, code: int) -> int:
    print(f"seq2point: {text}", file=sys.stderr)
    return code
