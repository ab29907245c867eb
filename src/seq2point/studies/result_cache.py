"""Make each result of a study once, keep it in a folder, and find it again by what decides it.

    cache = ResultCache("runs/study")
    part = CachedResult("kettle-seed0", {"data": sha256, "settings": ..., "seed": 0}, VERSION)
    result = cache.find_or_make(part, make)

`make` gets the part's folder, leaves its files there (a model, say) and returns the result as JSON.
What only an unfinished part needs, its checkpoints above all, belongs in `unfinished` inside that
folder: it is still there when the part is made again after an interruption, and goes when the part
is done.

A part's version is a constant beside the code that makes it. Raise it whenever the same inputs
would give another result. Results that another version made stay in the folder; a cache takes them
only with `any_version`.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from seq2point.errors import Seq2PointError, TrainingError
from seq2point.system.atomic_files import write_json

RESULT = "result.json"
UNFINISHED = "unfinished"
KEYED_BY_SOURCE = 0
"""The version of every result that seq2point 0.1.0 made: it kept a hash of its source instead."""

Make = Callable[[Path], Mapping[str, Any]]


class Record(NamedTuple):
    """A finished part in a cache: its inputs, the version that made it, its result, its folder."""

    decides: Mapping[str, Any]
    version: int
    result: Mapping[str, Any]
    folder: Path

    @property
    def key(self) -> str:
        """The key of the part."""
        return CachedResult("", self.decides).key


@dataclass(frozen=True)
class CachedResult:
    """One result of a study: a name to read it by, its inputs as JSON, and a version.

    `decides` holds every input that decides the result. `version` counts the changes of the code
    that makes it.
    """

    name: str
    decides: Mapping[str, Any]
    version: int = 1

    @property
    def key(self) -> str:
        """The SHA-256 of the inputs, in whatever order.

        Raises ValueError for what is no JSON.
        """
        text = json.dumps(self.decides, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()


class ResultCache:
    """Results in a folder, one folder a part.

    With `any_version`, results that other versions have made count too.
    """

    def __init__(self, path: str | Path, any_version: bool = False):
        self.path, self.any_version = Path(path), any_version

    def find_folder(self, part: CachedResult) -> Path:
        """Return where a part's files are, or will be."""
        key, stem = part.key[:16], re.sub(r"[^A-Za-z0-9._-]+", "_", part.name)
        own = self.path / f"{stem}-{key}-v{part.version}"
        if self.any_version and not (own / RESULT).exists():
            others = list(self.path.glob(f"*-{key}-*/{RESULT}"))
            return max(others, key=lambda path: path.stat().st_mtime).parent if others else own
        return own

    def find(self, part: CachedResult) -> dict[str, Any] | None:
        """Return the result of a finished part, None for one that is not.

        Raises TrainingError where its record is damaged.
        """
        path = self.find_folder(part) / RESULT
        if not path.exists():
            return None
        record = _read_record(path)
        if record.decides != json.loads(json.dumps(part.decides)):
            raise TrainingError(f"{path}: is of another part; remove its folder to make this one")
        return dict(record.result)

    def list_records(self, without: Container[Path] = ()) -> list[Record]:
        """Return all finished parts in the order in which they were made, but those in `without`.

        Raises TrainingError where a record is damaged.
        """
        paths = sorted(
            self.path.glob(f"*/{RESULT}"), key=lambda path: (path.stat().st_mtime_ns, path)
        )
        return [_read_record(path) for path in paths if path.parent not in without]

    def find_unusable(self) -> dict[Path, str]:
        """Return the folders of parts without a usable result, each with the reason."""
        reasons = {}
        for path in sorted(self.path.glob(f"*/{RESULT}")):
            try:
                _read_record(path)
            except TrainingError as error:
                reasons[path.parent] = str(error).removeprefix(f"{path}: ")
        for path in sorted(self.path.glob(f"*/{UNFINISHED}")):
            if not (path.parent / RESULT).exists():
                reasons[path.parent] = "unfinished; the same command goes on with it"
        return reasons

    def find_or_make(self, part: CachedResult, make: Make) -> dict[str, Any]:
        """Return the result of a part: from the cache, or made now and kept."""
        cached = self.find(part)
        if cached is not None:
            return cached
        folder = self.find_folder(part)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Seq2PointError(f"{folder}: cannot be made ({error.strerror})") from None
        result = json.loads(json.dumps(make(folder)))
        record = {
            "name": part.name,
            "decides": dict(part.decides),
            "version": part.version,
            "result": result,
        }
        write_json(record, folder / RESULT)
        shutil.rmtree(folder / UNFINISHED, ignore_errors=True)
        return dict(result)


def _read_record(path: Path) -> Record:
    try:
        record = json.loads(path.read_text())
        version = KEYED_BY_SOURCE if "code" in record else int(record["version"])
        return Record(dict(record["decides"]), version, dict(record["result"]), path.parent)
    except (ValueError, KeyError, TypeError, RecursionError, OSError) as error:
        raise TrainingError(
            f"{path}: damaged ({error}); remove its folder to make this part again"
        ) from None
