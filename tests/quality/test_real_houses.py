"""What the doctor finds in real houses, each looked at by eye, and no more."""

from pathlib import Path

import pytest

from seq2point.quality import check_file

SEEN: dict[str, set[tuple[str, str]]] = {
    "refit_house20_30s": {("gaps", "mains"), ("frozen", "mains"), ("clipped", "mains")},
    "refit_house2_30s": {
        ("gaps", "mains"),
        ("clipped", "mains"),
        *(("frozen", n) for n in ("mains", "dishwasher", "microwave")),
    },
    "refit_house2_8s": {("frozen", "mains"), ("frozen", "dishwasher")},
    "ukdale_house1_60s": {("gaps", "kettle"), ("agreement", "fridge")},
    "ukdale_house1_6s_a": set(),
    "ukdale_house1_6s_b": set(),
    "ukdale_house5_60s": {("gaps", "kettle"), ("agreement", "fridge")},
}


@pytest.mark.parametrize("name", SEEN)
def test_a_real_house_has_the_findings_that_were_seen_by_eye_and_no_false_alarm(
    name: str, data_dir: Path
):
    report, recording = check_file(data_dir / f"{name}.parquet")
    assert recording is not None
    assert {(f.check, f.channel) for f in report.findings if f.severity != "info"} == SEEN[name]
    assert report.worst() != "error"
    if "6s" in name:
        lags = [f.value for f in report.findings if f.check == "lag"]
        assert lags == pytest.approx([6] * 5, abs=1.5)
