"""The folder of a run: what it was asked to do (`run.json`), its checkpoints and its logs."""

import json
import shutil
from pathlib import Path
from typing import Any

from seq2point.errors import TrainingError, UsageError
from seq2point.files import written_whole
from seq2point.training.settings import Plan


class RunFolder:
    """Where a training keeps what it needs to go on. The plan of steps is fixed here once, so a resumed run keeps it."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.checkpoint = self.path / "checkpoints" / "last.ckpt"
        self.logs = self.path / "logs"
        self._record = self.path / "run.json"

    def plan_to_resume(self, asked: dict[str, Any]) -> Plan | None:
        """The plan of the run that stands here, None where there is none to resume.

        Raises UsageError when that run was asked for something else, TrainingError when its record is damaged.
        """
        if not self._record.exists():
            return None
        found = self._read()
        here, now = found["asked"], json.loads(json.dumps(asked))
        if here != now:
            raise UsageError(f"{self.path}: cannot resume with another {_differences(here, now)} than the run began with")
        return Plan(**found["plan"])

    def clear(self, overwrite: bool) -> None:
        """Make room for a new run.

        Raises UsageError when another one stands here, finished or not, unless it may be overwritten.
        """
        if self._record.exists() and not overwrite:
            if self.is_finished():
                raise UsageError(f"{self.path}: holds a finished run; choose another folder, or begin anew with --overwrite")
            raise UsageError(f"{self.path}: holds an unfinished run; go on with --resume, or begin anew with --overwrite")
        for old in (self.checkpoint.parent, self.logs):
            shutil.rmtree(old, ignore_errors=True)
        self._record.unlink(missing_ok=True)

    def is_finished(self) -> bool:
        """Whether the run that stands here is done; raises TrainingError when its record is damaged."""
        return bool(self._read()["finished"])

    def write(self, asked: dict[str, Any], plan: Plan, finished: bool) -> None:
        """Record what was asked, what was planned and whether it is done."""
        with written_whole(self._record) as beside:
            beside.write_text(json.dumps({"asked": asked, "plan": plan._asdict(), "finished": finished}, indent=2))

    def _read(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self._record.read_text())
        except ValueError as error:
            raise TrainingError(f"{self._record}: damaged ({error}); train anew with --overwrite") from None
        return found


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
