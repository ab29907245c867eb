"""The record of a run: its folder with `run.json`, its checkpoints and its logs."""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seq2point.errors import TrainingError, UsageError
from seq2point.system.atomic_files import explain_write_errors, write_json
from seq2point.training.pace import Plan


class _Record(BaseModel):
    """The content of `run.json`: the run's identity, its plan, and their SHA-256.

    The identity is everything that decides the weights. The file calls it 'asked'.
    """

    model_config = ConfigDict(populate_by_name=True)

    identity: dict[str, Any] = Field(alias="asked")
    plan: Plan
    finished: bool
    sha256: str | None = None

    def digest(self) -> str:
        """Return the SHA-256 of what decides the weights, and of the plan."""
        text = json.dumps([self.identity, self.plan], sort_keys=True)
        return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


class RunFolder:
    """The folder of a run: its record, its checkpoints and its logs.

    The record fixes the plan of steps, so that a resumed run keeps it.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.checkpoint = self.path / "checkpoints" / "last.ckpt"
        self.logs = self.path / "logs"
        self.narrow = self.path / "narrow"
        self._record = self.path / "run.json"

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is a checkpoint to go on from, of the run or of its narrow training."""
        narrow = self.narrow / self.checkpoint.relative_to(self.path)
        return self.checkpoint.exists() or narrow.exists()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep every other training out of this folder.

        The system unlocks it, however this process ends.
        Raises TrainingError where another training runs in the folder.
        """
        with explain_write_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            folder = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(folder)
            raise TrainingError(
                f"{self.path}: another training runs in this folder; wait for it, or choose another"
                " folder"
            ) from None
        except OSError:
            pass  # a file system without locks
        try:
            yield
        finally:
            os.close(folder)

    def plan_to_resume(self, identity: dict[str, Any]) -> Plan | None:
        """Return the plan of the run in this folder, None where there is none to resume.

        Raises UsageError for a run of other data or options, or of version 0.1.0, and TrainingError
        for a damaged record.
        """
        if not self._record.exists():
            return None
        record = self._read()
        earlier, now = record.identity, json.loads(json.dumps(identity))
        if earlier != now and record.sha256 is None:
            raise UsageError(
                f"{self.path}: holds a run of version 0.1.0, whose checkpoints have no checksum;"
                " finish it with that version, or begin anew with `overwrite`"
            )
        if earlier != now:
            raise UsageError(
                f"{self.path}: cannot resume with another {_list_differences(earlier, now)} than"
                " the run began with"
            )
        return record.plan

    def clear(self, overwrite: bool, keep_narrow: bool = False) -> None:
        """Make room for a new run, and keep its narrow training if told so.

        Raises UsageError for an earlier run, finished or not, unless `overwrite` is true.
        """
        if self._record.exists() and not overwrite:
            if self.is_finished():
                raise UsageError(
                    f"{self.path}: holds a finished run; choose another folder, or begin anew with"
                    " `overwrite`"
                )
            raise UsageError(
                f"{self.path}: holds an unfinished run; go on with `resume`, or begin anew with"
                " `overwrite`"
            )
        with explain_write_errors(self.path):
            narrow = () if keep_narrow else (self.narrow,)
            for old in (self.checkpoint.parent, self.logs, *narrow):
                shutil.rmtree(old, ignore_errors=True)
            self._record.unlink(missing_ok=True)

    def read_identity(self) -> dict[str, Any]:
        """Return all that decides the weights of the run in this folder, as JSON.

        Raises TrainingError for a damaged record.
        """
        return self._read().identity

    def is_finished(self) -> bool:
        """Return whether the folder holds a finished run.

        Raises TrainingError for a damaged record.
        """
        return self._record.exists() and self._read().finished

    def is_older_than(self, path: Path) -> bool:
        """Return whether the run's record was written before a file."""
        return path.stat().st_mtime_ns >= self._record.stat().st_mtime_ns

    def write(self, identity: dict[str, Any], plan: Plan, finished: bool) -> None:
        """Write the record: the run's identity, its plan, and whether it is finished."""
        record = _Record(identity=json.loads(json.dumps(identity)), plan=plan, finished=finished)
        values = {
            "asked": identity,
            "plan": plan._asdict(),
            "finished": finished,
            "sha256": record.digest(),
        }
        write_json(values, self._record)

    def _read(self) -> _Record:
        try:
            record = _Record.model_validate_json(self._record.read_bytes())
            reason = "" if record.sha256 in (None, record.digest()) else "its checksum differs"
        except OSError as error:
            reason = error.strerror or str(error)
        except ValidationError as error:
            first = error.errors()[0]
            reason = " ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))
        if reason:
            raise TrainingError(f"{self._record}: damaged ({reason}); train anew with `overwrite`")
        return record


def _list_differences(earlier: dict[str, Any], now: dict[str, Any]) -> str:
    """Return the names of the parts that differ, and within a part its settings."""
    names: list[str] = []
    for name, value in now.items():
        before = earlier.get(name)
        if isinstance(value, dict) and isinstance(before, dict):
            names += [key for key in value if before.get(key) != value[key]]
        elif before != value:
            names.append(name)
    return ", ".join(names)
