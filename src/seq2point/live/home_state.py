"""The state that a home is kept in, and what earlier versions kept."""

from collections.abc import Mapping
from typing import Any

from seq2point.live.pace import Pace
from seq2point.recording.coverage import DAY_S

STATE_VERSION = 4

DAMAGE = (KeyError, IndexError, TypeError, ValueError, AttributeError)
"""What reading a state that is damaged may raise."""


def find_kept_pace(state: Mapping[str, Any]) -> Pace | None:
    """Return the pace of the home that a store has kept; None where that is damaged."""
    try:
        step_s, hold_s = state["home"]["pace"]
        return Pace(float(step_s), None if hold_s is None else float(hold_s))
    except DAMAGE:
        return None


def upgrade_state(state: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what an earlier version has kept as this one does.

    The second version had days of UTC, and knew nothing of the power that a home's appliances draw.
    The third one took what is always on for 0 W until it was known.
    """
    if state.get("version") == 2:
        state = _upgrade_second(state)
    if state.get("version") != 3:
        return state
    floor = state["floor"]
    is_unknown = not floor["days_w"] and floor["floor_w"] == 0
    return {**state, "version": 4, "floor": {**floor, **({"floor_w": None} if is_unknown else {})}}


def _upgrade_second(state: Mapping[str, Any]) -> Mapping[str, Any]:
    floor = state["floor"]
    day_s = None if floor["hour"] is None else floor["hour"] // 24 * DAY_S
    streams = [
        each | {"decider": each["decider"] and {**each["decider"], "rated": {}}}
        for each in state["streams"]
    ]
    floor = {**floor, "zone": "UTC", "day_s": day_s}
    return {**state, "version": 3, "streams": streams, "floor": floor}
