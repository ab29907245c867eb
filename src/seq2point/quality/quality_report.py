"""Quality reports: findings with their figures and advice, usage of channels, lags of clocks."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


class Finding(BaseModel):
    """A finding on one channel of a house, or on the file as a whole (`channel` None).

    An error makes data false or unusable. With a warning they are usable. An info is a fact.
    `figure` is the finding in words and numbers, `value` its number in `unit`.
    """

    model_config = ConfigDict(frozen=True)

    severity: Severity
    check: str
    house: str
    channel: str | None
    figure: str
    value: float | None = None
    unit: str | None = None
    advice: str


class ChannelUsage(BaseModel):
    """The usage of one channel.

    `on_power_w` is the power above which it counts as on. `uses` are its activations. `kwh` is the
    energy of all readings, `on_kwh_per_day` that while it is on: `mean_on_w` times
    `on_hours_per_day`. `typical_on_w` is the median while it is on.
    """

    model_config = ConfigDict(frozen=True)

    channel: str
    known_days: float
    kwh: float
    kwh_per_day: float | None
    share_of_mains: float | None
    on_power_w: float | None
    on_hours_per_day: float | None
    on_kwh_per_day: float | None
    mean_on_w: float | None
    uses: int | None
    uses_per_day: float | None
    typical_on_w: float | None
    highest_w: float


class Lag(BaseModel):
    """The delay of a channel's clock behind that of the mains, around `day` days after the start.

    `match` is the share of the channel's steps that the mains shows at that lag.
    """

    model_config = ConfigDict(frozen=True)

    day: float
    late_s: float
    match: float


class QualityReport(BaseModel):
    """The quality report of a file. `uses` is the usage of each channel.

    `interpretation` is what was understood of the file.
    """

    model_config = ConfigDict(frozen=True)

    file: str
    house: str
    dataset: str | None = None
    rows: int = 0
    days: float = 0.0
    period_s: float | None = None
    claimed_period_s: float | None = None
    interpretation: dict[str, Any] = {}
    findings: tuple[Finding, ...]
    uses: tuple[ChannelUsage, ...] = ()
    lags: dict[str, tuple[Lag, ...]] = {}

    def worst(self) -> Severity | None:
        """Return the gravest severity of the findings; None without findings."""
        return next((s for s in SEVERITIES if any(f.severity == s for f in self.findings)), None)


class FindingLog:
    """The findings of one house, to which the checks add theirs."""

    def __init__(self, house: str):
        self.house = house
        self.findings: list[Finding] = []

    def add(
        self,
        severity: Severity,
        check: str,
        channel: str | None,
        figure: str,
        advice: str,
        value: float | None = None,
        unit: str = "",
    ) -> None:
        """Add a finding."""
        self.findings.append(
            Finding(
                severity=severity,
                check=check,
                house=self.house,
                channel=channel,
                figure=figure,
                advice=advice,
                value=None if value is None else round(value, 6),
                unit=unit or None,
            )
        )
