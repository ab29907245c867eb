"""The folder of a run: what it was asked to do (`run.json`), its checkpoints and its logs."""

import json
import shutil
from pathlib import Path
from typing import Any

from seq2point.errors import UsageError
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

        Raises UsageError when that run was asked for something else.
        """
        if not self._record.exists():
            return None
        found = json.loads(self._record.read_text())
        here, now = found["asked"], json.loads(json.dumps(asked))
        if here != now:
            changed = [name for name in now if here.get(name) != now[name]]
            raise UsageError(f"{self.path}: cannot resume with another {', '.join(changed)} than the run began with")
        return Plan(**found["plan"])

    def clear(self, overwrite: bool) -> None:
        """Make room for a new run.

        Raises UsageError when an unfinished one stands here, unless it may be overwritten.
        """
        if self._record.exists() and not overwrite and not json.loads(self._record.read_text())["finished"]:
            raise UsageError(f"{self.path}: holds an unfinished run; go on with --resume, or begin anew with --overwrite")
        for old in (self.checkpoint.parent, self.logs):
            shutil.rmtree(old, ignore_errors=True)
        self._record.unlink(missing_ok=True)

    def write(self, asked: dict[str, Any], plan: Plan, finished: bool) -> None:
        """Record what was asked, what was planned and whether it is done."""
        with written_whole(self._record) as beside:
            beside.write_text(json.dumps({"asked": asked, "plan": plan._asdict(), "finished": finished}, indent=2))
