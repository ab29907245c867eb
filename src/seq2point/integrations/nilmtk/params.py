"""The params that NILMTK's users know, and some of seq2point."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
)

from seq2point.appliances import Appliance, canonical_name, look_up_appliance
from seq2point.choices import Device, Engine
from seq2point.errors import UsageError

NAME = "nilmtk_name"
"""The entry of a provenance that holds an appliance's name in NILMTK."""
ON_W = 10.0
"""The threshold of nilmbench."""


class Normalisation(BaseModel):
    """An appliance's mean and standard deviation in watts, as in NILMTK's `appliance_params`.

    Other entries are ignored.
    """

    mean: float
    std: float = Field(gt=0)


class Params(BaseModel):
    """The params of a Disaggregator; the first eleven are nilmtk-contrib's, with its defaults.

    The others are seq2point's. `network`, `pruning`, `sparsity`, `pruning_settings` and `engine`
    are those of `seq2point train`. `period_s` is the sampling period of frames without times.
    `compact` removes the units and channels that pruning emptied. `threads` are CPU threads.
    """

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    sequence_length: PositiveInt = 99
    n_epochs: PositiveInt = 10
    batch_size: PositiveInt = 512
    appliance_params: dict[str, Normalisation] = {}
    mains_mean: float = 1800.0
    mains_std: PositiveFloat = 600.0
    save_model_path: Path | None = Field(
        None, validation_alias=AliasChoices("save_model_path", "save-model-path")
    )
    pretrained_model_path: Path | None = Field(
        None,
        validation_alias=AliasChoices(
            "pretrained_model_path", "pretrained-model-path", "load_model_path", "load-model-path"
        ),
    )
    chunk_wise_training: bool = False
    seed: int | None = Field(None, ge=0)
    device: str | None = None
    learning_rate: PositiveFloat | None = None
    network: str = "seq2point"
    pruning: str | None = None
    sparsity: float | None = None
    pruning_settings: dict[str, Any] = {}
    compact: bool = False
    engine: Engine = "sliding"
    period_s: PositiveFloat | None = None
    threads: PositiveInt | None = None
    verbose: bool = False

    @classmethod
    def parse(cls, params: Mapping[str, Any] | None) -> Self:
        """Return the params of a dict.

        Warns of an unknown name, which nilmtk-contrib's models ignore. Raises UsageError for a
        value out of range.
        """
        values = dict(params or {})
        names = set(cls.model_fields)
        for field in cls.model_fields.values():
            if isinstance(field.validation_alias, AliasChoices):
                names |= {str(choice) for choice in field.validation_alias.choices}
        if unknown := sorted(set(values) - names):
            warnings.warn(f"params that do nothing here: {', '.join(unknown)}", stacklevel=3)
        try:
            return cls.model_validate(
                {name: value for name, value in values.items() if value is not None}
            )
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(map(str, first["loc"]))
            raise UsageError(
                f"params['{name}'] = {first['input']!r}: {first['msg'].lower()}"
            ) from None

    @property
    def device_choice(self) -> Device:
        """Return the device in seq2point's words; raise UsageError for an unknown one."""
        kind = (self.device or "auto").partition(":")[0]
        if kind not in ("auto", "cpu", "cuda"):
            raise UsageError(f"params['device'] = '{self.device}': choose cpu or cuda")
        return kind  # type: ignore[return-value]


def find_appliance_row(name: str, row: Normalisation, highest_w: float) -> Appliance:
    """Return the appliance of the table, or one with nilmbench's threshold of 10 W."""
    values = {
        "max_power_w": max(highest_w, ON_W),
        "on_power_w": ON_W,
        "min_on_s": 0,
        "min_off_s": 0,
    }
    return look_up_appliance(name) or Appliance.model_validate(
        values | {"name": canonical_name(name), "mean_w": row.mean, "std_w": row.std}
    )
