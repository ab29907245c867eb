"""What the doctor says of a file: findings with their figures and advice, and what each channel
used.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


class Finding(BaseModel):
    """One thing found in one house, on one channel or on the file as a whole (`channel` None).

    An error makes the data say something false or unusable; a warning is usable, and worth knowing;
    an info is a fact. `figure` is the finding in numbers, `value` the number to compare by, in
    `unit`.
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
    """What one channel used; `on_power_w` is the power above which it counts as on."""

    model_config = ConfigDict(frozen=True)

    channel: str
    known_days: float
    kwh: float
    kwh_per_day: float | None
    share_of_mains: float | None
    on_power_w: float | None
    on_hours_per_day: float | None
    uses: int | None
    uses_per_day: float | None
    typical_on_w: float | None
    highest_w: float


class Lag(BaseModel):
    """How late a channel's clock is behind that of the mains in a block of steps around `day` days
    after the start.

    `match` is the share of the channel's steps that the mains shows at that lag.
    """

    model_config = ConfigDict(frozen=True)

    day: float
    late_s: float
    match: float


class QualityReport(BaseModel):
    """All that the doctor found in a file."""

    model_config = ConfigDict(frozen=True)

    file: str
    house: str
    dataset: str | None = None
    rows: int = 0
    days: float = 0.0
    period_s: float | None = None
    claimed_period_s: float | None = None
    findings: tuple[Finding, ...]
    uses: tuple[ChannelUsage, ...] = ()
    lags: dict[str, tuple[Lag, ...]] = {}

    def worst(self) -> Severity | None:
        """The gravest severity among the findings."""
        return next((s for s in SEVERITIES if any(f.severity == s for f in self.findings)), None)


class FindingLog:
    """Findings of one house, as the checks write them down."""

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
        """Write a finding down."""
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
