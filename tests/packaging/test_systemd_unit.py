"""The systemd unit, by systemd's own checks."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "packaging" / "systemd" / "seq2point-live.service"
ANALYZE = shutil.which("systemd-analyze")
MOST_EXPOSED = 1.5
"""systemd's own scale goes to 10; its services without hardening have 9.6."""


@pytest.fixture
def unit(tmp_path):
    """The unit with a program that there is."""
    path = tmp_path / UNIT.name
    path.write_text(UNIT.read_text().replace("/opt/seq2point/bin/seq2point", "/bin/true"))
    return path


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")
def test_systemd_reads_the_unit(unit):
    made = subprocess.run([ANALYZE, "verify", unit], capture_output=True, text=True, check=False)
    assert (made.returncode, made.stderr) == (0, "")


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")
def test_systemd_finds_the_unit_hardened(unit):
    words = [ANALYZE, "security", "--offline=true", "--no-pager", unit]
    made = subprocess.run(words, capture_output=True, text=True, check=False)
    level = re.search(r"exposure level for \S+: ([\d.]+)", made.stdout)
    if level is None:
        pytest.skip(f"this systemd-analyze knows no offline check: {made.stderr}")
    assert float(level[1]) <= MOST_EXPOSED


def test_the_unit_waits_for_ready_and_watches():
    lines = UNIT.read_text().splitlines()
    assert {"Type=notify", "WatchdogSec=120", "Restart=on-failure"} <= {*lines}


def test_the_unit_holds_no_secret_and_runs_the_settings():
    text = UNIT.read_text()
    assert "live --settings /etc/seq2point/live.toml" in text
    assert "TOKEN" not in text
    assert "PASSWORD" not in text
