"""What an exported file says of itself, and the seal that tells whether it is still what was
written.

Formats differ in where they keep it: in a table of texts, one JSON text for each field of Facts, or
in one text for all. Last comes `sha256`, that of the whole file with zeros in its place.
"""

import hashlib
import json
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
    field_validator,
)

from seq2point.appliances import Appliance
from seq2point.errors import ModelFileError
from seq2point.recording.windows import Scale, find_mismatch

FORMAT = 1
DIGEST = "sha256"
WITHOUT_DIGEST = "0" * 64
IN_TEXT = f'"{DIGEST}": "'.encode()


class ExportMetadata(BaseModel):
    """An exported model's appliances, mains, shape and origin.

    `window` samples of mains, one every `period_s` seconds, give the power at sample
    `target_index`. With `sliding` the file answers for all windows of a chunk of any length.
    `scale` is inside the graph already. `quantization` says how it was made int8, None where it is
    float32. `fill` is how many missing readings of the mains in a row are filled. `model` is the
    shape of the network it was exported from. `constants_w` are the powers of appliances that it
    predicts alike whatever the mains are.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    format: int = FORMAT
    appliances: tuple[Appliance, ...] = Field(min_length=1)
    period_s: float = Field(gt=0)
    window: PositiveInt
    target_index: NonNegativeInt
    sliding: bool
    fill: NonNegativeInt = 0
    scale: Scale
    model: dict[str, Any]
    quantization: dict[str, Any] | None
    provenance: dict[str, Any]
    constants_w: dict[str, float] = {}

    @field_validator("quantization")
    @classmethod
    def _check_quantization(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        layers = [] if value is None else value.get("layers_in_float")
        calibration = {} if value is None else value.get("calibration", {})
        if not (
            isinstance(layers, list)
            and all(isinstance(name, str) for name in layers)
            and isinstance(calibration, dict)
        ):
            raise ValueError("layers_in_float must be a list of names, calibration a table")
        return value

    def entries(self) -> dict[str, str]:
        """The facts as texts, and a last entry for the seal."""
        return {name: json.dumps(value) for name, value in self.model_dump(mode="json").items()} | {
            DIGEST: WITHOUT_DIGEST
        }

    def as_text(self, **more: str) -> str:
        """The facts, and more that only one format needs, as one line of JSON, the seal last."""
        return json.dumps(self.model_dump(mode="json") | more | {DIGEST: WITHOUT_DIGEST})

    @classmethod
    def read(cls, entries: Mapping[str, str], path: Path) -> Self:
        """The facts of a file's texts; raises ModelFileError that names what is missing or strange."""
        return cls.of(
            {
                name: parse_metadata(text, path)
                for name, text in entries.items()
                if name in cls.model_fields
            },
            path,
        )

    @classmethod
    def of(cls, values: Mapping[str, Any], path: Path) -> Self:
        """The facts of a file; raises ModelFileError that names what is missing or strange."""
        if values.get("format") != FORMAT:
            raise ModelFileError(
                f"{path}: exported in format {values.get('format')}; this version reads format"
                f" {FORMAT}"
            )
        try:
            facts = cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            raise ModelFileError(
                f"{path}: metadata '{'.'.join(map(str, first['loc']))}': {first['msg']}"
            ) from None
        if (
            why := find_mismatch(facts.appliances, facts.scale, len(facts.appliances))
            or facts.contradiction()
        ):
            raise ModelFileError(f"{path}: metadata {why}")
        return facts

    def contradiction(self) -> str | None:
        """The field that another one contradicts, and how; None where all agree."""
        if self.target_index >= self.window:
            return f"target_index: {self.target_index} lies outside the window of {self.window}"
        own = {
            "window": self.window,
            "target_index": self.target_index,
            "outputs": len(self.appliances),
        }
        for name, value in own.items():
            if self.model.get(name, value) != value:
                return f"model.{name}: is {self.model[name]}, the other fields say {value}"
        return None


def parse_metadata(text: str, path: Path) -> Any:
    """What a JSON text says; raises ModelFileError for one that is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ModelFileError(f"{path}: its metadata are no JSON") from None


def read_text(path: Path) -> dict[str, Any]:
    """The facts in a file that holds them as one text on a line of its own, once its seal is
    checked; raises as that does.
    """
    check_digest(path, IN_TEXT)
    content = path.read_bytes()
    end = content.rindex(IN_TEXT) + len(IN_TEXT) + len(WITHOUT_DIGEST) + len(b'"}')
    found = parse_metadata(
        content[content.rfind(b"\n", 0, end) + 1 : end].decode(errors="replace"), path
    )
    if not isinstance(found, dict):
        raise ModelFileError(f"{path}: its metadata are no table")
    return found


def add_digest(content: bytes, marker: bytes) -> bytes:
    """A file's content with its SHA-256 in the place of the zeros that follow the last marker."""
    at = content.rindex(marker + WITHOUT_DIGEST.encode()) + len(marker)
    return (
        content[:at]
        + hashlib.sha256(content).hexdigest().encode()
        + content[at + len(WITHOUT_DIGEST) :]
    )


def check_digest(path: Path, marker: bytes) -> None:
    """Refuse a file that is not, to the byte, what was exported; nothing of it is executed or
    parsed.

    Raises ModelFileError for a file that is missing, of another kind, cut off or altered.
    """
    try:
        with (
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
        ):
            at = content.rfind(marker)
            end = at + len(marker) + len(WITHOUT_DIGEST)
            if at < 0 or end > len(content):
                raise ModelFileError(
                    f"{path}: not exported by seq2point, or cut off (its seal is missing); copy it"
                    " again"
                )
            at += len(marker)
            digest = hashlib.sha256()
            with memoryview(content) as view:
                digest.update(view[:at])
                digest.update(WITHOUT_DIGEST.encode())
                digest.update(view[end:])
            if content[at:end] != digest.hexdigest().encode():
                raise ModelFileError(
                    f"{path}: the file was altered or cut off (its SHA-256 differs); copy or export"
                    " it again"
                )
    except FileNotFoundError:
        raise ModelFileError(f"{path}: no such model file") from None
    except ValueError:
        raise ModelFileError(f"{path}: the file is empty") from None
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror})") from None
