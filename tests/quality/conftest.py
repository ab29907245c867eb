"""A healthy simulated house, and the doctor's findings on a house that something was done to."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from seq2point.quality import Finding, check_recording
from seq2point.quality.quality_report import FindingLog
from seq2point.recording import Recording
from seq2point.simulator import simulate_house

Findings = Callable[..., list[Finding]]


@pytest.fixture(scope="session")
def healthy() -> Recording:
    return simulate_house(3, days=21, period_s=8.0)


@pytest.fixture(scope="session")
def find_in() -> Findings:
    """Return the findings of some severities on a recording.

    `changes` are fields of the recording, `channels` its appliances; None leaves one out.
    """

    def find_in(
        recording: Recording,
        severities: str = "error warning",
        channels: dict[str, Any] | None = None,
        **changes: Any,
    ) -> list[Finding]:
        appliances_w = {**recording.appliances_w, **(channels or {})}
        kept = {name: power_w for name, power_w in appliances_w.items() if power_w is not None}
        log = FindingLog("home")
        check_recording(replace(recording, appliances_w=kept, **changes), log)
        return [f for f in log.findings if f.severity in severities.split()]

    return find_in
