"""How many examples a property is tried with: a third in the suite, all of them in `make properties`."""

from __future__ import annotations

import os

ALL = bool(os.environ.get("ALL_EXAMPLES"))


def examples(most: int) -> int:
    """The examples of a property.

    Args:
        most: as many as `make properties` tries.
    """
    return most if ALL else max(1, most // 3)
