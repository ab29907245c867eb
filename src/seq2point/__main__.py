"""`seq2point` and `python -m seq2point`: the command line."""

import signal
import sys


def main() -> None:
    """Run the command line; Ctrl-C ends it in one line even while it is imported."""
    try:
        from seq2point.cli import main as run

        run()
    except KeyboardInterrupt:
        print("seq2point: stopped", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)


if __name__ == "__main__":
    main()
