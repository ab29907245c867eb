"""What can go wrong, as a tree: catch `Seq2PointError` for all of it.

Seq2PointError          exit code 1
  DataError             a file or series that cannot be used: what, where, what to do
  ModelFileError        a model file that is damaged, altered or of another kind
  TrainingError         a training that cannot go on
  VerificationError     exit code 3: an exported model that is not as good as the one it came from
  UsageError            exit code 2: an unknown name, a setting out of range, options that contradict each other
  UnhealthyDataError    exit code 3: the data doctor could do its work, and found errors in what it checked

Interrupted             no error: a signal that ended the work, as a KeyboardInterrupt
"""

import signal


class Interrupted(KeyboardInterrupt):
    """A signal has ended the work: its number, and what of the work is kept ('' for nothing)."""

    def __init__(self, number: int = signal.SIGINT, kept: str = ""):
        super().__init__(kept)
        self.number, self.kept = int(number), kept


class Seq2PointError(Exception):
    """Base of all errors that a user can cause; its text is one line that says what, where and what
    to do.
    """

    exit_code = 1

    def __str__(self) -> str:
        return " ".join(super().__str__().splitlines())


class DataError(Seq2PointError):
    """A file or a series cannot be used as it is."""


class ModelFileError(Seq2PointError):
    """A model file is damaged, altered, or not one of ours."""


class TrainingError(Seq2PointError):
    """A training cannot start or go on."""


class VerificationError(Seq2PointError):
    """An exported model is further from the native one than the limits allow."""

    exit_code = 3


class UsageError(Seq2PointError):
    """The caller asked for something that does not exist or does not fit.

    `field` is the option that does not fit, where it is one; `str` puts it before the text.
    """

    exit_code = 2

    def __init__(self, text: str, field: str | None = None):
        super().__init__(text if field is None else f"{field} {text}")
        self.text, self.field = text, field


class UnhealthyDataError(Seq2PointError):
    """The data doctor found errors in a recording."""

    exit_code = 3
