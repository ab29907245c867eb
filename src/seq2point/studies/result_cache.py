"""A store of results: each is made once, under the hash of everything that decides it, and found
again from then on.

A study is a list of parts, and one line for each:

    store = Store("runs/study")
    found = store.result(Part("kettle-seed0", {"data": sha256, "settings": ..., "seed": 0}), make)

`make` gets the part's folder, leaves its files there (a model, say) and returns the result as JSON.
What only an unfinished part needs, its checkpoints above all, belongs in `unfinished` inside that
folder: it is still there when the part is made again after an interruption, and goes when the part
is done.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files as resources
from pathlib import Path
from typing import Any, NamedTuple

from seq2point.errors import Seq2PointError, TrainingError
from seq2point.system.atomic_files import write_json

DECIDES_NOTHING = ("cli", "plots.py")
UNFINISHED = "unfinished"


@cache
def source_hash() -> str:
    """The SHA-256 of the package's source, but for the command line and the pictures, which decide
    no number.
    """
    root = Path(str(resources("seq2point")))
    digest = hashlib.sha256()
    for path in sorted(path for ending in ("*.py", "*.c") for path in root.rglob(ending)):
        name = path.relative_to(root)
        if name.parts[0] not in DECIDES_NOTHING:
            digest.update(
                f"{name.as_posix()}\n{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode()
            )
    return digest.hexdigest()


class Record(NamedTuple):
    """A finished part as it lies in a store: what decided it, the code that made it, its result and
    its folder.
    """

    decides: Mapping[str, Any]
    code: str
    result: Mapping[str, Any]
    folder: Path

    @property
    def key(self) -> str:
        """The key of the part."""
        return CachedResult("", self.decides).key


@dataclass(frozen=True)
class CachedResult:
    """One result of a study: a name to read it by, and all that decides it, as JSON.

    The code that makes it decides too; the store adds it.
    """

    name: str
    decides: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The SHA-256 of what decides the result, in whatever order.

        Raises ValueError for what is no JSON.
        """
        text = json.dumps(self.decides, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()


class ResultCache:
    """Results in a folder, one folder a part.

    With `any_code`, results that other versions of the code have made count too.
    """

    def __init__(self, folder: str | Path, any_code: bool = False):
        self.path, self.any_code = Path(folder), any_code

    def folder(self, part: CachedResult) -> Path:
        """Where a part's files are, or will be."""
        key = part.key[:16]
        own = self.path / f"{re.sub(r'[^A-Za-z0-9._-]+', '_', part.name)}-{key}-{source_hash()[:8]}"
        if self.any_code and not (own / "result.json").exists():
            others = list(self.path.glob(f"*-{key}-????????/result.json"))
            return max(others, key=lambda path: path.stat().st_mtime).parent if others else own
        return own

    def found(self, part: CachedResult) -> dict[str, Any] | None:
        """The result of a finished part, None of one that is not; raises TrainingError where its
        record is damaged.
        """
        path = self.folder(part) / "result.json"
        if not path.exists():
            return None
        record = _read(path)
        if record.decides != json.loads(json.dumps(part.decides)):
            raise TrainingError(f"{path}: is of another part; remove its folder to make this one")
        return dict(record.result)

    def records(self) -> list[Record]:
        """All finished parts in the order in which they were made; raises TrainingError where a
        record is damaged.
        """
        paths = sorted(
            self.path.glob("*/result.json"), key=lambda path: (path.stat().st_mtime_ns, path)
        )
        return [_read(path) for path in paths]

    def result(
        self, part: CachedResult, make: Callable[[Path], Mapping[str, Any]]
    ) -> dict[str, Any]:
        """The result of a part: as it was found, or else as it is made now and kept."""
        found = self.found(part)
        if found is not None:
            return found
        folder = self.folder(part)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Seq2PointError(f"{folder}: cannot be made ({error.strerror})") from None
        result = json.loads(json.dumps(make(folder)))
        write_json(
            {
                "name": part.name,
                "decides": dict(part.decides),
                "code": source_hash(),
                "result": result,
            },
            folder / "result.json",
        )
        shutil.rmtree(folder / UNFINISHED, ignore_errors=True)
        return dict(result)


def _read(path: Path) -> Record:
    try:
        record = json.loads(path.read_text())
        return Record(
            dict(record["decides"]), str(record["code"]), dict(record["result"]), path.parent
        )
    except (ValueError, KeyError, TypeError, RecursionError, OSError) as error:
        raise TrainingError(
            f"{path}: damaged ({error}); remove its folder to make this part again"
        ) from None
