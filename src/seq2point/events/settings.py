"""EventSettings: how the events of one appliance are decided. A model's card holds them as JSON."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class EventSettings(BaseModel):
    """How an appliance's events are told from those of other loads.

    An event is a load that switches on and off: a step up in the mains, a step down, and the
    power between. Its share is the part of its energy that the network predicts for the appliance.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    min_share: float = Field(0.5, gt=0, le=1)
    """From this share on, the appliance owns the event and gets all of its power."""
    rated_share: float | None = Field(None, gt=0, le=1)
    """From this share on, it owns an event whose power is the one that it draws time after time."""
    keep_share: float = Field(0.25, ge=0, le=1)
    """From this share on, the network's own prediction stands. Below it the appliance is off. With
    0 it stands wherever the appliance owns no event."""
    least_w: float = Field(300.0, gt=0)
    """An appliance owns no event whose mean power is lower, in watts."""
    bridge_s: float = Field(1800.0, ge=0)
    """So long before and after events of which its share is enough, the appliance's cycle may go
    on, and the network's own prediction stands. Elsewhere the appliance is off."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name in ("min_share", "rated_share"):
            share = getattr(self, name)
            if share is not None and self.keep_share > share:
                raise ValueError(f"keep_share must not be above {name}")
        return self

    @property
    def least_share(self) -> float:
        """The smallest share of an event that means anything for it."""
        return self.keep_share or min(self.min_share, self.rated_share or 1.0)
