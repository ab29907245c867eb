"""Results are cached by a version: whoever records other golden losses must raise it."""

import hashlib
import json
from pathlib import Path

from seq2point.studies import budget_search, trainings, transfer_curve
from seq2point.studies.protocols import steps

RAISE = (
    "the golden losses changed: raise VERSION in studies/protocols/steps.py, transfer_curve.py,"
    " budget_search.py and trainings.py, then record the hash and the versions here"
)
LOSSES_SHA256 = "6a1b904723846bc5f350f8fb54407e5d2d8f4e8fd85c3434ec2c94aae9dbaec2"
VERSIONS = {"protocols": 1, "transfer_curve": 1, "budget_search": 2, "trainings": 1}


def hash_losses() -> str:
    """The hash of what the golden trainings recorded, however the files are written."""
    folder = Path(__file__).parent
    paths = sorted([*folder.glob("sliding-*.json"), *folder.glob("windows-*.json")])
    assert len(paths) == 18
    recorded = {path.name: json.loads(path.read_text()) for path in paths}
    return hashlib.sha256(json.dumps(recorded, sort_keys=True).encode()).hexdigest()


def test_other_losses_have_another_version():
    versions = {
        "protocols": steps.VERSION,
        "transfer_curve": transfer_curve.VERSION,
        "budget_search": budget_search.VERSION,
        "trainings": trainings.VERSION,
    }
    assert (hash_losses(), versions) == (LOSSES_SHA256, VERSIONS), RAISE
