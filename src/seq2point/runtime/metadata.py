"""The metadata of an exported file, and the digest that shows whether the file was altered.

Formats differ in where they keep it. Some have a table of texts, one JSON text for each field of
ExportMetadata, others one text for all fields. The last entry, `sha256`, is the SHA-256 of the
whole file with zeros in its place.
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
from seq2point.recording.scaling import Scale, find_output_mismatch

FORMAT = 1
DIGEST = "sha256"
WITHOUT_DIGEST = "0" * 64
IN_TEXT = f'"{DIGEST}": "'.encode()


class ExportMetadata(BaseModel):
    """An exported model's appliances, mains, shape and provenance.

    `window` samples of mains, one every `period_s` seconds, give the power at sample
    `target_index`. A `sliding` file predicts all windows of a chunk of any length. `scale` is in
    the graph already. `quantization` says how the file was made int8; it is None for float32.
    `fill` is how many missing readings of the mains in a row are filled. `model` is the
    architecture that it was exported from. `constants_w` are the powers of appliances whose
    prediction is the same whatever the mains are.
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
            raise ValueError("layers_in_float must be a list of names, calibration an object")
        return value

    def to_entries(self) -> dict[str, str]:
        """Return the fields as JSON texts by name, and a last entry for the digest."""
        return {name: json.dumps(value) for name, value in self.model_dump(mode="json").items()} | {
            DIGEST: WITHOUT_DIGEST
        }

    def to_text(self, **more: str) -> str:
        """Return the fields and `more` as one line of JSON, the digest last."""
        return json.dumps(self.model_dump(mode="json") | more | {DIGEST: WITHOUT_DIGEST})

    @classmethod
    def parse_entries(cls, entries: Mapping[str, str], path: Path) -> Self:
        """Return the metadata of a file's JSON texts by name; raise ModelFileError as `parse`
        does.
        """
        return cls.parse(
            {
                name: parse_metadata(text, path)
                for name, text in entries.items()
                if name in cls.model_fields
            },
            path,
        )

    @classmethod
    def parse(cls, values: Mapping[str, Any], path: Path) -> Self:
        """Return the metadata of a file's fields.

        Raises ModelFileError for another format, and for a field that is missing or does not fit.
        """
        if values.get("format") != FORMAT:
            raise ModelFileError(
                f"{path}: exported in format {values.get('format')}; this version reads format"
                f" {FORMAT}"
            )
        try:
            metadata = cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            raise ModelFileError(
                f"{path}: metadata '{'.'.join(map(str, first['loc']))}': {first['msg']}"
            ) from None
        mismatch = find_output_mismatch(
            metadata.appliances, metadata.scale, len(metadata.appliances)
        )
        if mismatch := mismatch or metadata.find_contradiction():
            raise ModelFileError(f"{path}: metadata {mismatch}")
        return metadata

    def find_contradiction(self) -> str | None:
        """Return the field that another one contradicts, and how; None where all agree."""
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
    """Return the value of a JSON text; raise ModelFileError for a text that is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ModelFileError(f"{path}: its metadata is not JSON") from None


def read_metadata_line(path: Path) -> dict[str, Any]:
    """Return the metadata of a file that holds it as one line of JSON.

    Raises ModelFileError as `check_digest` does, and where the line is not a JSON object.
    """
    check_digest(path, IN_TEXT)
    content = path.read_bytes()
    end = content.rindex(IN_TEXT) + len(IN_TEXT) + len(WITHOUT_DIGEST) + len(b'"}')
    line = content[content.rfind(b"\n", 0, end) + 1 : end].decode(errors="replace")
    values = parse_metadata(line, path)
    if not isinstance(values, dict):
        raise ModelFileError(f"{path}: its metadata is not an object")
    return values


def add_digest(content: bytes, marker: bytes) -> bytes:
    """Return a file's content with its SHA-256 in place of the zeros after the last marker."""
    start = content.rindex(marker + WITHOUT_DIGEST.encode()) + len(marker)
    digest = hashlib.sha256(content).hexdigest().encode()
    return content[:start] + digest + content[start + len(WITHOUT_DIGEST) :]


def check_digest(path: Path, marker: bytes) -> None:
    """Raise ModelFileError for a file that is missing, cut off, altered or of another kind.

    Nothing in the file is executed or parsed.
    """
    try:
        with (
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
        ):
            start = content.rfind(marker)
            end = start + len(marker) + len(WITHOUT_DIGEST)
            if start < 0 or end > len(content):
                raise ModelFileError(
                    f"{path}: not exported by seq2point, or cut off (its digest is missing); copy"
                    " it again"
                )
            start += len(marker)
            digest = hashlib.sha256()
            with memoryview(content) as view:
                digest.update(view[:start])
                digest.update(WITHOUT_DIGEST.encode())
                digest.update(view[end:])
            if content[start:end] != digest.hexdigest().encode():
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
