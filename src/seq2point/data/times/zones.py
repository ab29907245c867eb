"""Time zones by their names."""

import os
import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from seq2point.errors import UsageError

ZONE_IN_NAME = re.compile(r"[(\[]\s*([A-Za-z_]+/[A-Za-z_/]+|UTC)\s*[)\]]")
"""A time zone in a column's name: 'Time Bucket (America/Chicago)'."""


def find_zone_in_name(name: str) -> str | None:
    """Return the time zone that a column's name says: 'Time Bucket (America/Chicago)'."""
    match = ZONE_IN_NAME.search(name)
    if not match:
        return None
    try:
        return ZoneInfo(match[1]).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def require_zone(zone: str | None) -> ZoneInfo | None:
    """Return a time zone by its name, None for None; raises UsageError for an unknown one."""
    if zone is None:
        return None
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(
            f"`zone`: unknown time zone '{zone}': expected for example Europe/London or UTC"
        ) from None


def find_machine_zone() -> str:
    """Return the name of this machine's time zone; UTC where it has none that is known."""
    link = os.path.realpath("/etc/localtime")
    for name in (os.environ.get("TZ", "").removeprefix(":"), link.partition("/zoneinfo/")[2]):
        try:
            return ZoneInfo(name).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return "UTC"
