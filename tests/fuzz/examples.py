"""How many examples a property is tried with: few and always the same, or with `make fuzz` many
and others each time.
"""

import os

from hypothesis import HealthCheck, settings

WANTED = os.environ.get("SEQ2POINT_FUZZ")


def try_examples(few: int) -> settings:
    """Settings for a property with so many examples where SEQ2POINT_FUZZ names no other number."""
    return settings(
        max_examples=int(WANTED or few),
        derandomize=WANTED is None,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
