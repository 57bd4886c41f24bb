"""The number of examples of a property: a quarter in the suite, all of them in `make properties`."""

from __future__ import annotations

import os

ALL = bool(os.environ.get("ALL_EXAMPLES"))


def examples(most: int) -> int:
    """The number of examples for a property.

    Args:
        most: the number in `make properties`.
    """
    return most if ALL else max(1, most // 4)
