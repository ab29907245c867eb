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
    """What `run.json` holds: what decides the weights ('asked'), the plan, and their SHA-256."""

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
    """Where a training keeps what it needs to go on.

    The plan of steps is fixed here once, so a resumed run keeps it.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.checkpoint = self.path / "checkpoints" / "last.ckpt"
        self.logs = self.path / "logs"
        self._record = self.path / "run.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other training out of this folder; the system lets it go however this process
        ends.

        Raises TrainingError where another one is at work there.
        """
        with explain_write_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            folder = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(folder)
            raise TrainingError(
                f"{self.path}: another training is at work in this folder; wait for it, or choose"
                " another folder"
            ) from None
        except OSError:
            pass  # a file system without locks
        try:
            yield
        finally:
            os.close(folder)

    def plan_to_resume(self, identity: dict[str, Any]) -> Plan | None:
        """Return the plan of the run in this folder, None where there is none to resume.

        Raises UsageError for a run of other data or options, and of version 0.1.0; TrainingError
        for a damaged record.
        """
        if not self._record.exists():
            return None
        record = self._read()
        here, now = record.identity, json.loads(json.dumps(identity))
        if here != now and record.sha256 is None:
            raise UsageError(
                f"{self.path}: a run of version 0.1.0, whose checkpoints have no checksum: finish"
                " it with that version, or begin anew with `overwrite`"
            )
        if here != now:
            raise UsageError(
                f"{self.path}: cannot resume with another {_differences(here, now)} than the run"
                " began with"
            )
        return record.plan

    def clear(self, overwrite: bool) -> None:
        """Make room for a new run.

        Raises UsageError where another one lies, finished or not, unless it may be overwritten.
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
            for old in (self.checkpoint.parent, self.logs):
                shutil.rmtree(old, ignore_errors=True)
            self._record.unlink(missing_ok=True)

    def is_finished(self) -> bool:
        """Whether a run lies here and is done; raises TrainingError for a damaged record."""
        return self._record.exists() and self._read().finished

    def write(self, identity: dict[str, Any], plan: Plan, finished: bool) -> None:
        """Record what decides the weights, the plan, and whether the run is done."""
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
            why = "" if record.sha256 in (None, record.digest()) else "its checksum differs"
        except OSError as error:
            why = error.strerror or str(error)
        except ValidationError as error:
            first = error.errors()[0]
            why = " ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))
        if why:
            raise TrainingError(f"{self._record}: damaged ({why}); train anew with `overwrite`")
        return record


def _differences(here: dict[str, Any], now: dict[str, Any]) -> str:
    """The names of what differs: of a setting rather than of the settings."""
    names: list[str] = []
    for name, value in now.items():
        before = here.get(name)
        if isinstance(value, dict) and isinstance(before, dict):
            names += [key for key in value if before.get(key) != value[key]]
        elif before != value:
            names.append(name)
    return ", ".join(names)
