"""The errors of this package, as a tree: catch `Seq2PointError` for all of them.

Seq2PointError          exit code 1
  DataError             a file or series cannot be used
  ModelFileError        a model file is damaged, altered or of another kind
  TrainingError         a training cannot start or go on
  VerificationError     exit code 3: an exported model is not as good as the model it came from
  UsageError            exit code 2: an unknown name, a setting out of range, conflicting settings
  UnhealthyDataError    exit code 3: the data check ran and found errors in the data
  IncompleteFleetError  exit code 3: a fleet is done, but for homes that were set aside
  IncompleteStudyError  exit code 3: a study is done, but for parts that failed

Interrupted             a signal ended the work: a KeyboardInterrupt, no error
"""

import signal


class Interrupted(KeyboardInterrupt):
    """A signal ended the work. `kept` says in words what of the work is kept, '' for nothing."""

    def __init__(self, number: int = signal.SIGINT, kept: str = ""):
        super().__init__(kept)
        self.number, self.kept = int(number), kept


class Seq2PointError(Exception):
    """Base of all errors that a user can cause. The text is one line: what, where, what to do.

    The text names options as Python does, in backticks. The command line writes their flags.
    """

    exit_code = 1

    def __str__(self) -> str:
        return " ".join(super().__str__().splitlines())


class DataError(Seq2PointError):
    """A file or a series cannot be used."""


class ModelFileError(Seq2PointError):
    """A model file is damaged, altered or of another kind."""


class TrainingError(Seq2PointError):
    """A training cannot start or go on."""


class VerificationError(Seq2PointError):
    """An exported model differs from the original by more than the tolerances."""

    exit_code = 3


class UsageError(Seq2PointError):
    """A name is unknown, a setting is out of range, or settings conflict.

    `field` is the option that does not fit, where it is one; `str` puts it before the text.
    """

    exit_code = 2

    def __init__(self, text: str, field: str | None = None):
        super().__init__(text if field is None else f"{field} {text}")
        self.text, self.field = text, field


class UnhealthyDataError(Seq2PointError):
    """The data check found errors in a recording."""

    exit_code = 3


class IncompleteFleetError(Seq2PointError):
    """All homes of a fleet are done but for some that were set aside, or that failed."""

    exit_code = 3


class IncompleteStudyError(Seq2PointError):
    """All parts of a study are done but for some that failed."""

    exit_code = 3
