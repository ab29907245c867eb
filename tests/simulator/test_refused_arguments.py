"""Bad arguments are refused with one clear line."""

from datetime import UTC, datetime
from typing import Any

import pytest

from seq2point.errors import UsageError
from seq2point.simulator import simulate_house


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"appliances": ["teapot"]}, "unknown appliance 'teapot'"),
        ({"appliances": "teapot"}, "unknown appliance 'teapot'"),
        ({"owned": ["teapot"]}, "unknown appliance 'teapot'"),
        ({"days": 0}, "0 days"),
        ({"days": -1}, "-1 days"),
        ({"days": float("nan")}, "nan days"),
        ({"days": float("inf")}, "inf days"),
        ({"days": 1e-6}, "hold no sample"),
        ({"period_s": 0}, "period"),
        ({"period_s": -6}, "period"),
        ({"period_s": float("nan")}, "period"),
        ({"period_s": 1e6}, "period"),
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"seed": True}, "seed"),
        ({"start": datetime(2025, 1, 6)}, "time zone"),
        ({"start": datetime(9999, 12, 31, tzinfo=UTC)}, "calendar"),
        ({"start": datetime(1, 1, 1, tzinfo=UTC)}, "calendar"),
    ],
)
def test_a_bad_argument_is_a_usage_error_of_one_line(bad: dict[str, Any], says: str):
    with pytest.raises(UsageError) as caught:
        simulate_house(**{"seed": 1, "days": 0.1, **bad})
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
